"""Whole runs: what they leave behind, and that nothing can break them."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

import keras
from keras_vid.training.recipes import recipe
from keras_vid.training.run import state
from keras_vid.training.run.folder import RunFolder
from keras_vid.training.run.train import Options, train

from keras_vid.cli import main
from keras_vid.video import synthetic

SCRIPT = str(Path(__file__).with_name("one_run.py"))
SYNC = {"sync_bn": True, "length": 1}
TINY = {"size": 32, "short": 36, "frames": 4, "length": 2, "batch": 4}


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("videos")
    for part, clips in (("train", 4), ("val", 2)):
        synthetic.write_dataset(folder / part, clips=clips, frames=8, size=40, classes=synthetic.CLASSES[:4])
    (folder / "train/walking_left/broken.mp4").write_bytes(b"this is no video")
    return folder


@pytest.fixture(scope="module")
def run(videos, tmp_path_factory):
    """A run of four epochs of four steps by the command line, tested and reported."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    flags = "--size 32 --short 36 --frames 4 --epochs 4 -b 4 --average 0.9".split()
    assert main(["train", "tsm_resnet14/synthetic", "--data", str(videos), "-o", str(folder), *flags]) == 0
    return folder


def rows(run, timed=False):
    with open(run / "log.csv", newline="") as file:
        drop = () if timed else ("seconds", "clips_per_second", "input_share")
        return [{k: v for k, v in row.items() if v and k not in drop} for row in csv.DictReader(file)]


def last(run):
    """Everything of the newest state: weights, statistics, seeds, optimizer."""
    found = state.load(run / "checkpoints")
    return {name: value for name, value in found.items() if name.startswith("v") or name == "step"}


def apart(one, other):
    assert one.keys() == other.keys()
    return max(float(np.abs(one[k].astype("float64") - other[k].astype("float64")).max()) for k in one)


@pytest.mark.slow
def test_a_run_leaves_everything(run, capsys):
    there = {path.name for path in run.iterdir()}
    expected = (
        "args.json log.csv best.keras last.keras checkpoints events predictions.csv predictions.npz metrics.json "
    )
    expected += "confusion.png report.html MODEL_CARD.md unreadable.csv view.json"
    assert there == set(expected.split())
    assert [row["step"] for row in rows(run)] == ["4", "8", "12", "16"]
    assert "broken.mp4" in (run / "unreadable.csv").read_text()
    numbers = json.loads((run / "metrics.json").read_text())
    assert numbers["clips"] == 8 and numbers["protocol"].startswith("1 clip of 4 frames")
    with open(run / "predictions.csv", newline="") as file:
        predictions = list(csv.DictReader(file))
    right = np.mean([row["label"] == row["predicted"] for row in predictions])
    assert len(predictions) == 8 and right == pytest.approx(numbers["top1"])
    assert "walking_right" in (run / "report.html").read_text()
    assert main(["predict", str(next(Path(predictions[0]["path"]).parent.glob("*.mp4"))), "--model", str(run)]) == 0
    assert "walking" in capsys.readouterr().out  # the labels came with the run


@pytest.mark.slow
def test_the_logged_accuracy_is_that_of_the_saved_network(run):
    """best.keras, tested once more, gives the best val_top1 of the log, on averaged weights."""
    numbers = json.loads((run / "metrics.json").read_text())
    best = max(rows(run), key=lambda row: float(row["val_top1"]))
    assert numbers["top1"] == pytest.approx(float(best["val_top1"]))
    assert numbers["loss"] == pytest.approx(float(best["val_loss"]), rel=1e-4)  # other networks, too, get 4 of 8 right


@pytest.mark.slow
def test_tensorboard_shows_each_step_once(run):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(run / "events"))
    events.Reload()
    assert events.Tags()["tensors"]
    steps = [event.step for event in events.Tensors("epoch/loss")]
    assert steps == [4, 8, 12, 16]


@pytest.mark.slow
def test_controls_of_time(run, capsys):
    for flag, order in (("--reverse", "reverse"), ("--freeze", "freeze")):
        assert main(["evaluate", str(run), flag, "--json"]) == 0
        numbers = json.loads(capsys.readouterr().out)
        assert numbers["protocol"].endswith(f"frames: {order}")
        alone = json.loads((run / "metrics.json").read_text())
        assert numbers["loss"] != pytest.approx(alone["loss"], rel=1e-3)  # TSM sees the order
        assert (run / f"predictions_{order}.csv").is_file()


@pytest.mark.slow
def test_fused_with_itself_is_itself(run, capsys):
    assert main(["evaluate", "--fuse", str(run), str(run), "--json"]) == 0
    fused = json.loads(capsys.readouterr().out)
    alone = json.loads((run / "metrics.json").read_text())
    assert fused["top1"] == alone["top1"] and fused["loss"] == pytest.approx(alone["loss"], rel=1e-4)


@pytest.mark.slow
def test_another_head_on_a_trained_network(run, videos, tmp_path, capsys):
    two = tmp_path / "two"
    synthetic.write_dataset(two, clips=5, frames=8, size=40, classes=synthetic.CLASSES[:2])
    flags = f"--size 32 --short 36 --frames 4 --epochs 1 -b 4 --weights {run} --no-test".split()
    assert main(["train", "tsm_resnet14", "--data", str(two), "-o", str(tmp_path / "run"), *flags]) == 0
    said = capsys.readouterr().err
    assert "layers loaded" in said and "other size, new here: classifier" in said
    assert "held-out training clips, of other sources, chose the network" in said
    assert keras.models.load_model(tmp_path / "run/best.keras", compile=False).output_shape == (None, 2)


@pytest.mark.slow
def test_killed_twice_and_resumed(videos, tmp_path):
    """kill -9 at work, and again: the log and all of the state end as those of a run in peace."""
    options = {"save_every": 1, "resume": True, "recipe": {"length": 3}}
    train(recipe("tsm_resnet14/synthetic", **{**TINY, "length": 3}), Options(str(videos)), tmp_path / "peace")
    for goal in (2, 6):  # saved steps to wait for; the second epoch ends with the eighth
        process = subprocess.Popen(
            [sys.executable, SCRIPT, str(videos), str(tmp_path / "killed"), json.dumps(options)],
            start_new_session=True,
            stderr=subprocess.DEVNULL,
        )
        while process.poll() is None and not any(
            int(p.stem.split("_")[1]) >= goal for p in state.found(tmp_path / "killed/checkpoints")
        ):
            time.sleep(0.05)
        assert process.poll() is None, "the run ended before it could be killed"
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    newest = state.found(tmp_path / "killed/checkpoints")[-1]
    newest.write_bytes(newest.read_bytes()[:1000])  # a state cut short: the one before is taken
    command = [sys.executable, SCRIPT, str(videos), str(tmp_path / "killed"), json.dumps(options)]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    assert rows(tmp_path / "killed") == rows(tmp_path / "peace")
    assert apart(last(tmp_path / "killed"), last(tmp_path / "peace")) < 1e-6


@pytest.mark.slow
def test_prepared_data_trains_too(videos, tmp_path, capsys):
    """From TFRecords, decoded by a tf.data service, and validated on the videos."""
    prepared = str(tmp_path / "prepared")
    assert main(["prepare", "folder", str(videos), "-o", prepared, "--size", "36", "-j", "1"]) == 0
    dispatcher = tf.data.experimental.service.DispatchServer()
    address = dispatcher.target.split("://")[1]
    worker = tf.data.experimental.service.WorkerServer(
        tf.data.experimental.service.WorkerConfig(dispatcher_address=address)
    )
    row = recipe("tsm_resnet14/synthetic", **{**TINY, "length": 1})
    options = Options(prepared, val_data=str(videos), service=f"grpc://{address}")
    train(row, options, tmp_path / "run")
    assert [line["step"] for line in rows(tmp_path / "run")] == ["4"] and rows(tmp_path / "run")[0]["val_top1"]
    del worker, dispatcher


def start_workers(videos, run, **options):
    """Two workers of one run as processes on loopback."""
    cluster = ",".join(f"127.0.0.1:{_free_port()}" for _ in range(2))
    recipe_fields = {**SYNC, "batch": 2}
    workers = []
    for task in range(2):
        text = json.dumps({"cluster": cluster, "task": task, "recipe": recipe_fields, **options})
        command = [sys.executable, SCRIPT, str(videos), str(run), text]
        workers.append(subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True))
    return workers


@pytest.fixture(scope="module")
def two(videos, tmp_path_factory):
    """A run of two workers that nothing stopped."""
    run = tmp_path_factory.mktemp("runs") / "two"
    workers = start_workers(videos, run)
    assert [process.wait(timeout=300) for process in workers] == [0, 0]
    return run


@pytest.fixture(scope="module")
def alone(videos, tmp_path_factory):
    """A run of one process on one device with all clips, for those of several to be compared with."""
    run = tmp_path_factory.mktemp("runs") / "alone"
    train(recipe("tsm_resnet14/synthetic", **{**TINY, **SYNC}), Options(str(videos)), run)
    return run


@pytest.mark.slow
def test_two_workers_are_one(two, alone):
    """Two processes on loopback with synchronised BatchNorm: the same numbers as one process with all clips."""
    for ours, one in zip(rows(two), rows(alone), strict=True):
        assert [float(v) for v in ours.values()] == pytest.approx([float(v) for v in one.values()], rel=1e-4, abs=1e-5)
    ours, one = last(two), last(alone)
    seeds = [k for k in one if one[k].dtype.kind in "iu" and k != "step"]  # each worker draws seeds of its own
    assert apart(*({k: v for k, v in s.items() if k not in seeds} for s in (ours, one))) < 1e-5


@pytest.mark.slow
def test_a_worker_killed_at_work_and_both_started_again(videos, two, tmp_path):
    """A worker dies, the other notices and ends, a launcher starts both again with --resume."""
    workers = start_workers(videos, tmp_path / "cut", save_every=1)
    while not state.found(tmp_path / "cut/checkpoints") and all(process.poll() is None for process in workers):
        time.sleep(0.05)
    assert [process.poll() for process in workers] == [None, None], "the run ended before it could be killed"
    os.killpg(workers[1].pid, signal.SIGKILL)
    assert workers[1].wait(timeout=100) == -signal.SIGKILL
    assert workers[0].wait(timeout=100) > 0  # by TensorFlow's own error, or because peers.py noticed
    workers = start_workers(videos, tmp_path / "cut", save_every=1, resume=True)
    assert [process.wait(timeout=300) for process in workers] == [0, 0]
    assert rows(tmp_path / "cut") == rows(two)
    assert apart(last(tmp_path / "cut"), last(two)) < 1e-6


@pytest.mark.slow
def test_two_logical_cpus_under_mirrored_strategy(videos, alone, tmp_path):
    options = json.dumps({"strategy": "mirrored", "devices": 2, "recipe": {**SYNC, "batch": 2}})
    subprocess.run([sys.executable, SCRIPT, str(videos), str(tmp_path / "two"), options], check=True, stderr=-3)
    for two, one in zip(rows(tmp_path / "two"), rows(alone), strict=True):
        assert float(two["loss"]) == pytest.approx(float(one["loss"]), rel=1e-4)


@pytest.mark.slow
def test_a_broken_loss_stops_the_run_and_names_the_clips(videos, tmp_path):
    row = recipe("tsm_resnet14/synthetic", **{**TINY, "lr": 1e30, "warmup": 0, "clip_norm": 0})
    with pytest.raises(ArithmeticError, match=r"step \d.*\.mp4, .*\.mp4.*--lr"):
        train(row, Options(str(videos)), tmp_path / "run")
    assert not (tmp_path / "run/best.keras").exists() or rows(tmp_path / "run")


@pytest.mark.slow
def test_averaged_weights_are_those_by_hand(videos, tmp_path):
    """The average of two steps with momentum 0.75: three quarters of the weights after the first, a quarter of those
    after the second."""
    shape = "--size 32 --short 36 --frames 4 -b 4 --unit steps --scale-to-batch no".split()
    shape += "--warmup 0 --lr 0.2 --schedule drops --drops 99".split()

    def trained(name, *flags):
        folder = ["--data", str(videos), "-o", str(tmp_path / name), "--no-validation", "--length", "2"]
        assert main(["train", "tsm_resnet14/synthetic", *folder, *shape, *flags]) == 0
        model = keras.saving.load_model(tmp_path / name / "last.keras")
        return [weight.numpy() for weight in model.trainable_weights]

    second, averaged = trained("plain", "--save-every", "1"), trained("averaged", "--average", "0.75")
    after_one = state.read_npz(tmp_path / "plain/checkpoints/step_000000001.npz")
    model = keras.saving.load_model(tmp_path / "plain/last.keras")
    trainable = {id(weight) for weight in model.trainable_weights}
    first = [after_one[f"v{i:05d}"] for i, weight in enumerate(model.variables) if id(weight) in trainable]
    moved = max(np.abs(one - two).max() for one, two in zip(first, second, strict=True))
    for one, two, average in zip(first, second, averaged, strict=True):
        np.testing.assert_allclose(average, 0.75 * one + 0.25 * two, atol=1e-3 * moved)


def test_a_run_folder_is_never_written_over(videos, tmp_path, capsys):
    RunFolder(tmp_path).write_log([{"epoch": 1}], ("epoch",))
    flags = ["--data", str(videos), "-o", str(tmp_path)]
    assert main(["train", "tsm_resnet14/synthetic", *flags]) == 1
    assert "--resume" in capsys.readouterr().err


def test_wrong_use_is_told_in_a_line(videos, capsys, tmp_path):
    for flags, said in (
        (["tsm_resnet14/nothing", "--data", "x"], "no recipe"),
        (["tsm_resnet14"], "--data"),
        (["tsm_resnet14", "--data", str(tmp_path / "none")], "no such file or folder"),
        (["tsm_resnet14", "--data", str(videos), "--strategy", "many"], "--strategy"),
        (["tsm_resnet14", "--data", str(videos), "--cluster", "a:1,b:2"], "--task"),
    ):
        assert main(["train", *flags, "-o", str(tmp_path / "run")]) == 1
        assert said in capsys.readouterr().err.splitlines()[-1]
    assert main(["evaluate", str(tmp_path)]) == 1
    assert "not a run folder" in capsys.readouterr().err


def _free_port():
    import socket

    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]
