"""Test lists without labels, and what is averaged over the views of a clip."""

import json

import keras
import numpy as np
import pytest
from PIL import Image

tf = pytest.importorskip("tensorflow")

from keras import layers
from keras_vid.training.data.datasets import Dataset, Item
from keras_vid.training.evaluation.evaluate import scores_of
from keras_vid.training.recipes import recipe

from keras_vid.cli import main

COLOURS = {"1": (250, 0, 0), "2": (0, 250, 0), "3": (0, 0, 250), "4": (240, 0, 0)}
LABELS = ["Moving red", "Holding green", "Showing blue", "a", "b", "c"]


def colour_network(classes, frames=2):
    """Logits that can be computed by hand: class 0, 1, 2 get a hundredth of the mean red, green and blue."""
    clip = keras.Input((frames, 16, 16, 3), name="clip")
    x = layers.GlobalAveragePooling3D()(layers.Rescaling(0.01)(clip))
    network = keras.Model(clip, layers.Dense(classes, use_bias=False, name="logits")(x))
    network.set_weights([np.eye(3, classes, dtype="float32") - 0.1 * (np.arange(classes) > 2)])
    return network


def write(folder, frames):
    folder.mkdir()
    for number, frame in enumerate(frames):
        Image.fromarray(frame).save(folder / f"{number}.png")


def colour_row(dataset, **changes):
    return recipe("tsm_resnet14", size=16, short=16, crop="random", frames=2, weights=None, **changes)


@pytest.mark.parametrize("average", ["softmax", "logits"])
def test_what_is_averaged_over_views(tmp_path, average):
    """Two views of one video, all red and then all blue: means of softmax and of logits differ, and are known."""
    frames = np.zeros((4, 16, 16, 3), np.uint8)
    frames[:2, ..., 0], frames[2:, ..., 2] = 200, 120
    write(tmp_path / "frames", frames)
    dataset = Dataset("one", [Item(str(tmp_path / "frames"), 0)], ["red", "green", "blue"])
    row = colour_row("folder", sample="dense", views=2)
    _, scores, _ = scores_of(colour_network(3), dataset, row, average=average)
    logits = np.array([[2.0, 0, 0], [0, 0, 1.2]])
    if average == "logits":
        logits = logits.mean(axis=0, keepdims=True)
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(scores[0], shares.mean(axis=0), atol=0.01)


@pytest.mark.parametrize(
    ("dataset", "lines"),
    [
        ("something_v1", {"1;Moving red", "2;Holding green", "3;Showing blue", "4;Moving red"}),
        ("jester", {"1;Moving red", "2;Holding green", "3;Showing blue", "4;Moving red"}),
        ("something_v2", None),  # five numbers of labels.json, the best first
    ],
)
def test_a_submission_file(tmp_path, capsys, dataset, lines):
    """Each clip of the official list has its line; the run's labels stand in another order than the official ones."""
    import dataclasses

    root, run = tmp_path / "data", tmp_path / "run"
    root.mkdir(), run.mkdir()
    for name, colour in COLOURS.items():
        write(root / name, np.full((4, 16, 16, 3), colour, np.uint8))
    official = [*sorted(LABELS[1:]), LABELS[0]]
    if dataset == "something_v2":
        order = ["Holding green", "a", "b", "c", "Moving red", "Showing blue"]
        (root / "labels.json").write_text(json.dumps({label: str(i) for i, label in enumerate(order)}))
        (root / "test.json").write_text(json.dumps([{"id": name} for name in (*COLOURS, "5")]))
    else:
        (root / f"{dataset}-labels.csv").write_text("\n".join(official))
        (root / f"{dataset}-test.csv").write_text("\n".join([*COLOURS, "5"]))
    colour_network(6).save(run / "best.keras")
    row = dataclasses.asdict(dataclasses.replace(colour_row(dataset), dataset=dataset))
    (run / "args.json").write_text(json.dumps({"recipe": row, "labels": LABELS, "data": str(root)}))
    (run / "view.json").write_text("{}")
    assert main(["evaluate", str(run), "--submit", str(tmp_path / "answers.csv")]) == 0
    assert "1 clips of the list have no line: 5: missing" in capsys.readouterr().err
    written = (tmp_path / "answers.csv").read_text().splitlines()
    assert len(written) == 4 and {line.split(";")[0] for line in written} == set(COLOURS)
    if dataset == "something_v2":
        assert all(len(line.split(";")) == 6 for line in written)
        assert [line.split(";")[1] for line in sorted(written)] == ["4", "0", "5", "4"]
    else:
        assert set(written) == lines


def test_a_run_of_another_data_set_has_no_submission(tmp_path, capsys):
    import dataclasses

    (tmp_path / "args.json").write_text(
        json.dumps({"recipe": dataclasses.asdict(colour_row("folder")), "labels": ["a"], "data": "x"})
    )
    assert main(["evaluate", str(tmp_path), "--submit", str(tmp_path / "answers.csv")]) == 1
    assert "something_v1, something_v2, jester" in capsys.readouterr().err
    assert main(["evaluate", str(tmp_path), "--submit", str(tmp_path / "a.csv"), "--reverse"]) == 2
