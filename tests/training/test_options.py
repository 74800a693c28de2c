"""Options of a network in a recipe: from the command line into the network that is trained, tested and reported."""

import json

import pytest

tf = pytest.importorskip("tensorflow")

from keras_vid.training.recipes import RECIPES, recipe
from keras_vid.training.run.start import build, with_all_options

from keras_vid.cli import main
from keras_vid.inference.load import load_model
from keras_vid.models.create import create, network_options
from keras_vid.utils.errors import InputError
from keras_vid.utils.settings import parse_settings
from keras_vid.video import synthetic

TINY = "--size 32 --short 36 --epochs 1 -b 4".split()


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("videos")
    for part, clips in (("train", 4), ("val", 2)):
        synthetic.write_dataset(folder / part, clips=clips, frames=16, size=40, classes=synthetic.CLASSES[:2])
    return folder


def shown(capsys, *flags):
    """What `keras-vid train ... --show` prints, as a recipe's fields."""
    capsys.readouterr()
    assert main(["train", *flags, "--show"]) == 0
    return json.loads(capsys.readouterr().out)


def test_values_are_read_as_they_are_meant():
    known = {"merge": False, "proportion": 0.25, "stages": (2, 3), "blocks": None, "fusion": "sum"}
    texts = ["merge=yes", "proportion=1/8", "stages=5", "blocks=none", "fusion='concat'"]
    assert parse_settings(texts, known) == {
        "merge": True,
        "proportion": 0.125,
        "stages": (5,),
        "blocks": None,
        "fusion": "concat",
    }


def test_a_misspelt_option_is_wrong_usage(capsys):
    for command in (["train", "stm_resnet14", "--data", "x"], ["summary", "stm_resnet14"], ["list", "stm_resnet14"]):
        assert main([*command, "--set", "fusoin=concat"]) == 2
        said = capsys.readouterr().err
        assert "did you mean fusion?" in said and "modules" in said and len(said.splitlines()) == 1
        assert main([*command, "--set", "fusion"]) == 2
        assert "NAME=VALUE" in capsys.readouterr().err


def test_a_wrong_value_names_the_choices(videos, tmp_path, capsys):
    flags = ["--data", str(videos), "-o", str(tmp_path / "run"), *TINY]
    assert main(["train", "stm_resnet14/synthetic", *flags, "--set", "fusion=product"]) == 1
    said = capsys.readouterr().err.splitlines()[-1]
    assert all(word in said for word in ("'product'", "'sum'", "'concat'"))
    assert not (tmp_path / "run/args.json").exists()


@pytest.mark.parametrize(
    ("model", "text", "said"),
    [
        ("tsm_resnet50", "share=x", "share=x: a whole number, such as 8"),
        ("tsm_resnet50", "share=none", "a whole number"),
        ("sth_resnet50", "proportion=some", "a number, such as 0.25"),
        ("sth_resnet50", "attention=maybe", "yes or no, such as yes"),
        ("stm_resnet50", "fusion=3", "a word, such as sum"),
        ("stm_resnet50", "stages=2,x", "a whole number for each, with commas, such as 2,3,4,5"),
        ("s3d", "mean=grey", "a number for each"),
        ("stnet_resnet50", "places=3", "places=3: a word for each, with commas"),
    ],
)
def test_a_value_of_another_kind_is_wrong_usage(model, text, said, capsys):
    assert main(["train", model, "--data", "x", "--set", text]) == 2
    line = capsys.readouterr().err
    assert said in line and len(line.splitlines()) == 1


@pytest.mark.parametrize(
    ("model", "options", "said"),
    [
        ("tsm_resnet14", {"dropout": 2}, "from 0 to below 1"),
        ("tsm_resnet14", {"share": 1}, "at least 2"),
        ("stm_resnet14", {"blocks": "x"}, "at least 1"),
        ("stnet_resnet14", {"length": 0}, "super-images of 0"),
        ("s3d", {"mean": (1, 2)}, "red, green and blue"),
        ("s3d", {"std": (0, 0, 0)}, "above 0"),
    ],
)
def test_a_value_that_no_network_has_is_one_line(model, options, said):
    with pytest.raises(InputError, match=said):
        create(model, size=32, **options)


def test_options_of_detectors_are_read_by_the_same_rules(tmp_path, capsys):
    command = ["detect", "train", "--dataset", "synthetic", "--data", str(tmp_path), "-o", str(tmp_path / "run")]
    assert main([*command, "--set", "pooing=align"]) == 2
    assert "did you mean pooling?" in capsys.readouterr().err


def test_what_is_a_field_of_the_recipe_becomes_that_field(capsys):
    row = shown(capsys, "stnet_resnet14", "--set", "length=1", "--set", "dropout=0.3")
    assert (row["neighbours"], row["frames"], row["dropout"], row["options"]) == (1, 7, 0.3, {})


def test_published_weights_bring_the_form_of_their_network():
    """Built again without them, to validate or to resume, the network has the padding that they were made for."""
    row = with_all_options(recipe("s3d", size=32, frames=16))
    assert row.weights == "kinetics400" and row.options["style"] == "torch"
    network, _ = build(row, ["a", "b"])
    assert any(layer.name == "Conv2d_1a_7x7_spatial_conv_pad" for layer in network.layers)
    assert with_all_options(recipe("s3d", options={"style": "paper"})).options["style"] == "paper"


def test_a_recipe_that_starts_from_kinetics_says_so_where_nothing_is_published(videos, tmp_path, capsys):
    row = RECIPES["stm_resnet50/ucf101"]
    assert row.weights == "kinetics400"
    with pytest.raises(ValueError, match="none is published for stm_resnet50: give --weights RUN"):
        with_all_options(row)
    assert with_all_options(RECIPES["i3d/ucf101"]).options["style"] == "deepmind"


@pytest.mark.slow
def test_a_run_keeps_its_options(videos, tmp_path, capsys):
    """StNet's paper form has layers of the same shapes as its code's form: rebuilt in the wrong form, the weights
    would fit without a word. The test looks at more super-images than training did, in a network built anew."""
    run = tmp_path / "run"
    flags = ["--data", str(videos), "-o", str(run), *TINY, "--frames", "6", "--test-frames", "9", "--test-size", "40"]
    flags += ["--average", "0.5", "--set", "modelling=paper"]
    assert main(["train", "stnet_resnet14/synthetic", *flags]) == 0
    args = json.loads((run / "args.json").read_text())
    assert args["recipe"]["options"] == {"modelling": "paper"}
    network = load_model(run)
    assert not any(layer.name.endswith("modelling_relu") for layer in network.layers)
    assert "modelling=paper" in (run / "report.html").read_text()
    assert "modelling=paper" in (run / "MODEL_CARD.md").read_text()

    from keras_vid.training.evaluation.evaluate import for_testing, read_args

    other = for_testing(network, read_args(run)[0])
    assert other.input_shape[1:3] == (9, 40)
    assert [layer.name for layer in other.layers] == [layer.name for layer in network.layers]
    # another run that starts from it takes over its options; others may still be chosen
    again = with_all_options(recipe("stnet_resnet14", weights=str(run)))
    assert again.options == {"modelling": "paper"}
    capsys.readouterr()
    assert main(["train", "stnet_resnet14/synthetic", *flags, "--resume", "--set", "modelling=code"]) == 1
    assert "modelling" in capsys.readouterr().err
    assert main(["evaluate", str(run), "--json"]) == 0
    numbers = json.loads(capsys.readouterr().out)
    assert "9 frames" in numbers["protocol"]


def test_every_option_of_a_network_is_known():
    assert set(network_options("stm_resnet14")) >= {"modules", "fusion", "stages", "blocks", "ordinary"}
    assert set(network_options("sth_resnet14")) >= {"proportion", "merge", "attention", "dilated"}
    assert set(network_options("fast_s3d")) >= {"style", "transition", "gating", "temporal_branches", "stem_kernel"}
