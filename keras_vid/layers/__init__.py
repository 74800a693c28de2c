"""Layers and blocks that see time. Importing this registers every layer that a saved network may name."""

from keras_vid.layers.balance import Balance, Balanced
from keras_vid.layers.channelwise import MotionDifference, ShiftLike, channel_mixing, channel_motion
from keras_vid.layers.frames import Fold, Unfold, fold, unfold
from keras_vid.layers.gating import FeatureGating
from keras_vid.layers.grouped import GroupedConv2D
from keras_vid.layers.head import WindowedMean, consensus
from keras_vid.layers.hybrid import DepthwiseHybridConv, HybridConv
from keras_vid.layers.inception import inception_block
from keras_vid.layers.separable import TemporalIdentity, conv_unit, temporal_unit
from keras_vid.layers.super_image import SuperImage, widen_stem
from keras_vid.layers.temporal import ChannelTemporalConv, TemporalConv, TemporalPool, TemporalShift
from keras_vid.layers.temporal_xception import temporal_modelling, temporal_xception

__all__ = [
    "Balance",
    "Balanced",
    "ChannelTemporalConv",
    "DepthwiseHybridConv",
    "FeatureGating",
    "Fold",
    "GroupedConv2D",
    "HybridConv",
    "MotionDifference",
    "ShiftLike",
    "SuperImage",
    "TemporalConv",
    "TemporalIdentity",
    "TemporalPool",
    "TemporalShift",
    "Unfold",
    "WindowedMean",
    "channel_mixing",
    "channel_motion",
    "consensus",
    "conv_unit",
    "fold",
    "inception_block",
    "temporal_modelling",
    "temporal_unit",
    "temporal_xception",
    "unfold",
    "widen_stem",
]
