"""Values of flags: what no command can use is refused before anything is read or written."""

import pytest

from keras_vid import cli
from tests.core.test_cli import all_parsers

RUN = ["train", "tsm_resnet14", "--data", "videos", "-o"]
WRONG = """
--crop foo|--sample foo|--schedule foo|--unit foo|--optimizer foo|--bn foo|--view-choice foo|--modality foo
--precision foo|--frames 0|--size 7|--short 0|--test-size 3|--test-frames 0|--neighbours 0|--channels 0|-b 0
--epochs 0|--epochs -1|--length nan|--drops 1,-2|--drop 0|--warmup -1|--fps 0|--fps nan|--stride 0|--lr nan|--lr -1
--lr inf|--first-rate -1|--momentum 2|--weight-decay -1|--label-smoothing 2|--mixup -1|--cutmix -1|--erasing 2
--colour 7|--dropout 1|--clip-norm -1|--bn-momentum 1|--views -1|--crops 2|--class-weights nan,1|--split 0|--seed -1
-j 0|--accumulate 0|--steps-per-execution 0|--average 1|--save-every 0|--paper-batch 0|--devices 0
""".replace("\n", "|").strip("|")


@pytest.mark.parametrize("flag", WRONG.split("|"))
def test_a_value_that_no_run_can_have_is_refused_by_its_flag(flag, tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main([*RUN, str(tmp_path / "run"), *flag.split()])
    usage, line = capsys.readouterr().err.splitlines()
    assert stop.value.code == 2 and not (tmp_path / "run").exists()
    assert flag.split()[0] in line and flag.split()[1] in line and usage.startswith("usage: keras-vid train")


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_flag_with_a_number_says_what_it_can_be(name):
    """`type=int` and `type=float` take 0, -1, inf and nan."""
    for parser in all_parsers(cli.build_parser([name])):
        open_ended = [action.dest for action in parser._actions if action.type in (int, float) and not action.choices]
        assert open_ended == []


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (
            ["train", "tsm_resnet14", "--data", "x", "--plan", "--freeze", "y"],
            "--plan, --freeze: only for your own videos",
        ),
        (["train", "--data", "x", "--crop", "sth", "--mixup", "1"], "--crop, --mixup: only with a recipe"),
        (["train", "--data", "x", "--split", "2", "--xla"], "--split, --xla: only with a recipe"),
    ],
)
def test_a_flag_that_would_not_be_looked_at_is_refused(argv, said, capsys):
    assert cli.main(argv) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line
