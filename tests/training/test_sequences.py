"""Sequence models through the command line: features of frames, and ten classifiers on features where order matters."""

import json

import numpy as np
import pytest

from keras_vid.cli import main
from keras_vid.models.sequence import SEQUENCE_MODELS
from keras_vid.video import synthetic


def write_sequences(path, clips, seed):
    """Sequences of noise with two marks; only which one comes first tells the two classes apart. They are never at an
    end, where the padding of a convolution would give away their places."""
    rng = np.random.default_rng(seed)
    features = 0.1 * rng.normal(size=(clips, 7, 4)).astype("float32")
    labels = np.arange(clips) % 2
    for clip, label in enumerate(labels):
        first, second = ((0, 1), (1, 0))[label]
        place = int(rng.integers(2, 4))
        features[clip, place, first] += 4
        features[clip, place + 1, second] += 4
    names = np.array(["a then b", "b then a"])[labels]
    np.savez(path, features=features, labels=names, groups=[f"{i}" for i in range(clips)], paths=names)
    return path


@pytest.mark.slow
def test_order_is_seen_by_those_that_can(tmp_path, capsys):
    training, testing = (write_sequences(tmp_path / f"{n}.npz", n, n) for n in (64, 96))
    command = ["sequence", "train", str(training), "--test", str(testing), "-o", str(tmp_path / "out"), "-b", "16"]
    command += ["--models", "mean,txb_without_channel_conv,txb,temporal_conv,gru", "--epochs", "5", "--lr", "0.002"]
    assert main(command) == 0
    shown = capsys.readouterr().out
    top = {one["model"]: one["top1"] for one in json.loads((tmp_path / "out/results.json").read_text())["results"]}
    assert top["mean"] < 0.7 and top["txb_without_channel_conv"] < 0.7  # neither sees two frames at once
    assert min(top[name] for name in ("txb", "temporal_conv", "gru")) > 0.8
    assert "| gru |" in shown and "| 74.62 % |" in shown
    (tmp_path / "out/table.md").unlink()
    assert main(command) == 0 and capsys.readouterr().out == shown  # kept, not trained again
    assert main([*command, "--epochs", "13"]) == 1
    assert "other settings" in capsys.readouterr().err


def test_features_of_frames_are_written_and_compared(tmp_path, capsys):
    synthetic.write_dataset(tmp_path / "in", clips=4, frames=6, size=40, classes=synthetic.CLASSES[:2])
    file = tmp_path / "features.npz"
    shape = ["--model", "tsn_resnet14", "--weights", "none", "--frames", "4", "--size", "32", "-j", "2"]
    assert main(["sequence", "features", str(tmp_path / "in"), "-o", str(file), *shape]) == 0
    with np.load(file) as there:
        assert there["features"].shape == (8, 4, 1024) and set(there["labels"]) == set(synthetic.CLASSES[:2])
        assert there["features"].std(axis=1).max() > 0  # frames differ
    assert main(["sequence", "train", str(file), "-o", str(tmp_path / "out"), "--models", "mean", "--epochs", "1"]) == 0
    said = capsys.readouterr()
    assert "| mean |" in said.out and "mean, seed 0: top-1" in said.err
    assert main(["sequence", "train", str(tmp_path / "gone.npz"), "-o", str(tmp_path / "b")]) == 1
    assert "gone.npz: no such file; keras-vid sequence features writes one" in capsys.readouterr().err
    assert main(["sequence", "train", str(file), "-o", str(tmp_path / "b"), "--models", "meen"]) == 1
    told = capsys.readouterr().err
    assert "meen" in told and all(name in told for name in SEQUENCE_MODELS)
