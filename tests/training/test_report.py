"""The report of a run: its numbers are those of the test, and a browser shows it whole."""

import dataclasses
import json
import re
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tensorflow")

from browser import CHROMIUM, check_in_browser, needs_browser, seen
from keras_vid.training.evaluation import metrics
from keras_vid.training.evaluation.predictions import Predictions
from keras_vid.training.recipes import recipe

import keras_vid
from keras_vid.cli import main
from keras_vid.video import synthetic
from keras_vid.view import set_view, view_of

LABELS = ["walking_right", "walking_left", "red_shirt", "a & <b>"]


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("videos")
    synthetic.write_dataset(folder, clips=3, frames=6, size=40, classes=synthetic.CLASSES[:4])
    return sorted(map(str, folder.rglob("*.mp4")))


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    model = keras_vid.create("tsm_resnet14", classes=4, frames=4, size=64)
    set_view(model, labels=tuple(LABELS))
    folder = tmp_path_factory.mktemp("network")
    model.save(folder / "best.keras")
    view_of(model).save(folder)
    return folder


def a_run(folder, videos, network=None, seed=0, epochs=1, sure=2.0):
    """A run folder as training and testing leave it, with scores that are drawn."""
    folder.mkdir(exist_ok=True)
    truth = np.arange(len(videos)) // 3
    logits = np.random.default_rng(seed).normal(size=(len(videos), 4))
    logits[np.arange(len(videos)), truth] += sure
    scores = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    tested = Predictions(
        videos, truth, scores.astype("float32"), LABELS, [f"source {i // 2}" for i in range(len(videos))]
    )
    tested.save(folder / "predictions")
    numbers = {"part": "test", "split": "the data's own", "data": "synthetic", "protocol": "1 clip of 4 frames"}
    (folder / "metrics.json").write_text(json.dumps({**numbers, **tested.summary(), "unreadable": 0}))
    row = recipe("tsm_resnet14/synthetic", size=64, frames=4)
    args = {"model": row.model, "labels": LABELS, "parameters": 12345, "recipe": dataclasses.asdict(row)}
    args |= {"data": str(Path(videos[0]).parent), "clips": 12, "command": "keras-vid train", "versions": {"keras": "3"}}
    (folder / "args.json").write_text(json.dumps(args))
    lines = ["epoch,step,rate,loss,top1,val_loss,val_top1,clips_per_second,input_share,seconds"]
    lines += [f"{i},{4 * i},0.01,{1 / i:.4f},0.5,{1.2 / i:.4f},0.75,12.5,0.2,60" for i in range(1, epochs + 1)]
    (folder / "log.csv").write_text("\n".join(lines) + "\n")
    for file in network.iterdir() if network else ():
        (folder / file.name).symlink_to(file)
    return tested


def told(page, name):
    """The text of the cell that a page calls `name`."""
    return re.search(rf"<td data-name='{name}'>([^<]*)", page.read_text(encoding="utf-8"))[1]


def test_the_numbers_are_those_of_the_test(tmp_path, videos, capsys):
    tested = a_run(tmp_path / "run", videos)
    assert main(["report", str(tmp_path / "run"), "--no-activation"]) == 0
    page = Path(capsys.readouterr().out.strip())
    numbers = json.loads((tmp_path / "run" / "metrics.json").read_text())
    for name in ("top1", "top1_interval", "largest_class", "mean_class_accuracy", "calibration_error", "loss", "clips"):
        assert told(page, name) == metrics.shown(name, numbers[name])
    text = page.read_text(encoding="utf-8")
    assert f"<p class=result data-name=result>{numbers['top1']:.1%}" in text
    matrix = metrics.confusion(tested.scores, tested.truth)
    assert f"walking_right: {matrix[0, 0]} of {matrix[0].sum()} correct" in text
    assert "a &amp; &lt;b&gt;" in text and "<b>" + "</td>" not in text
    assert "These clips did not choose the network." in text and len(text) < 5e6


def test_one_epoch_is_a_point_and_empty_sections_are_left_out(tmp_path, videos, capsys):
    a_run(tmp_path / "run", videos, sure=100)
    assert main(["report", str(tmp_path / "run"), "--no-activation"]) == 0
    text = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "validation, epoch 1: 1.2" in text and "Correct" in text
    assert "Most confused" not in text and "Wrong" not in text  # every clip is classified correctly
    for file in ("metrics.json", "predictions.npz", "log.csv"):
        (tmp_path / "run" / file).unlink()
    assert main(["report", str(tmp_path / "run")]) == 0
    text = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "Not tested yet" in text and "Training</h2>" not in text and "Classes</h2>" not in text


def test_a_damaged_video_costs_its_picture_alone(tmp_path, videos, network):
    bad = tmp_path / "bad.mp4"
    bad.write_bytes(b"this is not a video")
    a_run(tmp_path / "run", [str(bad), str(tmp_path / "gone.mp4 1.5"), *videos[2:]], network)
    assert main(["report", str(tmp_path / "run")]) == 0
    text = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "cannot be read any more" in text and "image/webp" in text


def test_not_a_run_of_a_classifier(tmp_path, capsys):
    assert main(["report", str(tmp_path)]) == 1
    (tmp_path / "args.json").write_text('{"classes": ["run"], "recipe": {"steps": 10}}')
    assert main(["report", str(tmp_path)]) == 1
    assert "keras-vid detect report" in capsys.readouterr().err.splitlines()[-1]


@needs_browser
def test_a_browser_shows_it_whole(tmp_path, videos, network):
    a_run(tmp_path / "run", videos, network, epochs=3)
    assert main(["report", str(tmp_path / "run")]) == 0
    found = check_in_browser(tmp_path / "run" / "report.html", tmp_path)
    text = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "class activation" in text and found["images"] == text.count("<img") > 3


def test_runs_are_compared_clip_by_clip(tmp_path, videos, capsys):
    one, other = (a_run(tmp_path / f"run{seed}", videos, seed=seed, epochs=2, sure=1.0) for seed in (0, 1))
    page = tmp_path / "both.html"
    assert main(["report", str(tmp_path / "run0"), str(tmp_path / "run1"), "-o", str(page)]) == 0
    text = page.read_text(encoding="utf-8")
    first, second = (table.scores.argmax(axis=1) == table.truth for table in (one, other))
    assert first.mean() != second.mean()
    gained, lost = int((second & ~first).sum()), int((first & ~second).sum())
    row = re.escape(f"run1<td class=n>{second.mean() - first.mean():+.1%}<td class=n>")
    found = re.search(row + r"(\S+)% to (\S+)%<td class=n>12<", text)
    low, high = (float(number) / 100 for number in found.groups())
    expected = by_hand(first, second, np.array(one.groups))
    assert abs(low - expected[0]) < 0.06 and abs(high - expected[1]) < 0.06
    assert f"<td class=n>{gained}<td class=n>{lost}" in text
    assert "run0, epoch 2: 0.5" in text and "run1, epoch 2: 0.5" in text
    if CHROMIUM:
        check_in_browser(page, tmp_path)


def by_hand(first, second, groups, draws=4000):
    """The quantiles of the difference over sources that are drawn anew, clip by clip."""
    rng, names, found = np.random.default_rng(5), np.unique(groups), []
    for _ in range(draws):
        clips = np.concatenate([np.flatnonzero(groups == name) for name in rng.choice(names, len(names))])
        found.append(second[clips].mean() - first[clips].mean())
    return np.quantile(found, (0.025, 0.975))


@needs_browser
def test_a_browser_shows_the_page_of_a_data_check(tmp_path, videos):
    folder = Path(videos[0]).parent.parent
    assert main(["check", str(folder), "-o", str(tmp_path / "checked"), "--recipe", "tsm_resnet14/synthetic"]) == 0
    assert check_in_browser(tmp_path / "checked" / "check.html", tmp_path)["images"] > 4


@needs_browser
def test_the_browser_notices(tmp_path):
    page = tmp_path / "bad.html"
    page.write_text(
        "<!doctype html><meta charset=utf-8><img src='data:image/png;base64,AAAA'><p style='width:600px'>wide"
    )
    found = seen(page, tmp_path, 390)
    assert found["broken"] == 1 and found["width"] > 390 and found["beyond"]
    page.write_text("<!doctype html><meta charset=utf-8><script>nothing()</script>")
    assert "nothing is not defined" in str(seen(page, tmp_path, 390)["errors"])
