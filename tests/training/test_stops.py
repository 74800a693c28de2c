"""Whatever ends a run ends its process, within seconds and with one line. Real processes, by the command line."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time

import pytest

pytest.importorskip("tensorflow")

from keras_vid.training.run import state
from keras_vid.training.run.folder import read_log

from keras_vid.cli import main
from keras_vid.video import synthetic

PATIENCE = 600  # seconds for everything, TensorFlow's start on a very busy machine among it
SMALL = "--size 32 --short 36 --frames 4 -b 4 --no-test".split()


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("videos")
    for part, clips in (("train", 4), ("val", 1)):
        synthetic.write_dataset(folder / part, clips=clips, frames=8, size=40, classes=synthetic.CLASSES[:4])
    return folder


@pytest.fixture(scope="module")
def unreadable(tmp_path_factory):
    folder = tmp_path_factory.mktemp("unreadable")
    for label in ("run", "sit"):
        (folder / label).mkdir()
        for i in range(8):
            (folder / label / f"{i}.mp4").write_text("this is text")
    return folder


def start(*flags):
    command = [sys.executable, "-m", "keras_vid.cli", "train", *map(str, flags)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)


def end(process):
    """(exit code, lines of stderr) of a process that ends by itself in time."""
    try:
        _, errors = process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise
    return process.returncode, errors.splitlines()


def wait_for_step(process, run, step):
    while process.poll() is None and not any(
        int(path.stem.split("_")[1]) >= step for path in state.found(run / "checkpoints")
    ):
        time.sleep(0.05)
    assert process.poll() is None, process.communicate()[1]


def cluster():
    """--cluster of two workers on loopback."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    addresses = ",".join(f"127.0.0.1:{s.getsockname()[1]}" for s in sockets)
    for s in sockets:
        s.close()
    return addresses


@pytest.mark.slow
def test_nothing_to_read(unreadable, tmp_path):
    """On one device, on two, and in two workers; before anything is built."""
    flags = ["tsm_resnet14", "--data", unreadable, *SMALL]
    workers = cluster()
    runs = [start(*flags, "-o", tmp_path / "one"), start(*flags, "--devices", 2, "-o", tmp_path / "two")]
    runs += [start(*flags, "--cluster", workers, "--task", i, "-o", tmp_path / "three") for i in range(2)]
    for process in runs:
        code, lines = end(process)
        assert code == 1 and "sampled videos cannot be read" in lines[-1], lines
        assert not any("Traceback" in line or "tensorflow" in line.lower() for line in lines)
    assert not (tmp_path / "one/args.json").exists()


@pytest.mark.slow
@pytest.mark.parametrize("devices", [1, 2])
def test_videos_that_are_gone_while_the_run_reads_them(videos, tmp_path, devices):
    shutil.copytree(videos, tmp_path / "videos")
    flags = ["--data", tmp_path / "videos", "-o", tmp_path / "run", "--epochs", 500, "--save-every", 1]
    process = start("tsm_resnet14", *flags, "--devices", devices, *SMALL)
    wait_for_step(process, tmp_path / "run", 1)
    shutil.rmtree(tmp_path / "videos")
    code, lines = end(process)
    assert code == 1 and "cannot be read" in lines[-1] and "no such file" in lines[-1], lines
    assert not any("Traceback" in line for line in lines)


@pytest.mark.slow
def test_a_broken_loss_ends_the_process(videos, tmp_path):
    flags = ["--lr", "1e30", "--warmup", 0, "--clip-norm", 0, "--epochs", 50]
    code, lines = end(start("tsm_resnet14/synthetic", "--data", videos, "-o", tmp_path / "run", *flags, *SMALL))
    assert code == 1 and lines[-1].startswith("keras-vid: the loss is") and ".mp4" in lines[-1]
    assert not any("Traceback" in line for line in lines)


LONG = ["--epochs", 8, "--average", 0.9, *SMALL]


@pytest.fixture(scope="module")
def peace(videos, tmp_path_factory):
    """A run that nothing stopped."""
    run = tmp_path_factory.mktemp("runs") / "peace"
    assert main(["train", "tsm_resnet14", "-o", str(run), "--data", str(videos), *map(str, LONG)]) == 0
    return run


@pytest.mark.slow
def test_stopped_twice_and_gone_on_with(videos, peace, tmp_path):
    """The line says what is saved and how to go on; with that command a run ends as one that nothing stopped."""
    process = start("tsm_resnet14", "-o", tmp_path / "run", "--data", videos, *LONG)
    step = 0
    for number, expected in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
        wait_for_step(process, tmp_path / "run", step + 4)
        process.send_signal(number)
        code, lines = end(process)
        step = int(state.found(tmp_path / "run/checkpoints")[-1].stem.split("_")[1])
        assert code == expected and f"the state of step {step} is saved; to go on: " in lines[-1], lines
        assert not any("\r" in line or "Traceback" in line for line in lines)
        command = lines[-1].split("to go on: keras-vid train ")[1].split()
        assert command == ["--resume", "-o", str(tmp_path / "run")]
        process = start(*command, "--no-test")
    code, lines = end(process)
    assert code == 0 and any(f"goes on at step {step} of 32" in line for line in lines), lines
    drop = ("seconds", "clips_per_second", "input_share")
    logs = [
        [{key: value for key, value in row.items() if key not in drop} for row in read_log(run / "log.csv")]
        for run in (peace, tmp_path / "run")
    ]
    assert logs[0] == logs[1] and len(logs[0]) == 8
    states = [state.load(run / "checkpoints") for run in (peace, tmp_path / "run")]
    apart = [
        abs(states[0][k].astype("float64") - states[1][k].astype("float64")).max() for k in states[0] if k != "names"
    ]
    assert max(apart) < 1e-6


@pytest.mark.slow
def test_a_run_becomes_longer(videos, tmp_path, capsys):
    """And says what that means for its rate; a complete run says so."""
    run = tmp_path / "run"

    def said(*flags):
        code = main(["train", *map(str, flags), "-o", str(run)])
        return code, capsys.readouterr().err

    assert said("tsm_resnet14/synthetic", "--data", videos, "--epochs", 2, *SMALL)[0] == 0
    code, lines = said("--resume", "--no-test")
    assert code == 0 and "this run is complete: all its 8 steps are made" in lines
    code, lines = said("--resume", "--no-test", "--epochs", 3)
    assert code == 0 and "longer than before: 3 epochs instead of 2; its cosine is stretched to the new end" in lines
    assert [row["step"] for row in read_log(run / "log.csv")] == ["4", "8", "12"]
    assert json.loads((run / "args.json").read_text())["recipe"]["length"] == 3
    code, lines = said("--resume", "--seed", 3)
    assert code == 1 and "seed was 0, now 3" in lines


@pytest.mark.slow
def test_one_of_two_workers_is_told_to_stop(videos, tmp_path):
    """It says what is saved, and the other one ends too, for a launcher to start both again."""
    workers = cluster()
    flags = ["tsm_resnet14", "--data", videos, "-o", tmp_path / "run", "--epochs", 500, "--save-every", 1, *SMALL]
    processes = [start(*flags, "--cluster", workers, "--task", i) for i in range(2)]
    wait_for_step(processes[0], tmp_path / "run", 2)
    processes[0].send_signal(signal.SIGTERM)
    code, lines = end(processes[0])
    assert code == 143 and "is saved; to go on" in lines[-1], lines
    code, lines = end(processes[1])
    assert code == 75 and "is gone" in lines[-1], lines
