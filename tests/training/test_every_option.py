"""The walk: every value of every option of every family, on its smallest network, from training to a reloaded file."""

import dataclasses
import functools
import json

import keras
import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

from keras_vid.training.evaluation.evaluate import for_testing
from keras_vid.training.recipes import recipe
from keras_vid.training.recipes.fields import INCEPTION, from_json
from keras_vid.training.run.optimizer import make
from keras_vid.training.run.start import build, with_all_options

from keras_vid.models.create import network_options
from keras_vid.models.inception_styles import STYLES
from keras_vid.models.variants import list_models

DENSE = {
    "padding": ("symmetric", "googlenet"),
    "bn_scale": (False,),
    "temporal_bn": (False,),
    "temporal_bias": (True,),
    "temporal_branches": (4,),
}
DENSE |= {"gating": ("temporal", "branch", "cell", "branch_and_cell", "embedding"), "head": ("global",)}
DENSE |= {"flat_pools": (True,), "pool_last": (True,), "width": (0.5,), "mean": ((0, 0, 0),), "std": ((255, 255, 255),)}
DENSE |= {"style": tuple(name for name in STYLES if name != "paper"), "transition": ("Mixed_3b", "Mixed_5c")}
SEPARABLE = {"gate_over": ("space", "time"), "gate_bias": (False,), "stem": ("2d", "3d"), "stem_kernel": (1, 3)}
VALUES = {
    "fast_s3d": DENSE,  # 2D below, separable above: the cheapest with both kinds of blocks
    "s3dg": SEPARABLE,  # gates, and a first convolution over time
    "tsm_resnet14": {"share": (4,)},
    "c2d_resnet50": {"form": ("code",)},
    "stm_resnet14": {
        "modules": (("cstm",), ("cmm",)),
        "fusion": ("concat",),
        "stages": ((2,), (4, 5)),
        "ordinary": (True,),
    },
    "stm_resnet50": {"blocks": (1,)},  # resnet14 has one block a stage
    "sth_resnet14": {"proportion": (0, 1 / 8, 1 / 2), "merge": (True,), "attention": (False,), "dilated": (True,)},
    "stnet_resnet14": {
        "modelling": ("paper", None),
        "places": (("conv4",),),
        "grey_stem": (True,),
        "xception": (False,),
    },
}
CASES = [
    (model, name, value) for model, options in VALUES.items() for name, values in options.items() for value in values
]
SAME = {("stnet_resnet14", "grey_stem")}  # only a start: tests/core/test_stnet.py


def fingerprint(network, seed=0):
    """Logits of a clip with every weight drawn anew, the same for the same shapes in the same order."""
    draw = np.random.default_rng(seed)
    drawn = (
        draw.normal(0, (2 / np.prod(v.shape[:-1])) ** 0.5, v.shape)  # He: no map of a deep network grows or vanishes
        if len(v.shape) > 1
        else abs(draw.normal(0.5, 0.2, v.shape))
        for v in network.weights
    )
    network.set_weights([value.astype("float32") for value in drawn])
    # frames of unequal brightness, each of a few large squares: means over time and over space differ
    frames, channels = network.input_shape[1] or 17, network.input_shape[-1]
    squares = draw.integers(0, 256, (1, frames, 4, 4, channels)) * draw.uniform(0, 1, (1, frames, 1, 1, 1))
    clip = squares.astype(np.uint8).repeat(8, 2).repeat(8, 3)
    return len(network.weights), [tuple(v.shape) for v in network.weights], np.asarray(network(clip, training=False))


@functools.cache
def plain_fingerprint(model):
    return fingerprint(build(small(model), ["a", "b"])[0])


def small(model, **options):
    changes = {"size": 32, "frames": 13} if model in INCEPTION else {"size": 32}
    return recipe(f"{model}/synthetic", options=options, **changes)


def family(model):
    return "inception" if model in INCEPTION else model.rsplit("_resnet", 1)[0]


def test_the_walk_leaves_no_option_out():
    walked = {}
    for model, options in VALUES.items():
        walked.setdefault(family(model), {"dropout", "length"}).update(options)  # these two are fields of the recipe
    for model in VALUES:
        assert set(network_options(model)) <= walked[family(model)], model
    families = {name.rsplit("_resnet", 1)[0] for name in list_models("*_resnet50")}
    none = {name for name in families if set(network_options(f"{name}_resnet50")) == {"dropout"}}
    assert families - set(walked) <= none, "a family with options that is not walked"


@pytest.mark.zoo
@pytest.mark.parametrize(("model", "name", "value"), CASES, ids=[f"{m} {n}={v}" for m, n, v in CASES])
def test_every_value_of_every_option(model, name, value, tmp_path):
    row = with_all_options(small(model, **{name: value}))
    row = from_json(json.loads(json.dumps(dataclasses.asdict(row))))  # as a run keeps it
    network, _ = build(row, ["a", "b"])
    # a step, and once more from the file; without a graph, whose making takes far longer than a step
    rule, *_ = make(row, 2, 10)
    network.compile(rule, keras.losses.SparseCategoricalCrossentropy(from_logits=True), run_eagerly=True)
    clips = np.random.default_rng(0).integers(0, 256, (2, row.frames, 32, 32, 3), np.uint8)
    assert np.isfinite(network.train_on_batch(clips, np.array([0, 1])))
    network.save(tmp_path / "network.keras")
    again = keras.models.load_model(tmp_path / "network.keras")
    assert np.isfinite(again.train_on_batch(clips, np.array([0, 1])))
    # resumed: built anew without weights to start from, the trained weights fit and mean the same
    anew, _ = build(row, ["a", "b"])
    anew.set_weights(network.get_weights())
    np.testing.assert_allclose(anew(clips, training=False), network(clips, training=False), rtol=1e-4, atol=1e-5)
    # tested at another length and size: the same layers
    longer = dataclasses.replace(row, views=1, test_frames=row.frames + row.neighbours * 2, test_size=40)
    other = for_testing(network, longer)
    assert [type(layer) for layer in other.layers] == [type(layer) for layer in network.layers]
    longest = np.random.default_rng(0).integers(0, 256, (1, longer.test_frames, 40, 40, 3), np.uint8)
    assert np.isfinite(np.asarray(other(longest, training=False))).all()
    # it took effect: other weights, or another answer of the same weights
    if (model, name) not in SAME:
        before, after = plain_fingerprint(model), fingerprint(anew)
        assert np.isfinite(after[2]).all()
        assert before[:2] != after[:2] or not np.allclose(before[2], after[2], rtol=1e-4)
    keras.backend.clear_session()
