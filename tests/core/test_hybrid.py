"""The hybrid convolution of STH."""

import keras
import numpy as np
import pytest
from keras import ops
from temporal_checks import check_temporal_layer

from keras_vid.layers.balance import Balance, Balanced
from keras_vid.layers.hybrid import DepthwiseHybridConv, HybridConv


def dense_kernel(layer, channels):
    """The 3 x 3 x 3 kernel, mostly zeros, that a hybrid convolution stands for."""
    kernel = np.zeros((3, 3, 3, channels, layer.filters), "float32")
    spatial, temporal = (ops.convert_to_numpy(w) for w in (layer.spatial_kernel, layer.temporal_kernel))
    for start, first, last in layer.groups():
        seen = np.arange(start, start + layer.slice)
        rest = np.setdiff1d(np.arange(channels), seen)
        kernel[1][:, :, rest, first:last] = spatial[..., first:last]
        kernel[:, 1, 1, start : start + layer.slice, first:last] = temporal[:, 0, :, first:last]
    return kernel


def plain_conv3d(x, kernel, frames, strides, padding):
    """One ordinary 3D convolution, padded by one frame on both sides in time."""
    x = x.reshape(-1, frames, *x.shape[1:])
    x = np.pad(x, [(0, 0), (1, 1), (0, 0), (0, 0), (0, 0)])
    if padding == "same":
        missing = [(-(-size // strides) - 1) * strides + 3 - size for size in x.shape[2:4]]
        x = np.pad(x, [(0, 0), (0, 0), *[(m // 2, m - m // 2) for m in missing], (0, 0)])
    y = ops.convert_to_numpy(ops.conv(x, kernel, (1, strides, strides), "valid"))
    return y.reshape(-1, *y.shape[2:])


@pytest.mark.parametrize("proportion", [1 / 8, 1 / 4, 1 / 2])
@pytest.mark.parametrize("merge", [False, True])
def test_equals_one_masked_3d_convolution(proportion, merge):
    layer = HybridConv(32, frames=3, proportion=proportion, merge=merge)
    x = np.random.default_rng(0).normal(size=(6, 5, 5, 16)).astype("float32")
    y = ops.convert_to_numpy(layer(x))
    np.testing.assert_allclose(y, plain_conv3d(x, dense_kernel(layer, 16), 3, 1, "same"), atol=1e-4)
    p = proportion
    assert layer.count_params() == 32 * 16 * (3 * p + 9 * (1 - p))
    assert layer.macs((6, 5, 5, 16), (6, 5, 5, 32)) == 6 * 5 * 5 * layer.count_params()


@pytest.mark.parametrize("size", [7, 8])
@pytest.mark.parametrize("padding", ["same", "valid"])
def test_where_the_image_is_strided_time_is_seen_at_the_middle(size, padding):
    layer = HybridConv(8, frames=3, strides=2, padding=padding)
    x = np.random.default_rng(0).normal(size=(6, size, size, 8)).astype("float32")
    y = ops.convert_to_numpy(layer(x))
    np.testing.assert_allclose(y, plain_conv3d(x, dense_kernel(layer, 8), 3, 2, padding), atol=1e-4)
    assert layer.compute_output_shape(x.shape) == y.shape
    depthwise = DepthwiseHybridConv(frames=3, strides=2, padding=padding)
    assert depthwise(x).shape == depthwise.compute_output_shape(x.shape) == y.shape


def test_merge_sees_one_slice_along_time_and_hybrid_all():
    for merge, expected in ((True, [0, 1]), (False, range(8))):
        layer = HybridConv(8, frames=2, merge=merge)
        layer(np.zeros((2, 4, 4, 8), "float32"))
        kernel = dense_kernel(layer, 8)
        assert np.flatnonzero(np.abs(kernel[[0, 2]]).sum((0, 1, 2, 4))).tolist() == list(expected)


@pytest.mark.parametrize("dilation", [1, 2, 3])
def test_reach(dilation):
    for layer in (HybridConv(16, frames=5), DepthwiseHybridConv(frames=5)):
        check_temporal_layer(layer, reach=1)
    still = HybridConv(16, frames=7, dilation_rate=dilation)
    x = np.zeros((7, 9, 9, 16), "float32")
    quiet = ops.convert_to_numpy(still(x))
    x[3, 4, 4] = 1
    felt = np.abs(ops.convert_to_numpy(still(x)) - quiet).max(-1)
    assert np.flatnonzero(felt.max((1, 2))).tolist() == [3 - dilation, 3, 3 + dilation]
    assert np.flatnonzero(felt[3].max(0)).tolist() == [4 - dilation, 4, 4 + dilation]
    assert np.argwhere(felt[3 + dilation]).tolist() == [[4, 4]]


def test_image_kernels_are_adopted():
    image = keras.layers.Conv2D(8, 3, padding="same")
    x = np.random.default_rng(0).normal(size=(4, 5, 5, 8)).astype("float32")
    image(x)
    layer = HybridConv(8, frames=2, use_bias=True)
    layer(x)
    layer.adopt(*image.get_weights())
    layer.temporal_kernel.assign(np.zeros((3, 1, 2, 8), "float32"))
    only = x.copy()
    only[..., :2] = 0  # what the first group's kernels do not look at across the image
    a, b = (ops.convert_to_numpy(y) for y in (layer(x), image(only)))
    np.testing.assert_allclose(a[..., :2], b[..., :2], atol=1e-5)


def test_depthwise_channels_by_hand():
    layer = DepthwiseHybridConv(frames=2)
    x = np.random.default_rng(0).normal(size=(4, 5, 5, 8)).astype("float32")
    layer(x)
    layer.temporal_kernel.assign(np.array([1, 0, 0], "float32").reshape(3, 1, 1, 1) * np.ones((1, 1, 2, 1)))
    centre = np.zeros((3, 3, 8, 1), "float32")
    centre[1, 1] = 3
    layer.adopt(centre)
    y = ops.convert_to_numpy(layer(x))
    np.testing.assert_allclose(y[..., 2:], 3 * x[..., 2:], rtol=1e-6)
    np.testing.assert_allclose(y[[1, 3], ..., :2], x[[0, 2], ..., :2], rtol=1e-6)
    assert not y[[0, 2], ..., :2].any()
    assert layer.count_params() == 3 * 2 + 9 * 6


def test_even_balance_is_the_plain_sum():
    x = np.random.default_rng(0).normal(size=(4, 5, 5, 16)).astype("float32")
    layer = HybridConv(16, frames=2, separate=True)
    temporal, spatial = layer(x)
    together = HybridConv(16, frames=2)
    together(x)
    together.set_weights(layer.get_weights())
    balance = Balance(frames=2)
    share = balance(temporal, spatial)
    assert tuple(share.shape) == (2, 2, 16)
    assert balance.count_params() == 16**2
    share = ops.convert_to_numpy(share)
    np.testing.assert_allclose(share.sum(1), np.full((2, 16), 2), rtol=1e-6)
    np.testing.assert_allclose(share, np.ones((2, 2, 16)), atol=0.2)
    total = Balanced(frames=2)(temporal, spatial, ops.ones((2, 2, 16)))
    np.testing.assert_allclose(ops.convert_to_numpy(total), ops.convert_to_numpy(together(x)), atol=1e-5)
    only = Balanced(frames=2)(temporal, spatial, ops.array([[[2.0] * 16, [0] * 16], [[0] * 16, [2] * 16]]))
    np.testing.assert_allclose(ops.convert_to_numpy(only)[:2], 2 * ops.convert_to_numpy(temporal)[:2], atol=1e-5)
    np.testing.assert_allclose(ops.convert_to_numpy(only)[2:], 2 * ops.convert_to_numpy(spatial)[2:], atol=1e-5)


def test_saving_and_mixed_precision(tmp_path):
    image = keras.Input((None, None, 8))
    options = {"frames": 2, "dtype": "mixed_bfloat16"}
    parts = HybridConv(16, separate=True, use_bias=True, strides=2, padding="valid", **options)(image)
    x = Balanced(**options)(*parts, Balance(**options)(*parts))
    x = DepthwiseHybridConv(dilation_rate=2, **options)(x)
    assert x.dtype == "bfloat16"
    model = keras.Model(image, x)
    model.save(tmp_path / "net.keras")
    value = np.random.default_rng(0).normal(size=(4, 8, 8, 8)).astype("float32")
    loaded = keras.models.load_model(tmp_path / "net.keras")
    a, b = (ops.convert_to_numpy(ops.cast(m(value), "float32")) for m in (model, loaded))
    assert a.shape == (4, 3, 3, 16)
    np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("proportion", [1 / 3, 0.3, 1])
def test_impossible_proportions_are_refused(proportion):
    with pytest.raises(ValueError, match="give 1 over a whole number"):
        HybridConv(16, frames=2, proportion=proportion, name="hybrid")(np.zeros((2, 4, 4, 16), "float32"))
