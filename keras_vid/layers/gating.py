"""Channels turned up and down by what the whole clip shows."""

import math

from keras import layers, ops, saving

from keras_vid.utils.errors import InputError

OVER = ("space_time", "space", "time")  # what the mean of a gate is taken over


@saving.register_keras_serializable("keras_vid")
class FeatureGating(layers.Layer):
    """Weighs every channel with a number between 0 and 1 that is computed from the clip's mean features.

    The feature gating of S3D-G (https://arxiv.org/abs/1712.04851, section 4.6): `sigmoid(W mean(x) + b) * x`, the
    mean taken over time and space together. It adds C x C weights and next to no time: it works on one vector a clip.

    Args:
        over: What the mean is taken over: `"space_time"`, `"space"` (a gate of its own for each frame) or `"time"` (one
            for each place in the picture); the paper found the first to work best.
        use_bias: Whether the projection has the bias `b`; the authors' released code has none.

    Example:

    >>> import keras
    >>> x = keras.random.normal((2, 8, 14, 14, 64))
    >>> tuple(FeatureGating()(x).shape)
    (2, 8, 14, 14, 64)
    """

    def __init__(self, use_bias=True, over="space_time", **kwargs):
        super().__init__(**kwargs)
        if over not in OVER:
            raise InputError(f"the mean of a gate is over {', '.join(OVER)}, not {over!r}")
        self.use_bias, self.over = use_bias, over

    def build(self, shape):
        channels = shape[-1]
        self.projection = layers.Dense(
            channels, activation="sigmoid", use_bias=self.use_bias, name="projection", dtype=self.dtype_policy
        )
        self.projection.build((shape[0], channels))

    def call(self, x):
        axes = self._axes(len(x.shape))
        if self.over == "space_time":
            gate = self.projection(ops.mean(x, axis=axes) if axes else x)  # B, C
            return x * ops.reshape(gate, (-1, *[1] * len(axes), x.shape[-1]))
        return x * self.projection(ops.mean(x, axis=axes, keepdims=True))  # B, T, 1, 1, C or B, 1, H, W, C

    def _axes(self, dimensions):
        """The axes that the mean is over: time is the first after the batch."""
        if self.over == "time":
            return (1,)
        return tuple(range(2 if self.over == "space" else 1, dimensions - 1))

    def compute_output_shape(self, shape):
        return shape

    def macs(self, input_shape, output_shape):
        """Multiply-adds of one call: the projection of one vector a clip, a frame or a place."""
        axes = self._axes(len(input_shape))
        places = math.prod(size for axis, size in enumerate(input_shape[:-1]) if axis not in axes)
        return places * input_shape[-1] ** 2

    def get_config(self):
        return {**super().get_config(), "use_bias": self.use_bias, "over": self.over}
