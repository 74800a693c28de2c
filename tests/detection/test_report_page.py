"""The page of a detector's run: its numbers are those of `keras-vid detect evaluate`, and a browser shows it whole."""

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tensorflow")
sys.path.insert(0, str(Path(__file__).parents[1] / "training"))

from browser import CHROMIUM, check_in_browser
from keras_vid.detection.data import box_files, sets, table

from keras_vid.cli import main


def test_the_numbers_are_those_of_evaluate(tmp_path, capsys):
    data, run, found = tmp_path / "data", tmp_path / "run", tmp_path / "found.csv"
    sets.write_synthetic(data, clips=(1, 1), frames=6, size=64)
    gt, _ = sets.load("synthetic", data, 1, "test")
    rng = np.random.default_rng(0)
    moved = gt.box + rng.normal(0, 9, gt.box.shape) * [1, 1, 0, 0]
    moved[:, :2] = np.minimum(moved[:, :2], moved[:, 2:] - 1)
    names = [gt.videos[i] for i in gt.video], gt.frame, [gt.classes[i] for i in gt.label]
    box_files.write_boxes(table.make(*names, moved, score=rng.random(len(gt))), found)
    run.mkdir()
    source = {"dataset": "synthetic", "data": str(data), "split": None, "flow": None}
    (run / "args.json").write_text(json.dumps({"classes": gt.classes, "source": source, "command": "a command"}))
    assert main(["detect", "report", str(run), "--detections", str(found)]) == 0
    text = (run / "report.html").read_text(encoding="utf-8")
    capsys.readouterr()
    values = {}
    for rule in ("voc", "act", "peng", "voc07"):
        command = ["detect", "evaluate", str(found), "--gt", str(data / "test.csv"), "--rule", rule, "--json"]
        assert main(command) == 0
        values[rule] = json.loads(capsys.readouterr().out)["map"]
        assert re.search(rf"data-name='{rule}'>([\d.]+)", text)[1] == f"{values[rule]:.4f}"
    assert 0.02 < values["voc"] < 0.98 and f"data-name=result>{values['voc']:.1%}" in text
    assert "precision over recall" in text and "localisation" in text and text.count("<img") == 6
    if CHROMIUM:
        check_in_browser(run / "report.html", tmp_path)


def test_not_a_run_of_a_detector(tmp_path, capsys):
    (tmp_path / "args.json").write_text('{"model": "i3d"}')
    assert main(["detect", "report", str(tmp_path)]) == 1
    assert "keras-vid report" in capsys.readouterr().err.splitlines()[-1]
