"""StNet's two ways to see across super-images (https://arxiv.org/abs/1811.01549).

Functions that put stock layers into the graph. Legend: `B` clips, `T` super-images of a clip, `H W` height and width,
`C` channels.
"""

import keras
from keras import layers

from keras_vid.layers.temporal import TemporalConv
from keras_vid.utils.errors import InputError

TXB_PARTS = ("batch_norm", "channel_conv", "temporal_conv", "short_branch", "long_branch")


def temporal_modelling(x, frames, name, form="code"):
    """A temporal modelling block: a `[3, 1, 1]` convolution from all channels to all channels of a folded map.

    Args:
        frames: T.
        name: The last layer's name, and the others' prefix.
        form: `"code"`, the authors' program (convolution, ReLU, BatchNorm, plus the block's input), which reproduces
            their counts, or `"paper"` (convolution, BatchNorm, ReLU, weights of 1 / 3C at first).

    >>> tuple(temporal_modelling(keras.random.normal((14, 8, 8, 32)), frames=7, name="tm").shape)
    (14, 8, 8, 32)
    """
    if form not in ("code", "paper"):
        raise InputError(f"form {form!r} is none of 'code', 'paper'")
    channels = x.shape[-1]
    initial = "he_normal" if form == "code" else keras.initializers.Constant(1 / (3 * channels))
    y = TemporalConv(channels, 3, frames=frames, kernel_initializer=initial, name=f"{name}_conv")(x)
    if form == "paper":
        y = layers.BatchNormalization(epsilon=1e-5, momentum=0.9, name=f"{name}_bn")(y)
        return layers.ReLU(name=name)(y)
    y = layers.ReLU(name=f"{name}_relu")(y)
    y = layers.BatchNormalization(epsilon=1e-5, momentum=0.9, name=f"{name}_bn")(y)
    return layers.Add(name=name)([x, y])


def temporal_xception(x, name, filters=1024, without=None):
    """The temporal Xception block on a sequence of features: `(B, T, C)` to `(B, T, filters)`.

    A long branch of two channel-wise convolutions along time, each followed by a dense layer, which sees five steps,
    plus a short branch, one dense layer, which sees one.

    Args:
        name: The last layer's name, and the others' prefix.
        filters: Channels that come out.
        without: A part left out, for Table 1's ablations: one of `TXB_PARTS`. Without its dense layers
            (`"temporal_conv"` in the paper's words) the block keeps C channels.

    >>> tuple(temporal_xception(keras.random.normal((2, 25, 1536)), name="txb").shape)
    (2, 25, 1024)
    """
    if without not in (None, *TXB_PARTS):
        raise InputError(f"the block has no part {without!r}; its parts: {', '.join(TXB_PARTS)}")
    if without != "batch_norm":
        x = _batch_norm(x, f"{name}_norm")
    branches = []
    if without != "long_branch":
        long = _separable(x, filters, without, f"{name}_long1")
        long = layers.ReLU(name=f"{name}_long1_relu")(_batch_norm(long, f"{name}_long1_bn"))
        branches.append(_separable(long, filters, without, f"{name}_long2"))
    if without != "short_branch":
        branches.append(x if without == "temporal_conv" else _dense(x, filters, f"{name}_short"))
    x = branches[0] if len(branches) == 1 else layers.Add(name=f"{name}_add")(branches)
    return layers.ReLU(name=name)(_batch_norm(x, f"{name}_bn"))


def _separable(x, filters, without, name):
    """Along time, channel by channel; then across channels, step by step."""
    if without != "channel_conv":
        x = layers.DepthwiseConv1D(3, padding="same", depthwise_initializer="he_normal", name=f"{name}_depthwise")(x)
    return x if without == "temporal_conv" else _dense(x, filters, f"{name}_pointwise")


def _dense(x, filters, name):
    return layers.Dense(filters, kernel_initializer="he_normal", name=name)(x)


def _batch_norm(x, name):
    return layers.BatchNormalization(epsilon=1e-5, momentum=0.9, name=name)(x)
