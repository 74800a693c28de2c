"""The command line: quick help, tables that parse, one-line errors and exit codes."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from keras_vid import cli


def test_help_imports_no_keras_and_answers_at_once():
    best = min(timed([sys.executable, "-m", "keras_vid.cli", "--help"]) for _ in range(3))
    assert best < 0.3
    code = (
        "import sys, keras_vid.cli as c\ntry:\n    c.main(['--help'])\nexcept SystemExit:\n    pass\n"
        "assert 'keras' not in sys.modules and 'numpy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def timed(command):
    """Processor seconds of a command: what it takes on a machine that has nothing else to do."""
    before = os.times()
    subprocess.run(command, check=True, capture_output=True)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_command_explains_itself(name, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main([name, "--help"])
    shown = capsys.readouterr().out
    assert stop.value.code == 0 and "usage: keras-vid" in shown and f"keras-vid {name}" in shown.split("examples:")[1]


def all_parsers(parser):
    yield parser
    for action in parser._actions:
        if isinstance(action.choices, dict):
            for sub in action.choices.values():
                yield from all_parsers(sub)


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_option_says_what_it_does(name):
    for parser in all_parsers(cli.build_parser([name])):
        silent = [action for action in parser._actions if not action.help and not isinstance(action.choices, dict)]
        assert [action.option_strings or action.dest for action in silent] == []


def test_list_names_is_the_zoo(capsys):
    from keras_vid import list_models

    assert cli.main(["list", "--names"]) == 0
    assert capsys.readouterr().out.split() == list_models()


def test_list_counts_as_the_library_does(capsys):
    assert cli.main(["list", "s3d", "--json"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert row["parameters"] == 8_320_048 and row["weights"] == ["kinetics400", "imagenet"]


def test_a_network_that_is_named_is_built_for_the_frames_asked_for(capsys):
    counts = []
    for frames in ("8", "16"):
        assert cli.main(["summary", "stm_resnet14", "--frames", frames, "--size", "64", "--json"]) == 0
        counts.append(sum(json.loads(line)["macs"] for line in capsys.readouterr().out.splitlines()))
    assert 1.9 < counts[1] / counts[0] < 2.1


def test_summary_adds_up(capsys):
    assert cli.main(["summary", "fast_s3d", "--frames", "16", "--size", "64", "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    from keras_vid import create, macs

    assert sum(row["macs"] for row in rows) == macs(create("fast_s3d"), 16, 64)
    assert sum(row["parameters"] for row in rows) == 6_859_696


@pytest.mark.parametrize(
    "argv, message",
    [
        (["list", "nothing*"], "no network's name matches"),
        (["summary", "nothing"], "no network is called 'nothing'"),
        (["convert", "nowhere.pth", "--model", "s3d"], "nowhere.pth does not exist"),
        (["convert", "x.pth", "--model", "s3d", "-o", "x.h5"], "must end in .weights.h5"),
        (["predict", "x.mp4", "--model", "i2d"], "i2d has no trained weights of its own"),
    ],
)
def test_errors_are_one_line_and_exit_code_1(argv, message, capsys):
    assert cli.main(argv) == 1
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1 and message in lines[0]


def test_wrong_usage_is_exit_code_2(capsys):
    assert cli.main([]) == 2
    assert cli.main(["frobnicate"]) == 2


@pytest.mark.parametrize(
    "argv, code, told",
    [
        (["pedict", "x.mp4"], 2, "no command 'pedict': did you mean predict?"),
        (["frobnicate"], 2, "keras-vid --help shows all"),
        (["summary", "s3gd"], 1, "no network is called 's3gd': did you mean s3d"),
        (["summary", "stm-resnet"], 1, "did you mean stm_resnet14 or stm_resnet50 or stm_resnet101?"),
    ],
)
def test_a_slip_of_the_keys_is_answered_with_the_right_name(argv, code, told, capsys):
    assert cli.main(argv) == code
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1 and told in lines[0]


def test_completion_knows_every_command_and_its_options(capsys):
    for shell in ("bash", "zsh", "fish"):
        assert cli.main(["completion", shell]) == 0
        out = capsys.readouterr().out
        assert all(name in out for name in cli.COMMANDS) and "switch-cost" in out and "resume" in out


@pytest.mark.skipif(not shutil.which("bash"), reason="bash is not here")
def test_bash_completes(tmp_path, capsys):
    assert cli.main(["completion", "bash"]) == 0
    (tmp_path / "completion").write_text(capsys.readouterr().out)

    def completed(*words):
        line = " ".join(f"'{word}'" for word in words)
        script = f"source {tmp_path}/completion; COMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; _keras_vid; "
        return subprocess.check_output(["bash", "-c", script + 'echo "${COMPREPLY[@]}"'], text=True).split()

    assert completed("keras-vid", "time") == ["timeline"]
    assert completed("keras-vid", "timeline", "x.mp4", "--sw") == ["--switch-cost"]
    assert completed("keras-vid", "bench", "in") == ["input"]
    assert completed("keras-vid", "predict", "x.mp4", "na") == []  # files are the shell's


LEAVING = """
import atexit, sys, types

class Late:
    def __del__(self):
        print("torn down")

late, sys.modules["tensorflow"] = Late(), types.ModuleType("tensorflow")
from keras_vid import cli
sys.argv = ["keras-vid", "completion", "bash"]
code = cli.main()
atexit.register(print, "registered")
sys.exit(code)
"""


def leaving(stdout=subprocess.PIPE, **environment):
    command = [sys.executable, "-c", LEAVING]
    return subprocess.run(command, stdout=stdout, text=True, env={**os.environ, "PYTHONUNBUFFERED": "", **environment})


def test_a_command_that_used_tensorflow_leaves_at_once_with_all_that_it_said():
    """What is registered for the exit is done, and what cannot be written is a failure. One of several workers takes
    the long way."""
    done = leaving()
    assert done.returncode == 0 and "timeline" in done.stdout
    assert "registered" in done.stdout and "torn down" not in done.stdout
    assert "torn down" in leaving(TF_CONFIG="{}").stdout
    with open("/dev/full", "w") as full:
        assert leaving(full).returncode == 1
