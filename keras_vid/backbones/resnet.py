"""Residual networks of images as the video papers count them: stride on the 3x3 convolution, no convolution biases.

Layers are named as in `keras.applications` (`conv3_block2_1_conv`, `_1_bn`, `_1_relu`, ..); the stages end in layers
called `conv2` .. `conv5`. The networks return the mean of their last map; the head is the video network's.
"""

import keras
from keras import layers

from keras_vid.layers.grouped import GroupedConv2D

STAGES = {
    "resnet14": (1, 1, 1, 1),  # ours: half as wide, to try things on a CPU
    "resnet50": (3, 4, 6, 3),
    "resnet101": (3, 4, 23, 3),
    "se_resnext101": (3, 4, 23, 3),
    "se_resnext101_32x6d": (3, 4, 23, 3),
}
RESNEXT = {"se_resnext101": 2, "se_resnext101_32x6d": 3}  # inner channels as multiples of a ResNet's, in 32 groups


def resnet(name: str, size=None, channels: int = 3) -> keras.Model:
    """An image network: `"resnet50"`, `"resnet101"` (v1.5), `"se_resnext101"` (32x4d), its wider form
    `"se_resnext101_32x6d"` (whose counts are nearest to those in the StNet paper), or our small `"resnet14"`.

    Args:
        size: Side of the images, or (height, width), or None for any.
        channels: 3 for RGB, 2 for flow, 3 N for super-images.

    >>> resnet("resnet50").output_shape
    (None, 2048)
    """
    height, width = size if isinstance(size, (tuple, list)) else (size, size)
    image = keras.Input((height, width, channels), name="image")
    return keras.Model(image, _mean_of_last_map(image, name), name=name)


def _mean_of_last_map(image, name):
    x = layers.ZeroPadding2D(3, name="conv1_pad")(image)
    width = 32 if name == "resnet14" else 64
    x = conv_bn(x, width, 7, 2, "conv1")
    x = layers.ReLU(name="conv1_relu")(x)
    x = layers.ZeroPadding2D(1, name="pool1_pad")(x)  # after a ReLU, where zero never wins
    x = layers.MaxPooling2D(3, 2, name="pool1_pool")(x)
    for stage, blocks in enumerate(STAGES[name], 2):
        for block in range(1, blocks + 1):
            stride = 2 if block == 1 and stage > 2 else 1
            x = bottleneck(x, width * 2 ** (stage - 2), stride, f"conv{stage}_block{block}", RESNEXT.get(name, 0))
        x = layers.Identity(name=f"conv{stage}")(x)
    return layers.GlobalAveragePooling2D(name="avg_pool")(x)


def bottleneck(x, width, stride, name, se_resnext=0):
    """1x1, 3x3 with the stride, 1x1, plus the block's input."""
    shortcut = x
    if stride > 1 or x.shape[-1] != 4 * width:
        shortcut = conv_bn(x, 4 * width, 1, stride, f"{name}_0")
    inner = se_resnext * width if se_resnext else width
    x = layers.ReLU(name=f"{name}_1_relu")(conv_bn(x, inner, 1, 1, f"{name}_1"))
    if stride > 1:
        x = layers.ZeroPadding2D(1, name=f"{name}_2_pad")(x)
    x = conv_bn(x, inner, 3, stride, f"{name}_2", groups=32 if se_resnext else 1)
    x = layers.ReLU(name=f"{name}_2_relu")(x)
    x = conv_bn(x, 4 * width, 1, 1, f"{name}_3")
    if se_resnext:
        x = squeeze_excite(x, f"{name}_se")
    x = layers.Add(name=f"{name}_add")([shortcut, x])
    return layers.ReLU(name=f"{name}_out")(x)


def squeeze_excite(x, name, reduction=16):
    """Channels weighed by two dense layers on the image's mean."""
    channels = x.shape[-1]
    gate = layers.GlobalAveragePooling2D(keepdims=True, name=f"{name}_squeeze")(x)
    gate = layers.Dense(channels // reduction, "relu", name=f"{name}_reduce")(gate)
    gate = layers.Dense(channels, "sigmoid", name=f"{name}_expand")(gate)
    return layers.Multiply(name=f"{name}_excite")([x, gate])


def conv_bn(x, filters, kernel, stride, name, groups=1):
    """A convolution without bias, and BatchNorm; strided ones expect their padding."""
    padding = "same" if stride == 1 else "valid"
    options = {"padding": padding, "groups": groups, "use_bias": False, "kernel_initializer": "he_normal"}
    convolution = GroupedConv2D if groups > 1 else layers.Conv2D
    x = convolution(filters, kernel, stride, name=f"{name}_conv", **options)(x)
    return layers.BatchNormalization(epsilon=1e-5, momentum=0.9, name=f"{name}_bn")(x)
