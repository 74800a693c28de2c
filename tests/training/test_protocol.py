"""What a printed number rests on: which clips chose the network, which were tested, and what was left out."""

import csv
import json
import shutil

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

from keras_vid.training.data.datasets import Dataset, Item
from keras_vid.training.data.load import datasets
from keras_vid.training.evaluation.evaluate import evaluate, evaluate_network, scores_of
from keras_vid.training.recipes import recipe
from keras_vid.training.run.train import Options

import keras_vid
from keras_vid.cli import main
from keras_vid.video import synthetic, write

FLAGS = "--size 32 --short 36 --epochs 1 -b 4 --weights none".split()


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    """Two classes in train/, val/ and test/; of test/ one clip has six frames, too few for a 3D network."""
    folder = tmp_path_factory.mktemp("videos")
    for seed, (part, clips) in enumerate((("train", 4), ("val", 2), ("test", 3))):
        synthetic.write_dataset(folder / part, clips, frames=20, size=40, seed=seed, classes=synthetic.CLASSES[-2:])
    write(folder / "test/red_shirt/short.mp4", synthetic.clip("red_shirt", frames=6, size=40)[0])
    return folder


@pytest.fixture(scope="module")
def run(videos, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "run"
    flags = ["--frames", "16", "-o", str(folder), *FLAGS]
    assert main(["train", "fast_s3d", "--data", str(videos), *flags]) == 0
    return folder


@pytest.mark.slow
def test_the_test_part_is_tested_and_the_short_clip_listed(run, capsys):
    """Six frames end in no feature frame of an S3D: not a NaN in metrics.json, and not a wrong answer either."""
    numbers = json.loads((run / "metrics.json").read_text(), parse_constant=pytest.fail)
    assert numbers["part"] == "test" and numbers["clips"] == 6
    assert "val chose the network" in numbers["split"]
    [(path, reason)] = numbers["unreadable_clips"].items()
    assert path.endswith("short.mp4") and reason == "its 6 frames are too few for this network"
    assert "top5" not in numbers and numbers["top1_interval"][0] <= numbers["top1"] <= numbers["top1_interval"][1]
    assert numbers["largest_class"] == 0.5
    card = (run / "MODEL_CARD.md").read_text()
    assert "95 % interval" in card and "val chose the network" in card and "top5" not in card
    assert "import keras_vid" in card and "--model FOLDER" in card
    with open(run / "log.csv", newline="") as file:
        assert [row["top5"] or row["val_top5"] for row in csv.DictReader(file)] == [""]  # two classes
    assert main(["evaluate", str(run), "--split", "val"]) == 0
    out = capsys.readouterr().out
    assert "validation top-1" in out and "these clips chose the network" in out
    assert json.loads((run / "metrics_validation.json").read_text())["clips"] == 4
    assert json.loads((run / "metrics.json").read_text())["part"] == "test"  # still


@pytest.mark.slow
def test_another_set_to_test_on(run, videos, tmp_path, capsys):
    shutil.copytree(videos / "val", tmp_path / "other")
    assert main(["evaluate", str(run), "--test-data", str(tmp_path / "other"), "--json"]) == 0
    numbers = json.loads(capsys.readouterr().out)
    assert numbers["part"] == "test" and numbers["clips"] == 4 and str(tmp_path / "other") in numbers["split"]


def test_which_parts_choose_and_which_are_tested(videos, tmp_path):
    row = recipe("fast_s3d")
    parts = datasets(row, Options(str(videos)))
    assert [len(part.items) for part in parts[:3]] == [8, 4, 7]
    shutil.copytree(videos / "train", tmp_path / "train")
    parts = datasets(row, Options(str(tmp_path)))
    assert [len(part.items) for part in parts[:2]] == [6, 2] and parts.test is None
    shutil.copytree(videos / "test", tmp_path / "testing")
    parts = datasets(row, Options(str(tmp_path)))
    assert [len(part.items) for part in parts[:3]] == [6, 2, 7] and "held-out" in parts.how
    parts = datasets(row, Options(str(tmp_path), validate=False))
    assert len(parts.training.items) == 8 and parts.validation is None and len(parts.test.items) == 7
    with pytest.raises(ValueError, match="none for train"):
        shutil.rmtree(tmp_path / "train")
        datasets(row, Options(str(tmp_path)))


def test_the_official_test_list_chooses_nothing(tmp_path):
    """UCF101: whole groups of the training list are held out to choose the epoch; the test list is only tested."""
    lines = [f"{c}/v_{c}_g{g:02d}_c{i:02d}.avi" for c in ("Archery", "Bowling") for g in range(1, 26) for i in (1, 2)]
    for line in lines:
        (tmp_path / line).parent.mkdir(exist_ok=True)
        (tmp_path / line).write_bytes(b"x")
    (tmp_path / "classInd.txt").write_text("1 Archery\n2 Bowling\n")
    test = [line for line in lines if "_g0" in line]
    (tmp_path / "testlist01.txt").write_text("\n".join(test))
    (tmp_path / "trainlist01.txt").write_text("\n".join(f"{line} 1" for line in lines if line not in test))
    parts = datasets(recipe("stm_resnet50/ucf101"), Options(str(tmp_path)))
    assert sorted(item.path for item in parts.test.items) == sorted(str(tmp_path / line) for line in test)
    names = [{item.path.rsplit("_", 1)[0] for item in part.items} for part in parts[:3]]
    assert not names[0] & names[1] and not names[0] & names[2] and not names[1] & names[2]
    assert len(parts.training.items) + len(parts.validation.items) == len(lines) - len(test)
    assert 4 <= len(parts.validation.items) <= 8 and "held-out" in parts.how


def test_misspelt_keywords_are_refused(tmp_path):
    with pytest.raises(TypeError, match="worker"):
        evaluate_network("i3d", None, "folder", tmp_path, worker=2)
    with pytest.raises(TypeError, match="avrage"):
        evaluate(tmp_path, avrage="logits")


def test_logits_and_softmax_are_averaged_as_named(tmp_path):
    """Two views with known logits, averaged by hand."""
    write(tmp_path / "a.mp4", np.stack([np.full((32, 32, 3), v, np.uint8) for v in (0, 0, 200, 200)]), fps=4)
    row = recipe("tsn_resnet14", frames=1, size=32, short=32, views=2)
    network = tf.keras.Sequential([tf.keras.Input((1, 32, 32, 3)), tf.keras.layers.GlobalAveragePooling3D()])
    dataset = Dataset("x", [Item(str(tmp_path / "a.mp4"), 0)], ["a", "b", "c"])

    def scaled(model):
        x = tf.keras.Input((1, 32, 32, 3))
        mean = tf.keras.ops.mean(tf.keras.ops.cast(model(x), "float32"), axis=1, keepdims=True)
        return tf.keras.Model(x, tf.keras.ops.concatenate([mean * 0.01, mean * 0 + 1, mean * 0], axis=1))

    model = scaled(network)
    frames = keras_vid.video.read(tmp_path / "a.mp4")
    means = frames[[0, 2]].astype(float).mean(axis=(1, 2, 3))
    logits = np.stack([[m * 0.01, 1, 0] for m in means])
    softmax = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    of_mean = np.exp(logits.mean(axis=0)) / np.exp(logits.mean(axis=0)).sum()
    assert abs(softmax.mean(axis=0) - of_mean).max() > 0.01
    for average, expected in (("softmax", softmax.mean(axis=0)), ("logits", of_mean)):
        _, scores, _ = scores_of(model, dataset, row, average=average)
        assert scores[0] == pytest.approx(expected, abs=2e-3)


def test_a_long_video_is_tested_in_windows(tmp_path, monkeypatch):
    """The mean over all frames, whatever the windows: 50 frames through a network that means over frames."""
    from keras_vid.training.data import views

    write(tmp_path / "a.mp4", synthetic.clip("walking_right", frames=50, size=40)[0])
    row = recipe("fast_s3d", size=32, short=36)
    x = tf.keras.Input((None, 32, 32, 3))
    network = tf.keras.Model(x, tf.keras.layers.GlobalAveragePooling3D()(tf.keras.layers.Rescaling(1 / 50)(x)))
    dataset = Dataset("x", [Item(str(tmp_path / "a.mp4"), 0)], ["a", "b", "c"])
    whole = scores_of(network, dataset, row)[1]
    monkeypatch.setattr(views, "WINDOW", 16)
    assert scores_of(network, dataset, row)[1] == pytest.approx(whole, abs=2e-4)
    assert "windows of 16" in views.protocol(row)
