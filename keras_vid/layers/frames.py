"""Frames in and out of the batch, and time as the height of an image.

Legend: `B` clips, `T` frames of a clip, `H W` height and width, `C` channels; "folded" is `(B*T, H, W, C)`.
"""

import keras
from keras import layers, ops


def sizes(x):
    """The sizes of all axes but the batch: numbers where all are known, else computed.

    `ops.shape` alone would put a computation into the graph for the batch that nobody asked for, at every call.
    """
    known = tuple(x.shape[1:])
    return ops.shape(x)[1:] if None in known else known


def fold(x):
    """Frames join the batch: `(B, T, ...)` to `(B*T, ...)`.

    Example:

    >>> tuple(fold(keras.random.normal((2, 8, 14, 14, 64))).shape)
    (16, 14, 14, 64)
    """
    return ops.reshape(x, (-1, *sizes(x)[1:]))


def unfold(x, frames):
    """Frames leave the batch: `(B*T, ...)` to `(B, T, ...)`.

    Example:

    >>> tuple(unfold(keras.random.normal((16, 14, 14, 64)), frames=8).shape)
    (2, 8, 14, 14, 64)
    """
    return ops.reshape(x, (-1, frames, *sizes(x)))


def time_as_height(x, frames):
    """A folded map as images whose rows are frames: `(B*T, H, W, C)` to `(B, T, H*W, C)`.

    A kernel of `(k, 1)` then slides over time alone, without a transpose.
    """
    height, width, channels = sizes(x)
    return ops.reshape(x, (-1, frames, height * width, channels))


def height_as_time(x, height, width):
    """Undoes `time_as_height`: `(B, T, H*W, C)` to `(B*T, H, W, C)`."""
    return ops.reshape(x, (-1, height, width, x.shape[-1]))


def over_time(layer, x, frames):
    """Applies a `(k, 1)` convolution of stride 1 to every pixel's line through the frames of a folded map."""
    height, width, _ = sizes(x)
    return height_as_time(layer(time_as_height(x, frames)), height, width)


def time_shape(shape, frames):
    """The static shape of `time_as_height`, for building sublayers."""
    _, height, width, channels = shape
    return (None, frames, None if None in (height, width) else height * width, channels)


@keras.saving.register_keras_serializable("keras_vid")
class Fold(layers.Layer):
    """`fold` as a layer, so that a graph shows it by name: `(B, T, ...)` to `(B*T, ...)`.

    Example:

    >>> tuple(Fold()(keras.random.normal((2, 8, 14, 14, 64))).shape)
    (16, 14, 14, 64)
    """

    def call(self, x):
        return fold(x)

    def compute_output_shape(self, shape):
        batch, frames = shape[:2]
        return (None if None in (batch, frames) else batch * frames, *shape[2:])


@keras.saving.register_keras_serializable("keras_vid")
class Unfold(layers.Layer):
    """`unfold` as a layer: `(B*T, ...)` to `(B, T, ...)`.

    Args:
        frames: T, the frames of one clip.

    Example:

    >>> tuple(Unfold(frames=8)(keras.random.normal((16, 2048))).shape)
    (2, 8, 2048)
    """

    def __init__(self, frames, **kwargs):
        super().__init__(**kwargs)
        self.frames = frames

    def call(self, x):
        return unfold(x, self.frames)

    def compute_output_shape(self, shape):
        return (None if shape[0] is None else shape[0] // self.frames, self.frames, *shape[1:])

    def get_config(self):
        return {**super().get_config(), "frames": self.frames}
