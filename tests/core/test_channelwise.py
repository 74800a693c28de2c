"""The channel-wise modules of STM."""

import keras
import numpy as np
import pytest
from keras import layers, ops
from temporal_checks import check_temporal_layer

from keras_vid.layers.channelwise import MotionDifference, ShiftLike, channel_mixing, channel_motion
from keras_vid.layers.temporal import ChannelTemporalConv, TemporalConv


def as_layer(function, channels=16, **options):
    x = keras.Input((6, 6, channels))
    return keras.Model(x, function(x, frames=5, name="it", **options))


def test_temporal_convolutions_reach_half_their_kernel():
    check_temporal_layer(TemporalConv(8, 3, frames=5), reach=1)
    check_temporal_layer(TemporalConv(8, 5, frames=5), reach=2)
    check_temporal_layer(ChannelTemporalConv(3, frames=5), reach=1)


@pytest.mark.parametrize("ordinary", [False, True])
def test_channels_start_as_shifted_frames(ordinary):
    x = np.random.default_rng(0).normal(size=(2, 4, 3, 3, 8)).astype("float32")
    y = channel_mixing(x.reshape(8, 3, 3, 8), frames=4, name="mix", ordinary=ordinary)
    y = ops.convert_to_numpy(y).reshape(x.shape)
    expected = x.copy()
    expected[:, 1:, ..., :2], expected[:, 0, ..., :2] = x[:, :-1, ..., :2], 0  # the previous frame
    expected[:, :-1, ..., 6:], expected[:, -1, ..., 6:] = x[:, 1:, ..., 6:], 0  # the next frame
    np.testing.assert_allclose(y, expected, atol=1e-6)


def test_mixing_reaches_one_frame():
    check_temporal_layer(as_layer(channel_mixing), reach=1)
    check_temporal_layer(as_layer(channel_mixing, ordinary=True), reach=1)


def test_motion_by_hand():
    """With a kernel that sums its nine pixels, the inner pixel of a constant frame gives 9 * next - this."""
    x = np.zeros((4, 3, 3, 1), "float32") + np.array([1, 2, 4, 8], "float32").reshape(4, 1, 1, 1)
    layer = MotionDifference(frames=2, depthwise_initializer="ones")
    y = ops.convert_to_numpy(layer(x))[:, 1, 1, 0]
    np.testing.assert_allclose(y, [9 * 2 - 1, 0, 9 * 8 - 4, 0])


def test_motion_looks_one_frame_ahead():
    motion = MotionDifference(frames=5)
    check_temporal_layer(lambda x: 2 * x + motion(x), reach=(1, 0))  # alone it says nothing of a last frame


def test_motion_of_the_last_frame_is_zero():
    y = ops.convert_to_numpy(as_layer(channel_motion)(np.random.normal(size=(10, 6, 6, 16)).astype("float32")))
    y = y.reshape(2, 5, -1)
    assert not y[:, -1].any() and y[:, :-1].any(axis=-1).all()


def test_motion_runs_before_the_stride():
    model = as_layer(channel_motion, channels=64, stride=2)
    assert model.output.shape == (None, 3, 3, 64)
    assert model.get_layer("it_difference").output.shape == (None, 6, 6, 4)


def test_motion_refuses_channels_that_do_not_divide():
    with pytest.raises(ValueError, match="20 channels cannot be reduced 16 times"):
        as_layer(channel_motion, channels=20)


def test_temporal_layers_survive_saving_and_mixed_precision(tmp_path):
    x = keras.Input((4, 4, 8))
    y = TemporalConv(8, 3, frames=2, dilation_rate=(2, 1), dtype="mixed_bfloat16")(x)
    y = ChannelTemporalConv(3, frames=2, depthwise_initializer=ShiftLike(), dtype="mixed_bfloat16")(y)
    y = MotionDifference(frames=2, dtype="mixed_bfloat16")(y)
    model = keras.Model(x, y)
    assert y.dtype == "bfloat16"
    model.save(tmp_path / "net.keras")
    value = np.random.default_rng(0).normal(size=(4, 4, 4, 8)).astype("float32")
    loaded = keras.models.load_model(tmp_path / "net.keras")
    same = [ops.convert_to_numpy(ops.cast(m(value), "float32")) for m in (model, loaded)]
    np.testing.assert_array_equal(*same)


def test_unknown_height_and_width():
    x = keras.Input((None, None, 16))
    model = keras.Model(x, channel_motion(channel_mixing(x, 5, "mix"), 5, "motion"))
    assert model(np.zeros((5, 7, 9, 16), "float32")).shape == (5, 7, 9, 16)
    assert isinstance(model.layers[1], layers.DepthwiseConv2D)
