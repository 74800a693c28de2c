"""Shifts, pools and convolutions along time alone, on folded maps.

The convolutions are stock Keras layers that look at a folded map as at images whose rows are frames: they keep Keras'
weights, configuration and arithmetic, and a channel-wise one is far faster on a CPU than a grouped `Conv3D`.
"""

import keras
import numpy as np
from keras import layers, ops

from keras_vid.layers.frames import over_time
from keras_vid.utils.errors import InputError


@keras.saving.register_keras_serializable("keras_vid")
class TemporalShift(layers.Layer):
    """Some channels come from the next frame and as many from the one before, at no multiply-adds.

    The shift of TSM (https://arxiv.org/abs/1811.08383). What would come from outside of the clip is zero.

    Args:
        frames: T, the frames of one clip.
        share: One part in `share` of the channels moves each way.

    Example:

    >>> x = keras.random.normal((2 * 8, 14, 14, 64))  # two clips of eight frames
    >>> tuple(TemporalShift(frames=8)(x).shape)
    (16, 14, 14, 64)
    """

    def __init__(self, frames, share=8, **kwargs):
        super().__init__(**kwargs)
        if share < 2:
            raise InputError(f"share={share}: one channel in `share` moves each way, so at least 2")
        self.frames = frames
        self.share = share

    def build(self, shape):
        # A kernel for each channel that looks at the next frame, the last one, or its own. Slicing and joining moves as
        # much memory on the way forward, and several times as much on the way back.
        fold = shape[-1] // self.share
        self.taps = np.zeros((3, 1, shape[-1], 1), "float32")
        self.taps[2, 0, :fold] = 1
        self.taps[0, 0, fold : 2 * fold] = 1
        self.taps[1, 0, 2 * fold :] = 1

    def call(self, x):
        taps = ops.cast(self.taps, x.dtype)
        return over_time(lambda line: ops.depthwise_conv(line, taps, 1, "same"), x, self.frames)

    def compute_output_shape(self, shape):
        return shape

    def get_config(self):
        return {**super().get_config(), "frames": self.frames, "share": self.share}


@keras.saving.register_keras_serializable("keras_vid")
class TemporalPool(layers.Layer):
    """The maximum over neighbouring frames, at every second one: half as many frames come out.

    Args:
        frames: T, the frames of one clip.
        size: How many frames one maximum is over.

    Example:

    >>> x = keras.random.normal((2 * 8, 14, 14, 64))  # two clips of eight frames
    >>> tuple(TemporalPool(frames=8)(x).shape)
    (8, 14, 14, 64)
    """

    def __init__(self, frames, size=3, **kwargs):
        super().__init__(**kwargs)
        self.frames = frames
        self.size = size

    def call(self, x):
        return over_time(self._pool, x, self.frames)

    def _pool(self, x):  # B, T, H*W, C
        return ops.max_pool(x, (self.size, 1), (2, 1), "same", data_format="channels_last")

    def compute_output_shape(self, shape):
        batch = None if shape[0] is None else shape[0] // self.frames * -(-self.frames // 2)
        return (batch, *shape[1:])

    def get_config(self):
        return {**super().get_config(), "frames": self.frames, "size": self.size}


@keras.saving.register_keras_serializable("keras_vid")
class TemporalConv(layers.Conv2D):
    """A `[k, 1, 1]` convolution over the frames of each clip, from every channel to every channel.

    Args:
        filters: Channels that come out.
        kernel_size: k, the frames that one output sees.
        frames: T, the frames of one clip.
        **options: Those of `keras.layers.Conv2D`; padding is "same" by default, so that T stays.

    Example:

    >>> x = keras.random.normal((2 * 8, 14, 14, 64))  # two clips of eight frames
    >>> tuple(TemporalConv(32, 3, frames=8)(x).shape)
    (16, 14, 14, 32)
    """

    def __init__(self, filters, kernel_size=3, *, frames, **options):
        super().__init__(filters, _column(kernel_size), **{"padding": "same", **options})
        self.frames = frames

    def call(self, x):
        return over_time(super().call, x, self.frames)

    def compute_output_shape(self, shape):
        return (*shape[:-1], self.filters)

    def get_config(self):
        return {**super().get_config(), "frames": self.frames}


@keras.saving.register_keras_serializable("keras_vid")
class ChannelTemporalConv(layers.DepthwiseConv2D):
    """A `[k, 1, 1]` convolution over the frames of each clip, every channel with a kernel of its own.

    Args:
        kernel_size: k, the frames that one output sees.
        frames: T, the frames of one clip.
        **options: Those of `keras.layers.DepthwiseConv2D`; padding is "same" by default, so that T stays.

    Example:

    >>> x = keras.random.normal((2 * 8, 14, 14, 64))  # two clips of eight frames
    >>> tuple(ChannelTemporalConv(3, frames=8)(x).shape)
    (16, 14, 14, 64)
    """

    def __init__(self, kernel_size=3, *, frames, **options):
        super().__init__(_column(kernel_size), **{"padding": "same", **options})
        self.frames = frames

    def call(self, x):
        return over_time(super().call, x, self.frames)

    def compute_output_shape(self, shape):
        return (*shape[:-1], shape[-1] * self.depth_multiplier)

    def get_config(self):
        return {**super().get_config(), "frames": self.frames}


def _column(kernel_size):
    """k as `(k, 1)`; a saved configuration holds the pair already."""
    return (kernel_size, 1) if isinstance(kernel_size, int) else tuple(kernel_size)
