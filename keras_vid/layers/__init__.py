"""Layers and blocks that see time."""

from keras_vid.layers.gating import FeatureGating
from keras_vid.layers.head import WindowedMean
from keras_vid.layers.inception import inception_block
from keras_vid.layers.separable import TemporalIdentity, conv_unit, temporal_unit

__all__ = [
    "FeatureGating",
    "TemporalIdentity",
    "WindowedMean",
    "conv_unit",
    "inception_block",
    "temporal_unit",
]
