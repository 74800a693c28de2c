"""A full disk costs one line, which names the file; what was complete stays, and nothing half done takes a name.

Files that may not grow stand in for the disk.
"""

import contextlib
import importlib
import json
import resource

import numpy as np
import pytest
from test_convert import foreign

import keras_vid
from keras_vid.cli import main
from keras_vid.utils.errors import DiskFull
from keras_vid.utils.files import atomic
from keras_vid.video import synthetic
from keras_vid.weights.fetch import fetch_url


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


def last_line(code, capsys):
    assert code == 1
    return told(capsys)


@contextlib.contextmanager
def full_in(function, size):
    """Files may not grow beyond a size while one function runs."""
    module, _, name = function.rpartition(".")
    module = importlib.import_module(module)
    whole = getattr(module, name)

    def limited(*args, **kwargs):
        with files_up_to(size):
            return whole(*args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, name, limited)
        yield


# what a command writes, the function that writes it (TensorFlow writes elsewhere, too), the size up to which files may
# grow, and the command; capital letters are files of `inputs`
BOXES = ["detect", "predict", "--dataset", "synthetic", "--data", "BOXES", "--model", "DETECTOR", "--min-score", "0"]
FILES = {
    "boxes.csv": ("detection.data.box_files.write_boxes", 200, BOXES),
    "boxes.mp4": ("detection.predict.draw_video", 500, ["detect", "predict", "VIDEO", "--model", "DETECTOR"]),
    "seen.png": ("explain.strips.write_figure", 2000, ["explain", "NETWORK", "VIDEO"]),
    "seen.mp4": ("explain.strips.write", 500, ["explain", "NETWORK", "VIDEO"]),
    "seen.gif": ("explain.strips.write", 500, ["explain", "NETWORK", "VIDEO"]),
    "two.png": (
        "explain.strips.write_figure",
        2000,
        ["figure", "tsne", "NETWORK", "--videos", "VIDEOS", "--layers", "conv2", "conv5"],
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_one_file(name, inputs, tmp_path, capsys):
    function, size, words = FILES[name]
    command = [inputs.get(word, word) for word in words] + ["-o", str(tmp_path / name)]
    with full_in(f"keras_vid.{function}", size):
        line = last_line(main(command), capsys)
    assert "the disk is full" in line and name in line
    assert names(tmp_path) == []
    assert main(command) == 0 and name in names(tmp_path)


def test_convert(tmp_path, capsys):
    source = keras_vid.create("s3dg", classes=2, style="slim")
    np.savez(tmp_path / "slim.npz", **foreign(source, "slim"))
    command = ["convert", str(tmp_path / "slim.npz"), "--model", "s3dg"]
    with files_up_to(1_000_000):
        line = last_line(main(command), capsys)
    assert "the disk is full" in line and "slim.npz.weights.h5" in line
    assert names(tmp_path) == ["slim.npz"]
    assert main(command) == 0 and names(tmp_path) == ["slim.npz", "slim.npz.weights.h5"]


def test_embed(inputs, tmp_path, capsys, monkeypatch):
    """The features that were read stay, too."""
    monkeypatch.setenv("KERAS_VID_HOME", str(tmp_path / "home"))
    command = ["embed", inputs["VIDEOS"], "-o", str(tmp_path / "out.npz"), "--model", inputs["NETWORK"]]
    with files_up_to(3000):
        line = last_line(main(command), capsys)
    assert "the disk is full" in line and ".vector.npy" in line
    with files_up_to(10_000):
        line = last_line(main(command), capsys)
    assert "the disk is full" in line and "out.npz" in line
    assert len(names(tmp_path)) == 7  # six features, about.json, and no out.npz
    assert main(command) == 0 and (tmp_path / "out.npz").exists()


def test_fetch(tmp_path, monkeypatch):
    """Fetched weights: from a file here, for an address on the web."""
    monkeypatch.setenv("KERAS_VID_HOME", str(tmp_path / "home"))
    (tmp_path / "a.h5").write_bytes(bytes(3000))
    with files_up_to(1000), pytest.raises(DiskFull, match="a.h5 is not written"):
        fetch_url((tmp_path / "a.h5").as_uri())
    assert names(tmp_path / "home") == []
    assert fetch_url((tmp_path / "a.h5").as_uri()).read_bytes() == bytes(3000)


@pytest.fixture
def training(inputs, tmp_path):
    """The command of a short run without its output."""
    return ["train", "tsm_resnet14", "--data", inputs["VIDEOS"], *TINY, "--no-validation", "-o", str(tmp_path / "run")]


TINY = ["--epochs", "1", "-b", "2", "--frames", "4", "--size", "32", "--short", "36", "-j", "1"]


@pytest.mark.slow
def test_train(training, tmp_path, capsys):
    run = tmp_path / "run"
    with full_in("keras_vid.training.run.progress.events", 50):
        line = last_line(main(training), capsys)
    assert "the disk is full" in line and f"{run / 'events'} " in line
    with files_up_to(100_000):
        line = last_line(main(training), capsys)
    assert "the disk is full" in line and "last.keras" in line and "again with --resume" in line
    assert not list(run.rglob("*.keras"))
    with files_up_to(12_000_000):
        line = last_line(main([*training, "--resume"]), capsys)
    assert "the disk is full" in line and "step_000000003.npz" in line
    assert names(run / "checkpoints") == [] and {"last.keras", "best.keras", "log.csv"} < set(names(run))
    assert main([*training, "--resume"]) == 0 and names(run / "checkpoints") == ["step_000000003.npz"]


def test_report(training, tmp_path, capsys):
    run = tmp_path / "run"
    assert main(training) == 0 and main(["report", str(run)]) == 0
    before = (run / "report.html").read_bytes()
    (run / "log.csv").write_text((run / "log.csv").read_text().replace("\n1,", "\n2,"))
    with files_up_to(3000):
        line = last_line(main(["report", str(run)]), capsys)
    assert "the disk is full" in line and "report.html" in line
    assert (run / "report.html").read_bytes() == before
    assert main(["report", str(run)]) == 0 and (run / "report.html").read_bytes() != before


@pytest.mark.slow
def test_ablate(inputs, tmp_path, capsys):
    command = ["ablate", "stm/table5", "--rows", "TSN", "--data", inputs["VIDEOS"], "--backbone", "resnet14"]
    command += ["-o", str(tmp_path / "out"), *TINY]
    with files_up_to(100_000):
        line = last_line(main(command), capsys)
    assert "the disk is full" in line and "last.keras" in line and "--resume" not in line
    assert not {"table.html", "ablation.json", "last.keras"} & set(names(tmp_path / "out"))
    assert main(command) == 0 and {"table.html", "ablation.json"} < set(names(tmp_path / "out"))


def test_export(inputs, tmp_path, capsys):
    command = ["export", inputs["NETWORK"], "-o", str(tmp_path / "out")]
    with files_up_to(100_000):
        line = last_line(main(command), capsys)
    assert "the disk is full" in line and f"{tmp_path / 'out' / '1'} " in line
    assert names(tmp_path) == [] and not (tmp_path / "out").exists()
    assert main(command) == 0 and (tmp_path / "out" / "1" / "saved_model.pb").is_file()


ENGINES = {
    "--openvino": ("openvino", "engines.openvino.write", []),
    "--onnx": ("tf2onnx", "targets.to_onnx", ["a.onnx"]),
    "--litert": ("ai_edge_litert", "targets.to_litert", ["a.tflite"]),
}


@pytest.mark.slow
@pytest.mark.parametrize("flag", ENGINES)
def test_export_for_another_engine(flag, inputs, tmp_path, capsys):
    package, function, file = ENGINES[flag]
    pytest.importorskip(package)
    files = [str(tmp_path / name) for name in file]
    command = ["export", inputs["NETWORK"], "-o", str(tmp_path / "out"), flag, *files]
    with full_in(f"keras_vid.saved_models.{function}", 100_000):
        line = last_line(main(command), capsys)
    assert "the disk is full" in line and f"{(files or [tmp_path / 'out' / '1'])[0]} " in line
    left = [path.name for path in tmp_path.iterdir()]
    assert left == (["out"] if file else [])  # the SavedModel is complete where the file is not a part of it
    assert main(command) == 0
    assert all((tmp_path / name).is_file() for name in file or ["out/1/model.bin"])
