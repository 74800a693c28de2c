"""STM: the paper's counts, its switches, and the properties of every video network."""

import functools

import keras
import numpy as np
import pytest
from keras import ops
from temporal_checks import (
    check_clips_apart,
    check_frame_order_matters,
    check_gradients,
    check_mixed_precision,
    check_round_trip,
    clips,
)

from keras_vid.explain.macs import macs, parameters
from keras_vid.models.stm import STM
from keras_vid.utils.late import shapes_only

# options: (parameters, multiply-adds with BatchNorm as the paper prints them)
TABLES = {
    "stm": ({}, 24_035_666, 33.3),
    "cstm": ({"modules": ("cstm",)}, 23_875_886, 32.93),
    "ordinary": ({"modules": ("cstm",), "ordinary": True}, 27_636_974, 40.59),
    "tsn": ({"stages": ()}, 23_864_558, 32.88),
}


@functools.cache
def tiny(**options):
    return STM(**{"classes": 3, "frames": 4, "size": 32, "backbone": "resnet14", **options})


@pytest.mark.parametrize("row", ["stm", *(pytest.param(r, marks=pytest.mark.slow) for r in list(TABLES)[1:])])
@shapes_only()
def test_counts_are_the_papers(row):
    options, count, giga = TABLES[row]
    model = STM(174, **options)
    assert parameters(model) == count
    if row == "stm":
        assert macs(model, size=224) == 33_075_407_872
    assert macs(model, size=224, convention="conv_bn") == pytest.approx(giga * 1e9, rel=2e-3 if row == "stm" else 1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("stages, blocks, count", [((4,), 1, 1), ((2, 3, 4, 5), 1, 4), ((2, 3, 4, 5), None, 16)])
def test_which_blocks_are_replaced(stages, blocks, count):
    names = [layer.name for layer in tiny(backbone="resnet50", stages=stages, blocks=blocks).layers]
    assert sum(name.endswith("_mixing") for name in names) == count
    assert sum(name.endswith("_sum") for name in names) == count


@pytest.mark.slow
def test_concatenation_adds_a_convolution_per_block():
    more = parameters(tiny(backbone="resnet50", fusion="concat")) - parameters(tiny(backbone="resnet50"))
    assert more == sum(n * 2 * c * c for n, c in ((3, 64), (4, 128), (6, 256), (3, 512)))


@pytest.mark.slow
@pytest.mark.parametrize("modules, before, after", [(("cstm",), 1, 1), (("cmm",), 1, 0)])
def test_reach_of_one_block(modules, before, after):
    model = tiny(stages=(2,), blocks=1, modules=modules, frames=6)
    out = keras.Model(model.input, model.get_layer("conv2_block1_out").output)
    still, moved = clips(model, 2), clips(model, 2)
    moved[0, 3] += 50
    moved = ops.convert_to_numpy(out(moved)) - ops.convert_to_numpy(out(still))
    felt = np.abs(moved).reshape(2, 6, -1).max(-1)
    assert np.flatnonzero(felt[0] > 1e-4).tolist() == list(range(3 - before, 3 + after + 1))
    assert felt[1].max() == 0


@pytest.mark.slow
def test_starts_as_a_shift():
    """A quarter of the channels shows the frame before, a quarter the one after."""
    model = tiny(backbone="resnet50")
    layer = model.get_layer("conv2_block1_mixing")
    both = keras.Model(model.input, [layer.input, layer.output])
    x, y = (ops.convert_to_numpy(v).reshape(2, 4, 8, 8, 64) for v in both(clips(model)))
    np.testing.assert_allclose(y[:, 1:, ..., :16], x[:, :-1, ..., :16], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(y[..., 16:48], x[..., 16:48], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(y[:, :-1, ..., 48:], x[:, 1:, ..., 48:], rtol=1e-5, atol=1e-5)


@pytest.mark.slow
def test_properties(tmp_path):
    model = tiny.__wrapped__()  # which the last check gives other weights
    check_clips_apart(model)
    check_frame_order_matters(model)
    check_round_trip(model, tmp_path)


@pytest.mark.slow
def test_every_weight_learns():
    check_gradients(tiny(fusion="concat"))


@pytest.mark.slow
def test_mixed_precision():
    check_mixed_precision(tiny.__wrapped__)


@pytest.mark.slow
def test_any_size():
    model = tiny(size=None, frames=2)
    assert model(np.zeros((1, 2, 75, 51, 3), "float32")).shape == (1, 3)


def test_mistakes_are_named():
    with pytest.raises(ValueError, match="modules"):
        tiny(modules=("tsm",))
    with pytest.raises(ValueError, match="fusion 'mean'"):
        tiny(fusion="mean")
    with pytest.raises(ValueError, match="has the stages 2, 3, 4, 5"):
        tiny(stages=(2, 9))
    with pytest.raises(ValueError, match="at least 1"):
        tiny(blocks=0)
    with pytest.raises(ValueError, match="has no residual blocks"):
        tiny(backbone="mobilenet_v2")
