"""Files that are damaged, or are not what their name says: one line with the file's name, through the command line."""

import io
import json
import pickle
import zipfile

import numpy as np
import pytest

from keras_vid.cli import main

DEEP = "[" * 100_000
PICKLED = pickle.dumps([np.zeros(3)], protocol=2)


def zipped(**members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "."), content)
    return file.getvalue()


def array_of(shape, dtype="<f4"):
    """The header of a .npy file that declares a shape, with hardly any data behind it."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": dtype, "fortran_order": False, "shape": shape})
    return file.getvalue() + bytes(64)


def with_objects():
    file = io.BytesIO()
    np.savez(file, video=np.array([{"a": 1}], dtype=object))
    return file.getvalue()


HUGE = zipped(box__npy=array_of((1 << 47,)))  # 512 TiB
CUT = zipped(box__npy=array_of((4, 4)))[:-30]
WEIGHTS = {
    "no_pickle.pth": (zipped(version="3"), "data.pkl"),
    "list.pth": (zipped(**{"archive/data__pkl": PICKLED}), "torch.save"),
    "list.pkl": (PICKLED, "holds a list"),
    "garbage.pth": (b"no weights at all", "not a PyTorch weight file"),
    "garbage.npz": (b"no arrays at all", "not an .npz"),
    "objects.npz": (with_objects(), "Python objects"),
    "huge.npz": (HUGE, "numpy.savez"),
    "cut.npz": (CUT, "numpy.savez"),
    "ragged.pkl": (pickle.dumps({"a": [[1, 2], [3]]}, protocol=2), "is not an array"),
    "deep.safetensors": (len(DEEP).to_bytes(8, "little") + DEEP.encode(), "not a PyTorch weight file"),
    "empty.npz": (b"", "is empty"),
}
BOXES = {
    "garbage.npz": (b"no arrays at all", "not an .npz"),
    "objects.npz": (with_objects(), "Python objects"),
    "huge.npz": (HUGE, "numpy.savez"),
    "cut.npz": (CUT, "numpy.savez"),
    "deep.json": (DEEP.encode(), "recursion"),
    "bytes.csv": (b"\xff\xfe\x00video", "decode"),
    "number.json": (b"3", "list of objects"),
}


def one_line(capsys, code, name, reason):
    """The last line of stderr names the file and the reason, and no advice to load pickles follows from it."""
    error = capsys.readouterr().err
    line = error.strip().splitlines()[-1]
    assert code == 1 and "Traceback" not in error and "allow_pickle" not in error
    assert line.startswith("keras-vid: ") and name in line and reason in line, line


@pytest.mark.parametrize("name", WEIGHTS)
def test_weights_that_are_none(name, tmp_path, capsys):
    content, reason = WEIGHTS[name]
    (tmp_path / name).write_bytes(content)
    code = main(["convert", str(tmp_path / name), "--model", "s3d"])
    one_line(capsys, code, name, reason)
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", BOXES)
def test_boxes_that_are_none(name, tmp_path, capsys):
    content, reason = BOXES[name]
    (tmp_path / name).write_bytes(content)
    truth = tmp_path / "truth.csv"
    truth.write_text("video,frame,label,x1,y1,x2,y2\na,0,run,0,0,5,5\n")
    code = main(["detect", "evaluate", str(tmp_path / name), "--gt", str(truth)])
    one_line(capsys, code, name, reason)


WHOLE = {
    "model": "s3d",
    "recipe": {"model": "s3d"},
    "data": "",
    "parameters": 1,
    "clips": 1,
    "command": "",
    "versions": {},
}


@pytest.mark.parametrize(
    "content", ["", "[]", "{", DEEP, '{"recipe": 3}', "\x00", json.dumps({**WHOLE, "labels": [3]})]
)
def test_a_run_folder_with_broken_settings(content, tmp_path, capsys):
    pytest.importorskip("tensorflow")
    (tmp_path / "args.json").write_text(content)
    one_line(capsys, main(["report", str(tmp_path)]), "args.json", "is damaged")


@pytest.mark.parametrize("content", ["", "[]", "{", DEEP, '{"frames": "x"}', '{"labels": 3}', '{"unknown": 3}'])
def test_a_run_folder_with_a_broken_view(content, tmp_path, capsys):
    (tmp_path / "view.json").write_text(content)
    (tmp_path / "best.keras").write_bytes(b"")
    one_line(capsys, main(["summary", str(tmp_path)]), "view.json", "is damaged")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", zipped(config__json=DEEP), zipped(config__json="{}")])
def test_a_network_that_is_none(content, tmp_path, capsys):
    (tmp_path / "net.keras").write_bytes(content)
    one_line(capsys, main(["summary", str(tmp_path / "net.keras")]), "net.keras", "not a readable .keras file")


def test_a_classifier_is_not_a_detector(tmp_path, capsys):
    pytest.importorskip("tensorflow")
    import keras

    clip = keras.Input((2, 8, 8, 3), name="clip")
    model = keras.Model(clip, keras.layers.Dense(3)(keras.layers.Flatten()(clip)), name="tiny")
    model.save(tmp_path / "tiny.keras")
    code = main(["detect", "predict", "video.mp4", "--model", str(tmp_path / "tiny.keras"), "--json"])
    one_line(capsys, code, "tiny.keras", "not a detector")


def test_a_view_that_is_whole_is_read(tmp_path):
    from keras_vid.view import ClipView

    view = ClipView(frames=8, height=64, width=64, fps=12.5, labels=("a", "b"))
    view.save(tmp_path)
    assert ClipView.load(tmp_path) == view and json.loads((tmp_path / "view.json").read_text())["fps"] == 12.5


@pytest.mark.parametrize("content", ["", "[]", "{", DEEP, '{"labels": ["a"], "files": [3], "plan": {}}', '{"plan": 3}'])
@pytest.mark.parametrize("command", [["train", "tsm_resnet14", "--data"], ["bench", "input", "prepared"]])
def test_prepared_data_with_a_broken_manifest(command, content, tmp_path, capsys):
    pytest.importorskip("tensorflow")
    (tmp_path / "data").mkdir()
    (tmp_path / "data/manifest.json").write_text(content)
    output = ["-o", str(tmp_path / "run")] if command[0] == "train" else []
    one_line(capsys, main([*command, str(tmp_path / "data"), *output]), "manifest.json", "is damaged")
