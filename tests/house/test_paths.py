"""The two paths of CONTRIBUTING.md: the files that a prediction and a training run pass through."""

import re
import sys
import threading
import traceback
from pathlib import Path

import keras
from keras_vid.training.run.trainer import Trainer

import keras_vid
from keras_vid.cli import main
from keras_vid.video import synthetic

ROOT = Path(__file__).parent.parent.parent


class Reached(BaseException):
    """The end of a path."""


def listed(command):
    """The files of the numbered list below a command in CONTRIBUTING.md."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    rows = text[text.index(f"`{command}`") :].split("\n\n")[1]
    return re.findall(r"(?m)^\d+\. `(\S+)`", rows)


def ours(paths):
    found = [Path(path).resolve() for path in paths]
    return {str(path.relative_to(ROOT)) for path in found if path.is_relative_to(ROOT) and "tests" not in path.parts}


def followed(command):
    """(files of ours that were entered, files on the stack at the end) of a command that ends in `Reached`."""
    entered = set()

    def note(frame, event, argument):
        if event == "call":
            entered.add(frame.f_code.co_filename)

    threading.setprofile(note)
    sys.setprofile(note)
    try:
        main(command)
    except Reached as end:
        stack = [frame.filename for frame in traceback.extract_tb(end.__traceback__)]
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    return ours(entered), ours(stack)


def stop(*args, **kwargs):
    raise Reached


def test_the_path_of_a_prediction(tmp_path, monkeypatch):
    keras_vid.create("tsm_resnet14", classes=2, frames=2, size=32).save(tmp_path / "small.keras")
    synthetic.write_dataset(tmp_path / "videos", clips=1, frames=4, size=32, classes=("walking_left",))
    video = next((tmp_path / "videos").rglob("*.mp4"))
    monkeypatch.setattr(keras.Model, "predict_on_batch", stop)
    entered, stack = followed(["predict", str(video), "--model", str(tmp_path / "small.keras")])
    files = listed("keras-vid predict FILE")
    assert len(files) <= 8 and set(files) <= entered and stack <= set(files)


def test_the_path_of_a_training_run(tmp_path, monkeypatch):
    synthetic.write_dataset(tmp_path / "videos", clips=2, frames=4, size=32, classes=("walking_left", "walking_right"))
    monkeypatch.setattr(Trainer, "fit", stop)
    small = ["--frames", "2", "--size", "32", "--short", "32", "-b", "2", "--no-validation", "--weights", "none"]
    run = ["train", "tsm_resnet14", "--data", str(tmp_path / "videos"), "-o", str(tmp_path / "run"), "--epochs", "1"]
    entered, stack = followed([*run, *small])
    files = listed("keras-vid train NETWORK --data DIR")
    assert len(files) <= 12 and set(files) <= entered and stack <= set(files)
