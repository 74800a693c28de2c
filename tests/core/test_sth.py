"""STH: the paper's counts, its switches, and the properties of every video network."""

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

from keras_vid import features
from keras_vid.explain.macs import macs, parameters
from keras_vid.models.sth import STH
from keras_vid.utils.late import shapes_only

# proportion: (parameters, multiply-adds); the paper prints 22.0M for 1/4, and more than arithmetic gives for the others
PROPORTIONS = {
    0: (23_864_558, 32_699_940_864),
    1 / 8: (22_921_454, 31_466_815_488),
    1 / 4: (21_978_350, 30_233_690_112),
    1 / 2: (20_092_142, 27_767_439_360),
}


def tiny(**options):
    return STH(**{"classes": 3, "frames": 4, "size": 32, "backbone": "mobilenet_v2", "attention": False, **options})


@pytest.mark.parametrize("proportion", [pytest.param(p, marks=[pytest.mark.slow] * (p != 1 / 4)) for p in PROPORTIONS])
@shapes_only()
def test_counts(proportion):
    model = STH(174, proportion=proportion, attention=False)
    assert (parameters(model), macs(model, size=224)) == PROPORTIONS[proportion]


@pytest.mark.slow
@shapes_only()
def test_attention_adds_a_square_of_the_channels_per_block():
    model = STH(174)
    assert parameters(model) == 21_978_350 + sum(n * c * c for n, c in ((3, 64), (4, 128), (6, 256), (3, 512)))
    assert macs(model, size=224) == pytest.approx(30_233_690_112, rel=1e-3)


@pytest.mark.slow
@shapes_only()
def test_merge_has_the_same_count():
    assert parameters(STH(174, merge=True, attention=False)) == PROPORTIONS[1 / 4][0]


def test_no_weight_is_stored_for_a_zero():
    layer = tiny(backbone="vgg16").get_layer("block2_conv1_hybrid")
    assert layer.count_params() == 128 * (16 * 3 + 48 * 9 + 1)
    assert all(ops.convert_to_numpy(w).all() for w in layer.weights[:2])


def test_spatial_kernels_come_from_the_image_network():
    """With p = 0 nothing is replaced; with p, the kernels that stay are those of the same place."""
    keras.utils.set_random_seed(1)
    image = tiny(backbone="vgg16", proportion=0).get_layer("block1_conv2")
    keras.utils.set_random_seed(1)
    hybrid = tiny(backbone="vgg16").get_layer("block1_conv2_hybrid")
    kernel, spatial = ops.convert_to_numpy(image.kernel), ops.convert_to_numpy(hybrid.spatial_kernel)
    np.testing.assert_array_equal(spatial[..., :16], kernel[:, :, 16:, :16])
    np.testing.assert_array_equal(spatial[..., 48:], kernel[:, :, :48, 48:])


@shapes_only()
def test_dilation_alternates_and_leaves_the_counts():
    fixed, dilated = tiny(), tiny(dilated=True)
    rates = [layer.dilation_rate for layer in dilated.layers if layer.name.endswith("_hybrid")]
    assert rates[:4] == [1, 2, 3, 1]
    assert len(rates) == 17
    assert parameters(fixed) == parameters(dilated)
    assert macs(fixed) == macs(dilated)


@pytest.mark.parametrize("backbone", ["mobilenet_v2", pytest.param("vgg16", marks=pytest.mark.slow)])
def test_properties(backbone, tmp_path):
    model = tiny(backbone=backbone, attention=backbone == "vgg16", dilated=backbone == "mobilenet_v2")
    check_clips_apart(model)
    check_frame_order_matters(model)
    check_round_trip(model, tmp_path)
    if backbone == "mobilenet_v2":
        check_gradients(model)


@pytest.mark.slow
def test_order_does_not_matter_without_time():
    check_frame_order_matters(tiny(proportion=0), matters=False)


def test_reach_of_one_layer():
    model = tiny(backbone="vgg16", frames=6, dilated=True)
    for name, reach in (("block1_conv2", 1), ("block2_conv1", 3)):  # of 1, then 1 + 2
        out = keras.Model(model.input, model.get_layer(name).output)
        still, moved = clips(model), clips(model)
        moved[0, 0] += 50
        felt = ops.convert_to_numpy(out(moved)) - ops.convert_to_numpy(out(still))
        felt = np.abs(felt).reshape(2, 6, -1).max(-1)
        assert felt[0].nonzero()[0].max() == reach
        assert felt[1].max() == 0


def test_the_balance_can_be_read():
    model = tiny(backbone="vgg16", attention=True)
    balance = ops.convert_to_numpy(features(model, "block5_conv3_balance")(clips(model)))
    assert balance.shape == (2, 2, 512)
    np.testing.assert_allclose(balance.sum(1), 2, rtol=1e-5)


def test_mixed_precision():
    check_mixed_precision(tiny)


def test_any_size():
    model = tiny(size=None, frames=2)
    assert model(np.zeros((1, 2, 75, 51, 3), "float32")).shape == (1, 3)


def test_mistakes_are_named():
    with pytest.raises(ValueError, match="pass attention=False"):
        tiny(attention=True)
    with pytest.raises(ValueError, match="no backbone is called 'resnet18'"):
        tiny(backbone="resnet18")
