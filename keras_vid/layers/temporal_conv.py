"""Convolutions along time alone, on folded maps.

Both are stock Keras convolutions that look at a folded map as at images whose rows are frames: they keep Keras'
weights, configuration and arithmetic, and a channel-wise one is far faster on a CPU than a grouped `Conv3D`.
"""

import keras
from keras import layers

from keras_vid.layers.frames import over_time


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
