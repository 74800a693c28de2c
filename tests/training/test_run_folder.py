"""What a run keeps in its folder, and how it is stopped: without training anything."""

import io
import json
import os
import signal
import sys

import pytest

pytest.importorskip("tensorflow")

from keras_vid.training.run.folder import RunFolder
from keras_vid.training.run.loop import Plan, StopSignals
from keras_vid.training.run.progress import Line, Progress

from keras_vid.cli import main
from keras_vid.utils.errors import InputError, Stopped
from keras_vid.utils.files import atomic
from tests.training.tiny_videos import write_clips

WRAPPED = "Exception encountered when calling Head.call().\n\n\x1b[1mthe clip has too few frames\x1b[0m\n\nArguments: x"


def test_a_run_that_is_refused_leaves_no_folder(tmp_path, capsys):
    write_clips(tmp_path / "videos", ["a", "b"] * 3)
    command = ["train", "tsm_resnet14", "--data", str(tmp_path / "videos"), "-o", str(tmp_path / "run"), "--size", "32"]
    for wrong, said in (
        (["--split", "9"], "no numbered splits"),
        (["--weights", "nosuch"], "no weights called 'nosuch'"),
    ):
        assert main([*command, *wrong]) == 1
        assert said in capsys.readouterr().err.splitlines()[-1] and not (tmp_path / "run").exists()
    (tmp_path / "run").mkdir()
    assert main([*command, "--split", "9"]) == 1 and (tmp_path / "run").is_dir()  # it was there before


def test_settings_alone_are_not_a_run(tmp_path):
    folder = RunFolder(tmp_path)
    folder.write_settings({"seed": 1})
    with folder.opened():
        folder.write_log([{"epoch": 1}], ("epoch",))
    with pytest.raises(InputError, match="holds a run already: --resume goes on with it"), folder.opened():
        pass


def test_other_settings_are_refused_by_name(tmp_path):
    folder = RunFolder(tmp_path)
    assert folder.check_same({"seed": 1}) == {}  # nothing is recorded yet
    folder.write_settings({"recipe": {"length": 10, "drops": (5, 8), "lr": 0.1}, "seed": 1})
    same = {"length": 10, "drops": (5, 8), "lr": 0.1, "seed": 1}
    assert folder.check_same(same) == {}
    with pytest.raises(InputError, match=r"other settings \(lr was 0.1, now 0.2; seed was 1, now 2\)"):
        folder.check_same({**same, "lr": 0.2, "seed": 2})
    assert folder.check_same({**same, "length": 20}) == {"length": (10, 20)}
    with pytest.raises(InputError, match="length was 10, now 5"):
        folder.check_same({**same, "length": 5})
    (tmp_path / "args.json").write_text('{"seed"')
    with pytest.raises(InputError, match="args.json is damaged"):
        folder.check_same(same)


def test_a_file_is_written_whole_or_stays_as_it_was(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("before")
    with pytest.raises(RuntimeError), atomic(path) as part:
        part.write_text("half")
        raise RuntimeError
    assert path.read_text() == "before" and os.listdir(tmp_path) == ["a.txt"]


@pytest.mark.parametrize(("number", "name", "code"), [(signal.SIGINT, "Ctrl-C", 130), (signal.SIGTERM, "SIGTERM", 143)])
def test_a_signal_is_noted_and_a_second_one_is_not(number, name, code, capsys):
    before = signal.getsignal(number)
    with StopSignals() as stop:
        stop.check()
        os.kill(os.getpid(), number)
        assert stop.number == number and "once more stops at once" in capsys.readouterr().err
        assert signal.getsignal(number) is before
        stop.check()  # a validation may take a while yet
        stop.noted -= 60
        stop.kept = lambda: "the state of step 7 is saved"
        with pytest.raises(Stopped, match=f"stopped by {name}; the state of step 7 is saved") as info:
            stop.check()
        assert info.value.exit_code == code
    assert signal.getsignal(number) is before


def test_progress_without_a_terminal_has_whole_lines_only(monkeypatch):
    stream = io.StringIO()
    line = Line(stream)
    line.show("too soon")
    line.shown -= 100
    line.show("1 of 9")
    line.end("done")
    assert stream.getvalue() == "1 of 9\ndone\n"


class _Model:
    steps_per_execution = 1


def test_progress_on_a_terminal_is_one_line_and_its_estimate_is_not_that_of_the_first_step(monkeypatch):
    from keras_vid.training.run import progress as module

    stream, now = io.StringIO(), [0.0]
    stream.isatty = lambda: True
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    shown = Progress(Plan(steps=101, per_epoch=101, clips=4), stream)
    shown.set_model(_Model())
    for seconds in (60, 1, 1):  # the first builds the graph
        now[0] += seconds
        shown.on_train_batch_end(0, {"loss": 1.0})
    assert stream.getvalue().startswith("\r") and "\n" not in stream.getvalue()
    assert "4.0 clips/s  1:38 left" in stream.getvalue().split("\r")[-1]
    now[0] += 1
    shown.validated(3, 8)
    assert "validation: 3 of 8" in stream.getvalue().split("\r")[-1]


@pytest.mark.parametrize(
    ("raised", "code", "said"),
    [
        (KeyboardInterrupt(), 130, "keras-vid: interrupted"),
        (Stopped("the state of step 7 is saved", signal.SIGTERM), 143, "keras-vid: the state of step 7 is saved"),
        (BrokenPipeError(), 0, ""),
        (OSError("no space left"), 1, "keras-vid: no space left"),
        (InputError(WRAPPED), 1, "keras-vid: the clip has too few frames"),
    ],
)
def test_exit_codes(raised, code, said, monkeypatch, capsys):
    from keras_vid.commands import list as command

    def fail(args):
        raise raised

    monkeypatch.setattr(command, "run", fail)
    monkeypatch.setattr(sys, "stdout", sys.stdout)  # main closes it at a broken pipe
    captured = sys.stdout
    assert main(["list"]) == code
    if sys.stdout is not captured:
        sys.stdout.close()
    assert capsys.readouterr().err.strip() == said


def test_a_fault_of_ours_keeps_its_traceback(monkeypatch, capsys):
    from keras_vid.commands import list as command

    def fail(args):
        raise ZeroDivisionError("here")

    monkeypatch.setattr(command, "run", fail)
    with pytest.raises(ZeroDivisionError):
        main(["list"])
    assert "fault of keras_vid" in capsys.readouterr().err


def test_a_run_that_is_not_there_cannot_be_resumed(tmp_path, capsys):
    assert main(["train", "--resume", "-o", str(tmp_path)]) == 1
    assert "holds no run to go on with" in capsys.readouterr().err
    assert main(["train", "--resume"]) == 2
    assert "-o RUN names it" in capsys.readouterr().err
    assert main(["train"]) == 1
    assert "takes your own videos" in capsys.readouterr().err


def test_a_resumed_run_takes_all_from_its_folder(tmp_path, capsys):
    """Recipe and options; flags change them; another network is refused."""
    from dataclasses import asdict

    from keras_vid.training.recipes import recipe

    row = recipe("tsm_resnet14/synthetic", lr=0.123, drops=(3.0,), length=7)
    settings = {"recipe": asdict(row), "labels": ["a"], "data": "there", "seed": 5}
    RunFolder(tmp_path).write_settings(settings)
    resume = ["train", "--resume", "-o", str(tmp_path), "--show"]
    assert main(resume) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(asdict(row)))
    assert main([*resume, "--epochs", "9"]) == 0
    longer = json.loads(capsys.readouterr().out)
    assert longer["length"] == 9 and longer["drops"] == [3.0]  # where they were, unlike in a new run
    assert main(["train", "s3dg", "--resume", "-o", str(tmp_path), "--show"]) == 1
    assert "trains tsm_resnet14/synthetic, not s3dg" in capsys.readouterr().err
    assert main(["train", "--resume", "-o", str(tmp_path)]) == 1
    assert "there: no such file" in capsys.readouterr().err.splitlines()[-1]
    RunFolder(tmp_path).write_settings({**settings, "stage": "probe"})
    assert main(["train", "--resume", "-o", str(tmp_path)]) == 1
    assert "without RECIPE, and is complete" in capsys.readouterr().err


def test_which_worker_this_is_was_not_decided_by_the_process_that_began_the_run(tmp_path, capsys):
    """The folder tells the cluster, but its first worker wrote it: each one started again says its own number."""
    from dataclasses import asdict

    from keras_vid.training.recipes import recipe

    row = asdict(recipe("tsm_resnet14/synthetic"))
    settings = {"recipe": row, "labels": ["a"], "data": "there", "cluster": "127.0.0.1:1,127.0.0.1:2", "task": 0}
    RunFolder(tmp_path).write_settings(settings)
    assert main(["train", "--resume", "-o", str(tmp_path)]) == 1
    assert "--task is this worker's number in the cluster, 0 to 1, not None" in capsys.readouterr().err
