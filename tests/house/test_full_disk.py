"""A full disk costs one line, which names the file; what was complete stays, and nothing half done takes a name.

Files that may not grow stand in for the disk.
"""

import contextlib
import json
import resource

import numpy as np
import pytest

from keras_vid.cli import main
from keras_vid.utils.errors import DiskFull
from keras_vid.utils.files import atomic
from keras_vid.video import synthetic


@contextlib.contextmanager
def files_up_to(size):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture
def videos(tmp_path):
    synthetic.write_dataset(tmp_path / "videos", clips=2, frames=8, size=64, classes=synthetic.CLASSES[:2])
    return tmp_path / "videos"


def told(capsys):
    error = capsys.readouterr().err
    assert "Traceback" not in error
    return error.strip().splitlines()[-1]


def names(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_what_was_there_stays(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, a=np.arange(3))
    with files_up_to(1000), pytest.raises(DiskFull, match="the disk is full: .*a.npz is not written"):
        with atomic(path) as part:
            np.savez(part, a=np.zeros(1000))
    assert np.load(path)["a"].tolist() == [0, 1, 2] and names(tmp_path) == ["a.npz"]


def test_prepare(videos, tmp_path, capsys):
    pytest.importorskip("tensorflow")
    command = ["prepare", "folder", str(videos), "-o", str(tmp_path / "out"), "--size", "64", "-j", "1"]
    with files_up_to(3000):
        assert main(command) == 1
    assert "the disk is full" in (line := told(capsys)) and "clips-00000-of-00001.tfrecord" in line
    assert names(tmp_path / "out") == ["plan.json"]
    assert main(command) == 0 and "manifest.json" in names(tmp_path / "out")


def test_flow(videos, tmp_path, capsys):
    pytest.importorskip("cv2")
    command = ["flow", str(videos), "-o", str(tmp_path / "out"), "--size", "64", "-j", "1"]
    with files_up_to(200):
        assert main(command) == 1
    assert "the disk is full" in (line := told(capsys)) and "flow_x_00001.jpg" in line
    assert set(names(tmp_path / "out")) == {".begun.json"}  # and no skipped.csv: the videos can be read
    assert main(command) == 0


def test_a_list_of_videos(videos, tmp_path, capsys):
    pytest.importorskip("tensorflow")
    import keras_vid

    keras_vid.create("tsm_resnet14", classes=2, frames=4, size=32).save(tmp_path / "tiny.keras")
    out = tmp_path / "rows.jsonl"
    command = [
        "predict",
        str(videos),
        "-o",
        str(out),
        "--model",
        str(tmp_path / "tiny.keras"),
        "--engine",
        "tensorflow",
    ]
    with files_up_to(700):
        assert main(command) == 1
    assert "the disk is full" in (line := told(capsys)) and "rows.jsonl" in line
    whole = out.read_text().rpartition("\n")[0].splitlines()
    assert main(command) == 0
    rows = out.read_text().splitlines()
    assert rows[: len(whole)] == whole and len({json.loads(row)["video"] for row in rows}) == len(rows) == 4
