"""The table of recipes against what the papers state."""

import csv
import dataclasses
import json

import pytest

pytest.importorskip("tensorflow")

from keras_vid.training.data.official import DATASETS
from keras_vid.training.recipes import RECIPES, recipe
from keras_vid.training.run.optimizer import Rate, make

from keras_vid.cli import main
from keras_vid.models.variants import list_models
from keras_vid.video import synthetic

# What the papers and their code say, read from them once more and not from the table. Of each row every field that its
# source states; the batch is clips on a device, and over all devices.
S3D = {
    "frames": 64,
    "sample": "dense",
    "crop": "squash",
    "size": 224,
    "short": 256,
    "optimizer": "sgd",
    "momentum": 0.9,
}
S3D |= {"lr": 0.1, "unit": "steps", "schedule": "drops", "drop": 0.1, "batch": 6, "views": 0, "crops": 1}
S3D |= {"test_frames": 250, "test_size": None, "weights": "imagenet"}
S3D_SMALL = {**S3D, "lr": 0.01, "length": 8_000, "drops": (6_000,), "paper_batch": 48, "weights": "kinetics400"}
STNET = {"frames": 35, "neighbours": 5, "sample": "super_images", "crop": "random", "lr": 0.01, "weight_decay": 1e-4}
STNET |= {"length": 60, "drops": (20, 40), "unit": "epochs", "batch": 16, "paper_batch": 128, "weights": "imagenet"}
STNET |= {"views": 1, "crops": 1, "size": 224, "short": 256, "test_frames": 125, "test_size": 256}
STM = {
    "sample": "segments",
    "size": 224,
    "short": 256,
    "crop": "corner",
    "optimizer": "sgd",
    "momentum": 0.9,
    "lr": 0.01,
}
STM |= {"weight_decay": 5e-4, "length": 50, "unit": "epochs", "drops": (30, 40, 45), "drop": 0.1, "bn": "train"}
STM |= {"weights": "imagenet", "views": 10, "crops": 3, "view_choice": "random", "test_size": None}
STM_8 = {**STM, "frames": 8, "batch": 8, "paper_batch": 64}
STM_16 = {**STM, "frames": 16, "batch": 4, "paper_batch": 32}
TUNED = {"lr": 0.001, "length": 25, "drops": (15,), "weights": "kinetics400"}
STH = {
    "sample": "segments",
    "size": 224,
    "short": 256,
    "crop": "sth",
    "flip": True,
    "optimizer": "sgd",
    "momentum": 0.9,
}
STH |= {"weight_decay": 5e-4, "weights": "imagenet", "view_choice": "spread"}
TSM = {"frames": 8, "sample": "segments", "crop": "corner", "flip": True, "lr": 0.02, "drops": (20, 40), "length": 50}
TSM |= {"weight_decay": 1e-4, "dropout": 0.5, "clip_norm": 20.0, "paper_batch": 128}
TSM |= {"bias_rate": 2.0, "head_rate": 5.0, "first_rate": 1.0, "weights": "imagenet", "bn": "train"}
TSM_TIME = {
    **TSM,
    "lr": 0.01,
    "paper_batch": 64,
    "weight_decay": 5e-4,
    "flip": False,
    "views": 2,
    "view_choice": "twice",
}
TSM_SMALL = {**TSM, "lr": 0.001, "paper_batch": 64, "drops": (10, 20), "length": 25, "dropout": 0.8}
TSM_SMALL["weights"] = "kinetics400"
STATED = {
    "s3dg/mini_kinetics200": {**S3D, "length": 80_000, "drops": (60_000, 70_000), "paper_batch": 6 * 56},
    "i3d/mini_kinetics200": {**S3D, "length": 80_000, "drops": (60_000, 70_000), "paper_batch": 6 * 56},
    "s3d/something_v1": {**S3D, "length": 10_000, "drops": (), "paper_batch": 6 * 16, "test_frames": 64},
    "s3dg/hmdb51": S3D_SMALL,
    "fast_s3d/ucf101": S3D_SMALL,
    "stnet_resnet50/kinetics400": STNET,
    "stnet_resnet101/kinetics400": STNET,
    "stnet_inception_resnet_v2/kinetics600": {**STNET, "size": 299, "short": 331, "test_size": 331},
    "stnet_resnet50/ucf101": {"frames": 35, "test_frames": None, "weights": "kinetics400"},
    "stm_resnet50/something_v1": STM_8,
    "stm_resnet50/something_v2": STM_8,
    "stm_resnet50/jester": STM_8,
    "stm_resnet50/kinetics400": STM_16,
    "stm_resnet50/ucf101": {**STM_16, **TUNED},
    "stm_resnet50/hmdb51": {**STM_16, **TUNED},
    "sth_resnet50/something_v1": {**STH, "frames": 8, "length": 50, "views": 1, "crops": 1},
    "sth_resnet50/something_v2": {**STH, "frames": 8, "length": 50, "views": 2, "crops": 3},
    "sth_resnet50/jester": {**STH, "frames": 8, "length": 50, "views": 2, "crops": 3},
    "sth_resnet50/kinetics400": {**STH, "frames": 16, "views": 10, "crops": 3},
    "sth_resnet50/hmdb51": {**STH, "frames": 16, "views": 10, "crops": 3, "weights": "kinetics400"},
    "tsm_resnet50/kinetics400": {**TSM, "views": 10},
    "tsm_resnet50/something_v1": TSM_TIME,
    "tsm_resnet50/jester": TSM_TIME,
    "tsm_resnet50/ucf101": TSM_SMALL,
    "tsn_resnet50/kinetics400": {**TSM, "bn": "partial"},
}


@pytest.mark.parametrize("name", STATED)
def test_what_the_papers_state(name):
    row = dataclasses.asdict(RECIPES[name])
    assert {key: row[key] for key in STATED[name]} == STATED[name]


def test_both_lengths_of_stm_and_sth_by_a_flag(capsys):
    """With 8 frames Kinetics has the batch that the paper had with 8; a batch that is given stays."""
    for flags, frames, batch, together in (
        (["--frames", "8"], 8, 8, 64),
        ([], 16, 4, 32),
        (["--frames", "8", "-b", "2"], 8, 2, 64),
        (["--frames", "12"], 12, 4, 32),
    ):
        assert main(["train", "stm_resnet50/kinetics400", "--show", *flags]) == 0
        row = json.loads(capsys.readouterr().out)
        assert (row["frames"], row["batch"], row["paper_batch"]) == (frames, batch, together)


def test_every_row_can_be_used():
    for name, row in RECIPES.items():
        assert name == f"{row.model}/{row.dataset}" and row.model in list_models()
        assert row.dataset in {*DATASETS, "folder", "synthetic"}, name
        assert row.short >= row.size or row.dataset == "synthetic", name
        assert list(row.drops) == sorted(row.drops) and all(place < row.length for place in row.drops), name
        assert row.sample != "super_images" or row.frames % row.neighbours == 0, name


def test_every_network_trains_on_ones_own_videos():
    for model in list_models():
        assert recipe(model).dataset == "folder" and f"{model}/synthetic" in RECIPES


def test_ones_own_videos_start_from_the_best_weights_there_are():
    """Kinetics' where they are published for the network, else TSN's on the same backbone, else ImageNet's."""
    starts = {"s3d": "kinetics400", "s3dg": "imagenet", "tsn_resnet50": "kinetics400", "sth_vgg16": "imagenet"}
    starts |= {"stm_resnet50": "kinetics400_tsn", "tsm_resnet14": None}
    assert {name: recipe(name).weights for name in starts} == starts


def test_an_unknown_recipe_names_those_there_are():
    with pytest.raises(ValueError, match="recipes for kinetics400, .*ucf101"):
        recipe("stm_resnet50/ucf102")
    with pytest.raises(ValueError, match="not a network"):
        recipe("stm")


def test_rate_scales_with_the_batch_of_the_run():
    """STM: 0.01 for 64 clips. Two replicas of four clips are an eighth of that."""
    rule, steps, note = make(RECIPES["stm_resnet50/jester"], batch=8, steps_per_epoch=100)
    assert steps == 5000 and "0.00125 = 0.01 x 8 / 64" in note
    rates = [float(rule._learning_rate(step)) for step in (0, 2999, 3000, 4000, 4500, 4999)]
    assert rates == pytest.approx([0.00125, 0.00125, 1.25e-4, 1.25e-5, 1.25e-6, 1.25e-6], rel=1e-5)


def test_s3ds_steps_are_steps():
    rule, steps, _ = make(RECIPES["s3dg/mini_kinetics200"], batch=336, steps_per_epoch=238)
    rates = [float(rule._learning_rate(step)) for step in (0, 59_999, 60_000, 70_000)]
    assert steps == 80_000 and rates == pytest.approx([0.1, 0.1, 0.01, 0.001], rel=1e-5)


def test_fewer_devices_take_more_steps_over_as_many_clips():
    """Seven GPUs of six clips are an eighth of S3D's 56: an eighth of the rate, eight times the steps, 336 epochs."""
    row = RECIPES["s3dg/mini_kinetics200"]
    rule, steps, note = make(row, batch=42, steps_per_epoch=1904)
    rates = [float(rule._learning_rate(step)) for step in (0, 479_999, 480_000, 560_000)]
    assert steps == 640_000 and steps * 42 == 80_000 * 336
    assert rates == pytest.approx([0.0125, 0.0125, 0.00125, 0.000125], rel=1e-5)
    assert "80000 steps of 336 clips are 640,000 here" in note
    rule, steps, note = make(dataclasses.replace(row, scale_to_batch=False), batch=42, steps_per_epoch=1904)
    assert steps == 80_000 and float(rule._learning_rate(0)) == pytest.approx(0.1) and "=" not in note


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("videos")
    synthetic.write_dataset(folder, clips=16, frames=4, size=24, classes=synthetic.CLASSES[:2])
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(
    ("flags", "rate", "steps", "line"),
    [
        # 32 clips; the recipe: 0.05 for 16 clips, drops after epochs 1 and 2
        (["-b", "1"], 0.05 / 16, ("32", "64", "96"), "0.003125 = 0.05 x 1 / 16"),
        (["-b", "16"], 0.05, ("2", "4", "6"), "learning rate 0.05"),
        # in steps: 6 updates of 16 clips are 96 clips, twelve of eight, each of which takes two steps of four
        (
            ["-b", "4", "--accumulate", "2", "--unit", "steps", "--length", "6", "--drops", "2,4"],
            0.025,
            None,
            "6 steps of 16 clips are 24 here",
        ),
    ],
)
def test_batches_through_the_command_line(videos, tmp_path, capsys, flags, rate, steps, line):
    """The rate of the log is that of each epoch's last step; it drops at the same clips whatever the batch."""
    run = tmp_path / "run"
    common = "--size 24 --short 24 --frames 2 --schedule drops --warmup 0 --no-validation --no-test".split()
    common += ["--data", str(videos), "-o", str(run)]
    length = [] if "--unit" in flags else ["--epochs", "3", "--drops", "1,2"]
    assert main(["train", "tsm_resnet14/synthetic", *common, *length, *flags]) == 0
    said = capsys.readouterr().err
    assert next(text for text in said.splitlines() if text.startswith("learning rate")).find(line) >= 0
    with open(run / "log.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(row["step"] for row in rows) == (steps or ("8", "16", "24"))
    assert [float(row["rate"]) for row in rows] == pytest.approx([rate * 0.1, rate * 0.01, rate * 0.01], rel=1e-4)


def test_cosine_warms_up_and_ends_at_zero():
    rate = Rate(1.0, 100, warmup=10)
    assert [float(rate(step)) for step in (0, 9, 55, 100)] == pytest.approx([0.1, 1.0, 0.5, 0.0], abs=1e-3)


def test_i2d_cannot_see_the_direction_of_the_synthetic_clips():
    """With the recipe's number of frames, strides and padding are symmetric in time; with 16 they are not."""
    import numpy as np

    import keras_vid

    model = keras_vid.create("i2d", classes=3, size=32)
    frames = RECIPES["i2d/synthetic"].frames
    for count, same in ((frames, True), (16, False)):
        clip = np.random.default_rng(0).integers(0, 256, (1, count, 32, 32, 3), np.uint8)
        forward, backward = (np.asarray(model(c, training=False)) for c in (clip, clip[:, ::-1]))
        assert np.allclose(forward, backward, rtol=1e-4, atol=1e-5) == same


@pytest.mark.parametrize(("unit", "warmup", "steps"), [("epochs", 2, 200), ("steps", 30, 30)])
def test_warm_up_is_as_long_as_its_unit_says(unit, warmup, steps):
    """The rate rises in a straight line and reaches its top with the last step of the warm-up."""
    length = {"epochs": 4, "steps": 400}[unit]
    changes = {"unit": unit, "warmup": warmup, "length": length, "schedule": "drops", "drops": (), "paper_batch": 8}
    rule, *_ = make(recipe("stm_resnet50/jester", **changes, lr=1.0), batch=8, steps_per_epoch=100)
    rates = [float(rule._learning_rate(step)) for step in (0, steps // 2 - 1, steps - 1, steps)]
    assert rates == pytest.approx([1 / steps, 0.5, 1.0, 1.0], rel=1e-5)


def test_another_number_of_epochs_drops_the_rate_at_the_same_shares():
    from keras_vid.training.commands.train import chosen_recipe

    from keras_vid.cli import build_parser

    plain = recipe("stm_resnet50/jester")
    args = build_parser(["train"]).parse_args(["train", "stm_resnet50/jester", "--epochs", str(2 * plain.length)])
    assert plain.drops and chosen_recipe(args).drops == tuple(2 * place for place in plain.drops)
