"""The fast forms are exact."""

import keras
import numpy as np
import pytest
from keras import layers
from keras_vid.saved_models.forms import (
    BlockedConv2D,
    FusedConv2D,
    FusedConv3D,
    FusedDepthwiseConv2D,
    SeparatePool,
    faster,
)
from random_weights import scatter

from keras_vid.layers import GroupedConv2D


def check(function, shape, open_shape, form, count=1):
    """A network of one function answers alike in its fast form, whether or not its sizes are known beforehand."""
    x = np.random.default_rng(0).normal(size=(2, *shape)).astype("float32")
    for known in (shape, open_shape):
        clip = keras.Input(known)
        net = scatter(keras.Model(clip, function(clip)))
        fast = faster(net)
        assert sum(type(layer) is form for layer in fast.layers) == count
        np.testing.assert_allclose(fast(x, training=False), net(x, training=False), atol=1e-5)
    return fast


@pytest.mark.parametrize(
    "kernel, strides", [((1, 3, 3), 1), ((1, 7, 7), (1, 2, 2)), ((3, 1, 1), (2, 1, 1)), (3, 2), (1, 1)]
)
@pytest.mark.parametrize("padding", ["same", "valid"])
def test_convolutions_of_clips(kernel, strides, padding):
    def unit(x):
        return layers.ReLU()(layers.Conv3D(5, kernel, strides, padding=padding)(x))

    fast = check(unit, (8, 9, 10, 3), (None, None, None, 3), FusedConv3D)
    assert fast.output.shape[1:] == (None, None, None, 5)
    assert not any(isinstance(layer, layers.ReLU) for layer in fast.layers)


@pytest.mark.parametrize(
    "window, strides", [((1, 3, 3), (1, 2, 2)), (3, 1), ((3, 3, 3), 2), (2, 2), ((3, 1, 1), (2, 1, 1))]
)
@pytest.mark.parametrize("padding", ["same", "valid"])
def test_pools(window, strides, padding):
    pool = layers.MaxPooling3D(window, strides, padding)
    check(lambda x: pool(layers.Conv3D(2, 1)(x)), (7, 8, 9, 3), (None, None, None, 3), SeparatePool)


def test_zeros_and_activations_join_convolutions_that_alone_use_them():
    def unit(x):
        x = layers.ZeroPadding2D(((0, 1), (1, 2)))(x)
        x = layers.ReLU(6.0)(layers.Conv2D(4, 3, 2)(x))
        x = layers.ReLU()(layers.DepthwiseConv2D(3, padding="same")(x))
        return layers.ReLU()(GroupedConv2D(4, 3, groups=2, padding="same")(x))

    fast = check(unit, (9, 10, 3), (None, None, 3), FusedConv2D)
    kinds = [type(layer) for layer in fast.layers[1:]]
    assert kinds == [FusedConv2D, FusedDepthwiseConv2D, BlockedConv2D]

    def used_twice(x):
        padded = layers.ZeroPadding2D(1)(x)
        y = layers.Conv2D(3, 3)(padded)
        return layers.Add()([layers.ReLU()(y), y, layers.MaxPooling2D(3, 1)(padded), layers.LeakyReLU()(x)])

    fast = check(used_twice, (9, 10, 3), (None, None, 3), FusedConv2D)
    assert {layers.ReLU, layers.ZeroPadding2D} <= {type(layer) for layer in fast.layers}


def test_many_groups():
    check(lambda x: GroupedConv2D(64, 3, groups=32)(layers.Conv2D(64, 1)(x)), (5, 5, 3), (None, None, 3), BlockedConv2D)


@pytest.mark.parametrize(
    "convolution, shape",
    [
        (layers.Conv2D(4, 3), (9, 10, 3)),
        (layers.DepthwiseConv2D(3), (9, 10, 3)),
        (GroupedConv2D(4, 3, groups=2), (9, 10, 4)),
        (layers.Conv3D(4, (1, 3, 3)), (3, 9, 10, 3)),
        (layers.Conv3D(4, 3), (3, 9, 10, 3)),
    ],
)
def test_relu6_still_ends_at_6(convolution, shape):
    clip = keras.Input(shape)
    net = scatter(keras.Model(clip, layers.ReLU(6.0)(convolution(clip))))
    fast = faster(net)
    assert not any(isinstance(layer, layers.ReLU) for layer in fast.layers)  # it joined the convolution
    x = 20 * np.random.default_rng(0).normal(size=(2, *shape)).astype("float32")
    assert keras.ops.max(convolution(x)) > 12  # so that a ReLU without its end would show
    found = keras.ops.convert_to_numpy(fast(x, training=False))
    assert found.max() == 6
    np.testing.assert_allclose(found, net(x, training=False), atol=1e-5)
