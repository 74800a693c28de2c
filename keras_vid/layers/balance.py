"""STH's attentive integration (https://arxiv.org/abs/2003.08042): time and image weighed against each other.

Legend: `B` clips, `T` frames of a clip, `H W` height and width, `C` channels; every map is folded, `(B*T, H, W, C)`.
"""

import keras
from keras import initializers, layers, ops

from keras_vid.layers.frames import fold, unfold


@keras.saving.register_keras_serializable("keras_vid")
class Balance(layers.Layer):
    """How much of each channel comes from time and how much from the image: `(B, 2, C)`, from the clip's means.

    STH's attentive integration. Both components are averaged over T, H and W, pass two dense layers together, and a
    softmax over {time, image} gives two coefficients a channel that add up to 2, so that even balance is the plain sum.
    The paper gives the number of weights, C x C for each layer, and not their arrangement: this one, 2C to C / 4 to 2C,
    is our choice.

    Args:
        frames: T, the frames of one clip.

    Example:

    >>> temporal, spatial = keras.random.normal((2, 16, 14, 14, 64))
    >>> tuple(Balance(frames=8)(temporal, spatial).shape)
    (2, 2, 64)
    """

    def __init__(self, frames, **kwargs):
        super().__init__(**kwargs)
        self.frames = frames

    def build(self, temporal_shape, spatial_shape):
        channels = temporal_shape[-1]
        options = {"use_bias": False, "dtype": self.dtype_policy}
        self.squeeze = layers.Dense(channels // 4, "relu", name="squeeze", **options)
        self.squeeze.build((None, 2 * channels))
        small = initializers.TruncatedNormal(stddev=0.01)  # nearly even at first
        self.excite = layers.Dense(2 * channels, kernel_initializer=small, name="excite", **options)
        self.excite.build((None, channels // 4))

    def call(self, temporal, spatial):
        means = [ops.mean(unfold(x, self.frames), (1, 2, 3)) for x in (temporal, spatial)]  # B, C
        scores = self.excite(self.squeeze(ops.concatenate(means, -1)))
        return 2 * ops.softmax(ops.reshape(scores, (-1, 2, temporal.shape[-1])), axis=1)

    def macs(self, input_shape, output_shape):
        """Multiply-adds of one call."""
        batch, _, channels = output_shape
        return batch * channels**2

    def compute_output_shape(self, temporal_shape, spatial_shape):
        batch, channels = temporal_shape[0], temporal_shape[-1]
        return (None if batch is None else batch // self.frames, 2, channels)

    def get_config(self):
        return {**super().get_config(), "frames": self.frames}


@keras.saving.register_keras_serializable("keras_vid")
class Balanced(layers.Layer):
    """The temporal and the spatial component, each channel weighed by its clip's balance, added up.

    Args:
        frames: T, the frames of one clip.

    Example:

    >>> temporal, spatial = keras.random.normal((2, 16, 14, 14, 64))
    >>> tuple(Balanced(frames=8)(temporal, spatial, keras.ops.ones((2, 2, 64))).shape)
    (16, 14, 14, 64)
    """

    def __init__(self, frames, **kwargs):
        super().__init__(**kwargs)
        self.frames = frames

    def call(self, temporal, spatial, balance):
        weights = balance[:, :, None, None, None]  # B, 2, 1, 1, 1, C
        temporal, spatial = (unfold(x, self.frames) for x in (temporal, spatial))
        return fold(temporal * weights[:, 0] + spatial * weights[:, 1])

    def compute_output_shape(self, temporal_shape, spatial_shape, balance_shape):
        return tuple(temporal_shape)

    def get_config(self):
        return {**super().get_config(), "frames": self.frames}
