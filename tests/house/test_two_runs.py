"""Two runs into one output: the second ends with one line, and touches nothing. When the first is gone, it works."""

import subprocess
import sys

import pytest

pytest.importorskip("tensorflow")

from keras_vid.cli import main
from keras_vid.utils.locks import held, held_file

SMALL = ["--frames", "4", "--size", "32", "-j", "1"]
UNTRAINED = ["--model", "tsm_resnet14", "--weights", "none", *SMALL]
# what each command writes to, a file where it has a suffix, and the command; capital letters are files of `inputs`
COMMANDS = {
    "prepare": ("out", ["prepare", "folder", "VIDEOS", "-o", "out", "--size", "32", "-j", "1"]),
    "flow": ("out", ["flow", "VIDEOS", "-o", "out", "--size", "32", "-j", "1"]),
    "predict": ("rows.jsonl", ["predict", "VIDEOS", "-o", "rows.jsonl", "--model", "NETWORK", "-j", "1"]),
    "predict a list": ("rows.jsonl", ["predict", "LIST", "-o", "rows.jsonl", "--model", "NETWORK", "-j", "1"]),
    "embed": ("a.npz", ["embed", "VIDEOS", "-o", "a.npz", *UNTRAINED]),
    "embed for TensorBoard": ("out", ["embed", "VIDEOS", "--projector", "out", *UNTRAINED]),
    "sequence features": ("a.npz", ["sequence", "features", "VIDEOS", "-o", "a.npz", *UNTRAINED]),
    "sequence train": ("out", ["sequence", "train", "FEATURES", "-o", "out", "--models", "mean", "--epochs", "1"]),
    "export": ("out", ["export", "NETWORK", "-o", "out"]),
    "detect export": ("out", ["detect", "export", "DETECTOR", "-o", "out"]),
    "train": ("out", ["train", "tsm_resnet14", "--data", "VIDEOS", "-o", "out", "--epochs", "1", "-b", "2"]),
    "train, own videos": ("out", ["train", "--data", "VIDEOS", "-o", "out", *UNTRAINED]),
    "ablate": ("out", ["ablate", "stm/table5", "-o", "out", "--clips", "1", "--epochs", "1"]),
    "detect train": ("out", ["detect", "train", "--dataset", "synthetic", "--data", "BOXES", "-o", "out"]),
}
# take longer than the tests of a few lines may
LONG = ("detect export", "train", "train, own videos", "ablate", "detect train")
HOLD = """
import sys, time
from keras_vid.utils.locks import held, held_file
with (held_file if "." in sys.argv[1] else held)(sys.argv[1]):
    print("held", flush=True)
    time.sleep(100)
"""


@pytest.fixture
def start(inputs, tmp_path, monkeypatch, capsys):
    """A function: the last line of stderr and the exit code of one of COMMANDS, started in an empty folder."""
    monkeypatch.setenv("KERAS_VID_HOME", str(tmp_path / "home"))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")

    def run(words):
        code = main([inputs.get(word, word) for word in words])
        error = capsys.readouterr().err
        assert "Traceback" not in error
        return code, [line for line in error.splitlines() if line.startswith("keras-vid: ")]

    return run


def files(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


def hold(output):
    return held_file(output) if "." in output else held(output)


def refused(output):
    return 1, [f"keras-vid: another run is writing to {output}: wait for it, or choose another -o"]


@pytest.mark.parametrize("name", COMMANDS)
def test_the_second_touches_nothing(name, start, tmp_path):
    output, command = COMMANDS[name]
    with hold(output):
        before = files(tmp_path / "here")
        assert start(command) == refused(output)
        assert files(tmp_path / "here") == before


@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in LONG])
def test_it_works_when_the_first_is_gone(name, start, tmp_path):
    output, command = COMMANDS[name]
    with hold(output):
        pass
    assert start(command) == (0, [])
    assert not list((tmp_path / "here").glob(".lock.*"))


@pytest.mark.parametrize("output", ["out", "rows.jsonl"])
def test_a_killed_run_holds_nothing(output, tmp_path, monkeypatch, start):
    with subprocess.Popen([sys.executable, "-c", HOLD, output], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        command = COMMANDS["prepare" if output == "out" else "predict"][1]
        assert start(command) == refused(output)
        process.kill()
    assert start(command) == (0, [])


def test_two_outputs_in_one_folder_do_not_meet(start):
    with held_file("other.jsonl"):
        assert start(COMMANDS["predict"][1]) == (0, [])


def test_an_empty_folder_does_not_stay(start, tmp_path):
    code, lines = start(["train", "tsm_resnet14", "--data", "nothing", "-o", "out"])
    assert code == 1 and "nothing: no such file or folder" in lines[0]
    assert not (tmp_path / "here" / "out").exists()
