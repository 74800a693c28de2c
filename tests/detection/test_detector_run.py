"""A run of a detector is a run like others: it resumes within an epoch, its folder is the same, workers share it."""

import csv
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras_vid.training.run import state
from one_detector import main as run_detector

from keras_vid import cli
from keras_vid.utils.errors import InputError

SCRIPT = str(Path(__file__).with_name("one_detector.py"))
TIMED = ("seconds", "clips_per_second", "input_share")


def rows(run):
    with open(run / "log.csv", newline="") as file:
        return [{name: value for name, value in row.items() if name not in TIMED} for row in csv.DictReader(file)]


@pytest.fixture(scope="module")
def peace(tmp_path_factory):
    """Six steps, two epochs, that nothing stopped."""
    run = tmp_path_factory.mktemp("runs") / "peace"
    run_detector(run)
    return run


@pytest.mark.slow
def test_it_leaves_what_every_run_leaves(peace):
    expected = {"args.json", "log.csv", "best.keras", "last.keras", "checkpoints", "events", "skipped.csv"}
    assert {path.name for path in peace.iterdir()} == expected
    columns = "epoch step rate loss objectness proposal_boxes action action_boxes val_frame_map".split()
    assert list(rows(peace)[0]) == columns
    assert [row["step"] for row in rows(peace)] == ["3", "6"]
    maps = [float(row["val_frame_map"]) for row in rows(peace)]
    last, best = (keras.models.load_model(peace / f"{name}.keras", compile=False) for name in ("last", "best"))
    same = all((a == b).all() for a, b in zip(last.get_weights(), best.get_weights()))
    assert same is (maps[1] > maps[0])  # the first of equals stays


@pytest.mark.slow
def test_resumed_within_an_epoch(peace, tmp_path):
    """After five steps, and the sixth: weights, draws, optimizer and the sums of the log are those of six at once."""
    run_detector(tmp_path, '{"steps": 5}')
    assert [row["step"] for row in rows(tmp_path)] == ["3", "5"]
    with pytest.raises(InputError, match="seed was 0, now 1"):
        run_detector(tmp_path, '{"resume": true, "seed": 1}')
    run_detector(tmp_path, '{"resume": true}')
    assert rows(tmp_path) == rows(peace)
    one, other = (state.load(run / "checkpoints") for run in (peace, tmp_path))
    assert one.keys() == other.keys()
    for name in one:
        if name.startswith("v"):
            assert np.abs(one[name].astype("float64") - other[name].astype("float64")).max() < 1e-6, name


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@pytest.mark.slow
def test_two_workers_train_one_detector(tmp_path):
    cluster = ",".join(f"127.0.0.1:{free_port()}" for _ in range(2))
    command = [sys.executable, SCRIPT, str(tmp_path / "run")]
    workers = [
        subprocess.Popen(
            [*command, json.dumps({"cluster": cluster, "task": task})],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        for task in range(2)
    ]
    try:
        sums = [worker.communicate(timeout=300)[0].split()[-1] for worker in workers]
    finally:
        for worker in workers:
            if worker.poll() is None:
                os.killpg(worker.pid, signal.SIGKILL)
    assert [worker.returncode for worker in workers] == [0, 0]
    assert sums[0] == sums[1]
    assert [row["step"] for row in rows(tmp_path / "run")] == ["3", "6"]
    assert json.loads((tmp_path / "run/args.json").read_text())["clips_a_step"] == 2


def test_videos_of_text_are_told_in_a_line(tmp_path, capsys):
    lines = ["video,frame,label,x1,y1,x2,y2"]
    for i in range(8):
        (tmp_path / f"{i}.mp4").write_text("this is text")
        lines.append(f"{i}.mp4,0,run,1,1,9,9")
    for part in ("train", "test"):
        (tmp_path / f"{part}.csv").write_text("\n".join(lines) + "\n")
    flags = ["detect", "train", "--dataset", "csv", "--data", str(tmp_path), "-o", str(tmp_path / "run")]
    assert cli.main([*flags, "--recipe", "quick"]) == 1
    assert "8 of 8 sampled videos cannot be read" in capsys.readouterr().err.splitlines()[-1]
    assert not (tmp_path / "run/args.json").exists()
    assert cli.main(["detect", "train", "--resume", "-o", str(tmp_path / "none")]) == 1
    assert "--dataset and --data" in capsys.readouterr().err


def test_draws_are_those_of_the_seed():
    from keras_vid.detection.modeling.matcher import sample

    positive, negative = tf.zeros((1, 50), bool), tf.ones((1, 50), bool)
    one, same, other = (sample(positive, negative, 5, 0.5, seed)[0].numpy() for seed in ([1, 2], [1, 2], [1, 3]))
    assert (one == same).all() and (one != other).any()
