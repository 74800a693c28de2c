"""Layers against NumPy: the gate, the windowed mean, and the kernels that a hybrid convolution adopts."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_vid.layers import FeatureGating, HybridConv, WindowedMean


def random(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def test_the_gate_pools_over_time_and_space_together():
    x, layer = random(2, 3, 4, 5, 6), FeatureGating()
    layer(x)
    kernel, bias = random(6, 6), random(6)
    layer.set_weights([kernel, bias])
    gate = 1 / (1 + np.exp(-(x.mean((1, 2, 3)) @ kernel + bias)))
    np.testing.assert_allclose(ops.convert_to_numpy(layer(x)), x * gate[:, None, None, None], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("height, width", [(7, 7), (9, 8), (4, 10)])
def test_the_windowed_mean_is_a_pool_of_2_7_7_then_a_mean(height, width):
    x = random(2, 4, height, width, 3)
    tall, wide = min(7, height), min(7, width)
    windows = [
        x[:, t : t + 2, i : i + tall, j : j + wide].mean((1, 2, 3))
        for t in range(3)
        for i in range(height - tall + 1)
        for j in range(width - wide + 1)
    ]
    expected = np.stack(windows).reshape(3, -1, 2, 3).mean(1).swapaxes(0, 1)
    np.testing.assert_allclose(ops.convert_to_numpy(WindowedMean()(x)), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("merge", [False, True])
def test_every_group_adopts_the_image_kernels_of_the_channels_that_it_sees(merge):
    """Without its temporal kernels, a group is the image convolution with the group's slice of channels zeroed."""
    x, image = random(4, 5, 5, 16), keras.layers.Conv2D(16, 3, padding="same")
    image(x)
    layer = HybridConv(16, frames=2, merge=merge, use_bias=True)
    layer(x)
    layer.adopt(*image.get_weights())
    layer.temporal_kernel.assign(np.zeros(layer.temporal_kernel.shape, "float32"))
    ours = ops.convert_to_numpy(layer(x))
    for group in range(4):
        seen, outputs = x.copy(), slice(4 * group, 4 * group + 4)
        first = 0 if merge else 4 * group
        seen[..., first : first + 4] = 0
        np.testing.assert_allclose(ours[..., outputs], ops.convert_to_numpy(image(seen))[..., outputs], atol=1e-5)
