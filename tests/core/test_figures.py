"""The papers' figures through `keras-vid figure`: their numbers against hand computation, and a picture for each."""

import csv
import dataclasses

import numpy as np
import pytest
from random_weights import scatter

import keras_vid
from keras_vid import cli
from keras_vid.video import synthetic, write
from keras_vid.view import view_of

pytest.importorskip("matplotlib")
pytest.importorskip("sklearn")


def saved(folder, name, **options):
    """A run folder with a network of random weights."""
    model = scatter(keras_vid.create(name, **{"classes": 2, "frames": 4, "size": 32, **options}))
    folder.mkdir()
    model.save(folder / "best.keras")
    dataclasses.replace(view_of(model), labels=("jump", "run")).save(folder)
    return model


def clips(folder, count=4, labels=("jump", "run")):
    for label in labels:
        (folder / label).mkdir(parents=True)
        for number in range(count):
            frames = synthetic.clip("walking_right", number, frames=8, size=40, seed=labels.index(label))[0]
            write(folder / label / f"{number}.mp4", frames, fps=8)
    return folder


def figure(*command):
    """Make a figure; its numbers as rows of a dict."""
    output = command[command.index("-o") + 1]
    assert cli.main(["figure", *map(str, command)]) == 0
    assert output.read_bytes()[1:4] == b"PNG"
    with open(output.with_suffix(".csv"), newline="") as file:
        return list(csv.DictReader(file))


def test_weights_by_offset_are_those_of_the_network(tmp_path):
    model = saved(tmp_path / "run", "r2plus1d_sequential_resnet14")
    rows = figure("temporal-weights", tmp_path / "run", "-o", tmp_path / "x.png")
    assert [row["offset"] for row in rows[:3]] == ["-1", "0", "1"]
    for row in rows[:3]:
        kernel = np.asarray(model.get_layer(row["layer"]).kernel)[int(row["offset"]) + 1].ravel()
        assert int(row["weights"]) == kernel.size
        assert float(row["deviation"]) == pytest.approx(kernel.std(), rel=1e-4)
        box = np.percentile(kernel, [25, 50, 75])
        assert [float(row[name]) for name in ("q1", "median", "q3")] == pytest.approx(box.tolist(), rel=1e-4)
        assert kernel.min() <= float(row["low"]) < box[0] and box[2] < float(row["high"]) <= kernel.max()


def test_attention_is_the_mean_of_the_balance_layers(tmp_path):
    model = saved(tmp_path / "run", "sth_resnet14")
    videos = clips(tmp_path / "videos", count=2)
    rows = figure("attention", f"p=1/4={tmp_path}/run", "--videos", videos, "-o", tmp_path / "x.png")
    assert len(rows) == 4 and {row["network"] for row in rows} == {"p=1/4"} and rows[0]["videos"] == "4"
    shown = [view_of(model).read(path) for path in sorted(videos.rglob("*.mp4"))]
    balance = keras_vid.features(model, rows[1]["name"])
    expected = np.mean([balance.predict_on_batch(clip[None])[0].mean(axis=-1) for clip in shown], axis=0)
    assert [float(rows[1]["temporal"]), float(rows[1]["spatial"])] == pytest.approx(expected.tolist(), abs=1e-4)
    assert expected.sum() == pytest.approx(2, abs=1e-4) and abs(expected[0] - 1) > 1e-3


def test_motion_is_nothing_where_nothing_moves(tmp_path):
    pytest.importorskip("cv2")
    saved(tmp_path / "run", "stm_resnet14", size=64)
    still = np.repeat(synthetic.clip("walking_right", size=72)[0][:1], 8, axis=0)
    moving = synthetic.clip("walking_right", frames=8, size=72)[0]
    flows = {}
    for name, frames in (("still", still), ("moving", moving)):
        write(tmp_path / f"{name}.mp4", frames)
        rows = figure("motion", tmp_path / "run", "--videos", tmp_path / f"{name}.mp4", "-o", tmp_path / f"{name}.png")
        flows[name] = [float(row["flow"]) for row in rows]
        assert len(rows) == 4 and float(rows[-1]["cmm"]) == 0 and rows[-1]["cmm_and_flow"] == "nan"
        assert all(float(row["before"]) > 0 and float(row["cstm"]) > 0 for row in rows)
    assert max(flows["still"]) < 0.05 < min(flows["moving"][:-1])


def test_a_correlation_is_numpys():
    from keras_vid.explain.figures.motion import _correlation, _shrunk

    one, two = np.random.default_rng(0).normal(size=(2, 6, 8))
    assert _correlation(one, two) == pytest.approx(np.corrcoef(one.ravel(), two.ravel())[0, 1])
    assert _shrunk(one, (3, 4))[1, 2] == pytest.approx(one[2:4, 4:6].mean())


def test_features_part_by_label_where_labels_differ_in_looks(tmp_path):
    saved(tmp_path / "a", "tsn_resnet14")
    saved(tmp_path / "b", "tsm_resnet14")
    for label, brightness in (("dark", 20), ("light", 220)):
        (tmp_path / "videos" / label).mkdir(parents=True)
        for number in range(4):
            frames = np.full((8, 40, 40, 3), brightness + 3 * number, "uint8")
            write(tmp_path / f"videos/{label}/{number}.mp4", frames)
    levels = ("conv2", "conv5")
    command = ["tsne", tmp_path / "a", tmp_path / "b", "--videos", tmp_path / "videos", "-o", tmp_path / "x.png"]
    rows = figure(*command, "--layers", *levels)
    assert len(rows) == 2 * 2 * 8 and {row["label"] for row in rows} == {"dark", "light"}
    assert all(row["nearest_is_alike"] == "1" for row in rows)
    points = {(row["network"], row["level"], row["x"], row["y"]) for row in rows}
    assert len(points) > 24  # not all in one place


def test_labels_of_something_something_are_grouped_as_in_the_paper():
    from keras_vid.explain.figures.labelled import ACTION_GROUPS, grouped

    names = ["Holding something", "Moving something from right to left", "Turning something upside down"]
    assert grouped(names) == ["8 holding", "1 moving right to left", "other"] and len(ACTION_GROUPS) == 10


def test_networks_side_by_side_explain_the_true_class(tmp_path):
    saved(tmp_path / "a", "tsn_resnet14")
    saved(tmp_path / "b", "stnet_resnet14", frames=10)
    videos = clips(tmp_path / "videos", count=1)
    rows = figure("activation", tmp_path / "a", tmp_path / "b", "--videos", videos, "-o", tmp_path / "x.png")
    assert {(row["network"], row["class"], row["exact"]) for row in rows} == {
        *(("a", label, "1") for label in ("jump", "run")),
        *(("b", label, "0") for label in ("jump", "run")),
    }
    assert len(rows) == 2 * (4 + 2)  # feature frames


def predictions(path, rows):
    path.mkdir()
    with open(path / "predictions.csv", "w", newline="") as file:
        csv.writer(file).writerows([("path", "label", "predicted"), *rows])


def test_categories_are_sorted_by_what_the_second_run_gains(tmp_path):
    videos = clips(tmp_path / "videos", count=2)
    paths = {label: sorted(map(str, (videos / label).glob("*.mp4"))) for label in ("jump", "run")}
    truth = [(path, label) for label, found in paths.items() for path in found]
    predictions(tmp_path / "one", [(path, label, "run") for path, label in truth])
    said = dict(zip((path for path, _ in truth), ("jump", "run", "jump", "run")))
    predictions(tmp_path / "two", [(path, label, said[path]) for path, label in reversed(truth)])
    rows = figure("categories", tmp_path / "one", f"STM={tmp_path}/two", "-o", tmp_path / "x.png")
    assert [(row["category"], row["first"], row["second"], row["difference"]) for row in rows] == [
        ("jump", "0.0", "0.5", "0.5"),
        ("run", "1.0", "0.5", "-0.5"),
    ]
    assert [row["example"] for row in rows] == [paths["jump"][0], paths["run"][0]]  # right in one, wrong in the other


@pytest.mark.parametrize(
    ("command", "code", "line"),
    [
        (["tsne", "run", "-o", "x.png", "--videos", "videos"], 2, "tsne needs --layers"),
        (["motion", "run", "-o", "x.png"], 2, "motion needs --videos"),
        (["temporal-weights", "run", "-o", "x.jpg"], 1, "a figure is written as .png"),
        (["temporal-weights", "run", "-o", "x.png"], 1, "has no convolution over time"),
        (["attention", "run", "--videos", "videos", "-o", "x.png"], 1, "give STH networks"),
        (["motion", "run", "--videos", "videos", "-o", "x.png"], 1, "give an STM network"),
        (["categories", "run", "run", "-o", "x.png"], 1, "keras-vid evaluate writes it"),
        (["categories", "run", "-o", "x.png"], 2, "made of 2 networks"),
        (["attention", "run", "--videos", "nowhere", "-o", "x.png"], 1, "nowhere: no such file"),
    ],
)
def test_wrong_usage_costs_one_line(command, code, line, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    saved(tmp_path / "run", "tsn_resnet14")
    clips(tmp_path / "videos", count=1)
    assert cli.main(["figure", *command]) == code
    (told,) = capsys.readouterr().err.strip().splitlines()
    assert line in told


def test_flow_is_drawn_as_grey_pictures():
    """Two channels become grey pictures: rest is dark, motion either way is bright."""
    from keras_vid.explain.pictures import as_rgb

    flow = np.full((1, 2, 2, 2), 128, "uint8")
    flow[0, 0, 0], flow[0, 1, 1] = 0, 255
    grey = as_rgb(flow)
    assert grey.shape == (1, 2, 2, 3) and grey[0, 0, 0, 0] == grey[0, 1, 1, 0] == 255 and grey[0, 0, 1].max() <= 1
