"""Layers that stand in an exported network in place of those that it was trained with."""

import keras
from keras import layers, ops

from keras_vid.layers import Balanced


@keras.saving.register_keras_serializable("keras_vid")
class ScaleOffset(layers.Layer):
    """One multiplication and one addition a channel: what is left of a BatchNorm that no convolution could take in.

    Args:
        axis: The channels' axis.
        scaled: Whether there is a scale, or an offset alone.

    Example:

    >>> tuple(ScaleOffset()(ops.ones((5, 2))).shape)
    (5, 2)
    """

    def __init__(self, axis=-1, scaled=True, **kwargs):
        super().__init__(**kwargs)
        self.axis = axis
        self.scaled = scaled

    def build(self, shape):
        axis = self.axis % len(shape)
        self.shape = [shape[axis] if i == axis else 1 for i in range(len(shape))]
        self.scale = self.add_weight(name="scale", shape=(shape[axis],)) if self.scaled else None
        self.offset = self.add_weight(name="offset", shape=(shape[axis],))

    def call(self, x):
        if self.scaled:
            x = x * ops.reshape(self.scale, self.shape)
        return x + ops.reshape(self.offset, self.shape)

    def compute_output_shape(self, shape):
        return shape

    def get_config(self):
        return {**super().get_config(), "axis": self.axis, "scaled": self.scaled}


@keras.saving.register_keras_serializable("keras_vid")
class BalancedAffine(Balanced):
    """STH's weighed sum of time and image with the BatchNorm after it: the scale joins the two weights of a channel.

    >>> temporal, spatial = keras.random.normal((2, 16, 14, 14, 64))
    >>> tuple(BalancedAffine(frames=8)(temporal, spatial, keras.ops.ones((2, 2, 64))).shape)
    (16, 14, 14, 64)
    """

    def build(self, temporal_shape, spatial_shape, balance_shape):
        self.scale = self.add_weight(name="scale", shape=(balance_shape[-1],))
        self.bias = self.add_weight(name="bias", shape=(balance_shape[-1],))

    def call(self, temporal, spatial, balance):
        return super().call(temporal, spatial, balance * self.scale) + self.bias
