"""Channels turned up and down by what the whole clip shows."""

from keras import layers, ops, saving


@saving.register_keras_serializable("keras_vid")
class FeatureGating(layers.Layer):
    """Weighs every channel with a number between 0 and 1 that is computed from the clip's mean features.

    The feature gating of S3D-G (https://arxiv.org/abs/1712.04851, section 4.6): `sigmoid(W mean(x) + b) * x`, the
    mean taken over time and space together. It adds C x C weights and next to no time: it works on one vector a clip.

    Args:
        use_bias: Whether the projection has the bias `b`; the authors' released code has none.

    Example:

    >>> import keras
    >>> x = keras.random.normal((2, 8, 14, 14, 64))
    >>> tuple(FeatureGating()(x).shape)
    (2, 8, 14, 14, 64)
    """

    def __init__(self, use_bias=True, **kwargs):
        super().__init__(**kwargs)
        self.use_bias = use_bias

    def build(self, shape):
        channels = shape[-1]
        self.projection = layers.Dense(
            channels, activation="sigmoid", use_bias=self.use_bias, name="projection", dtype=self.dtype_policy
        )
        self.projection.build((shape[0], channels))

    def call(self, x):
        axes = tuple(range(1, len(x.shape) - 1))
        mean = ops.mean(x, axis=axes)  # B, C
        return x * ops.reshape(self.projection(mean), (-1, *[1] * len(axes), x.shape[-1]))

    def compute_output_shape(self, shape):
        return shape

    def macs(self, input_shape, output_shape):
        """Multiply-adds of one call: the projection of one vector a clip."""
        return input_shape[0] * input_shape[-1] ** 2

    def get_config(self):
        return {**super().get_config(), "use_bias": self.use_bias}
