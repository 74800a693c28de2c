"""The Inception family of the S3D paper (https://arxiv.org/abs/1712.04851): I2D, I3D, S3D, S3D-G and all between.

One skeleton, GoogLeNet's, in which every 3x3 convolution is 2D, 3D or separable. The networks differ in where which
kind stands; all leave the number of frames, the height and the width open, so that a network that was trained on 64
frames can look at a whole video. `keras_vid.models.inception_family` holds their constructors.
"""

from typing import Any

import keras
from keras import layers

from keras_vid.layers.gating import FeatureGating
from keras_vid.layers.head import WindowedMean
from keras_vid.layers.inception import inception_block
from keras_vid.layers.separable import conv_unit
from keras_vid.models.inception_styles import Style
from keras_vid.utils.constructor import Size

# The network from the pixels up: a row is a convolution (channels), a max pool (kernel, stride), or a block (widths).
LAYOUT: dict[str, Any] = {
    "Conv2d_1a_7x7": 64,
    "MaxPool_2a_3x3": ((1, 3, 3), (1, 2, 2)),
    "Conv2d_2b_1x1": 64,
    "Conv2d_2c_3x3": 192,
    "MaxPool_3a_3x3": ((1, 3, 3), (1, 2, 2)),
    "Mixed_3b": (64, (96, 128), (16, 32), 32),
    "Mixed_3c": (128, (128, 192), (32, 96), 64),
    "MaxPool_4a_3x3": ((3, 3, 3), (2, 2, 2)),
    "Mixed_4b": (192, (96, 208), (16, 48), 64),
    "Mixed_4c": (160, (112, 224), (24, 64), 64),
    "Mixed_4d": (128, (128, 256), (24, 64), 64),
    "Mixed_4e": (112, (144, 288), (32, 64), 64),
    "Mixed_4f": (256, (160, 320), (32, 128), 128),
    "MaxPool_5a_2x2": ((2, 2, 2), (2, 2, 2)),
    "Mixed_5b": (256, (160, 320), (32, 128), 128),
    "Mixed_5c": (384, (192, 384), (48, 128), 128),
}
ENDPOINTS = tuple(LAYOUT)


def clip_input(frames: int | None, size: Size, channels: int) -> keras.KerasTensor:
    """The input of a network of clips; `None` leaves an axis open, and `size` may be (height, width)."""
    height, width = size if isinstance(size, (tuple, list)) else (size, size)
    return keras.Input((frames, height, width, channels), name="clip")


def inception3d(clip: keras.KerasTensor, kinds: dict[str, str], style: Style, classes: int) -> keras.KerasTensor:
    """The logits of one network of the family.

    Args:
        clip: Made by `clip_input`.
        kinds: `{endpoint: "2d" | "3d" | "separable"}` for every endpoint.
        style: What the implementations do differently.
        classes: Number of labels; 0 ends the network in its mean features.
    """
    x = _rescaling(style, clip.shape[-1])(clip)
    for unit, row in LAYOUT.items():
        kind = kinds[unit]
        if unit.startswith("MaxPool"):
            pool, strides = row
            x = _max_pool(x, pool, strides, style, unit)
            continue
        row = _widened(row, style.width)
        if unit.startswith("Mixed"):
            x = inception_block(x, row, kind, style, unit)
        elif unit == "Conv2d_1a_7x7":
            kind = kind if style.stem == "auto" else style.stem
            x = conv_unit(x, row, (style.stem_kernel, 7), (2, 2), kind, style, unit)
        elif unit == "Conv2d_2b_1x1":
            x = conv_unit(x, row, (1, 1), (1, 1), "2d", style, unit)
        else:
            gate = style.gating not in (None, "temporal", "embedding") and kind != "2d"
            x = conv_unit(x, row, (3, 3), (1, 1), kind, style, unit, gate)
    return _head(x, classes, style)


def _widened(row, width):
    """Channels of a row of the layout, for a network of another width."""
    if isinstance(row, tuple):
        return tuple(_widened(part, width) for part in row)
    return max(round(row * width), 1)


def _rescaling(style, channels):
    mean, std = (style.mean, style.std) if channels == 3 else ((127.5,), (127.5,))  # flow is stored around 127.5
    if len(set(mean)) == len(set(std)) == 1:
        return layers.Rescaling(1 / std[0], -mean[0] / std[0], name="rescaling")
    return layers.Rescaling([1 / s for s in std], [-m / s for m, s in zip(mean, std)], name="rescaling")


def _max_pool(x, kernel, strides, style, name):
    if style.padding == "symmetric":
        if max(kernel) == 3:  # every map here comes out of a ReLU, so that a zero never wins over a pixel
            x = layers.ZeroPadding3D(tuple(k // 2 for k in kernel), name=f"{name}_pad")(x)
        return layers.MaxPooling3D(kernel, strides, "valid", name=name)(x)
    return layers.MaxPooling3D(kernel, strides, "same", name=name)(x)


def _head(x, classes, style):
    if style.head == "global":
        x = _gated(layers.GlobalAveragePooling3D(name="features")(x), style)
        return layers.Dense(classes, dtype="float32", name="logits")(_dropout(x, style)) if classes else x
    x = _gated(WindowedMean(name="head_pool")(x), style)  # B, T-1, 1024
    if not classes:
        return layers.GlobalAveragePooling1D(name="features")(x)
    x = layers.Dense(classes, dtype="float32", name="classifier")(_dropout(x, style))
    return layers.GlobalAveragePooling1D(dtype="float32", name="logits")(x)


def _gated(x, style):
    """The final embedding, weighed by a gate where the style says so."""
    return FeatureGating(style.gate_bias, name="embedding_gate")(x) if style.gating == "embedding" else x


def _dropout(x, style):
    return layers.Dropout(style.dropout, name="dropout")(x)
