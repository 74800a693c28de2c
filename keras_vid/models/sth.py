"""STH, spatio-temporal hybrid convolutions (https://arxiv.org/abs/2003.08042): 3x3 kernels partly turned into time."""

import keras
from keras import layers

from keras_vid.backbones import image_net
from keras_vid.layers.balance import Balance, Balanced
from keras_vid.layers.head import consensus
from keras_vid.layers.hybrid import DepthwiseHybridConv, HybridConv
from keras_vid.models.tsn import on_frames
from keras_vid.utils.constructor import Size, constructor
from keras_vid.utils.errors import InputError
from keras_vid.weights.load import load_weights


@constructor
def STH(
    classes: int = 400,
    frames: int = 8,
    size: Size = None,
    channels: int = 3,
    weights: str | None = None,
    name: str | None = None,
    *,
    backbone: str = "resnet50",
    proportion: float = 1 / 4,
    merge: bool = False,
    attention: bool = True,
    dilated: bool = False,
    dropout: float = 0.5,
) -> keras.Model:
    """An image network whose 3x3 convolutions see some of their input channels along time instead.

    It has fewer weights than the image network. With `attention`, the layers called `.._balance` hold how much of each
    channel comes from time and from the image: `keras_vid.features(model, "conv2_block1_2_conv_balance")`.

    Args:
        classes: Number of labels; 0 ends the network in its mean features.
        frames, size, channels: Of a clip; without a size any will do. Channels: 3 for RGB, 2 for flow, 10 for stacked.
        weights: As in `keras_vid.create`.
        name: Of the model.
        backbone: `"resnet50"`, `"resnet101"`, `"mobilenet_v2"` (depthwise kernels, no attention) or `"vgg16"`.
        proportion: p, the share of channels seen along time: 0 (none), 1/8, 1/4, 1/2.
        merge: Every kernel of a layer sees the same channels along time.
        attention: Weigh time against the image for each clip (Eq. 3), instead of adding them up.
        dilated: Let kernels reach 1, 2, 3, 1, .. pixels and frames from layer to layer.
        dropout: Before the classifier.

    >>> STH(classes=174, attention=False).count_params() < 22_100_000
    True
    """
    net = image_net(backbone, size, channels)
    convolutions = [layer for layer in net.layers if _is_hybrid(layer)] if proportion else []
    options = {"frames": frames, "proportion": proportion}
    replace = {
        conv.name: _replacement(conv, options, merge, attention, 1 + i % 3 if dilated else 1)
        for i, conv in enumerate(convolutions)
    }
    video = on_frames(net, frames, replace=replace)
    for conv in convolutions:
        video.get_layer(hybrid_name(conv)).adopt(*conv.get_weights())
    logits = consensus(video.output, frames, classes, dropout)
    network = f"sth_{backbone}"
    return load_weights(keras.Model(video.input, logits, name=name or network), weights, network)


def hybrid_name(conv: layers.Layer) -> str:
    """The name of the hybrid convolution that stands for another one."""
    return f"{conv.name}_hybrid"


def _is_hybrid(layer):
    """3x3 convolutions over feature maps; the first of a network sees colours, which no group could share."""
    if getattr(layer, "groups", 1) > 1:
        raise InputError(f"layer {layer.name!r} is a grouped convolution, which cannot be turned into a hybrid one")
    if not isinstance(layer, (layers.Conv2D, layers.DepthwiseConv2D)) or tuple(layer.kernel_size) != (3, 3):
        return False
    return layer.input.shape[-1] % 8 == 0


def _replacement(conv, options, merge, attention, dilation):
    """A function that puts the hybrid convolution, and what the old layer did after it, into the graph."""
    name = hybrid_name(conv)
    options = {
        **options,
        "strides": conv.strides[0],
        "padding": conv.padding,
        "dilation_rate": dilation,
        "name": name,
    }

    def depthwise(x):
        if attention:
            raise InputError(
                f"attention weighs two components of a channel, and {conv.name!r}, a depthwise convolution, has one: "
                "pass attention=False"
            )
        return DepthwiseHybridConv(**options)(x)

    def hybrid(x):
        layer = HybridConv(conv.filters, merge=merge, use_bias=conv.use_bias, separate=attention, **options)
        x = layer(x)
        if attention:
            balance = Balance(options["frames"], name=f"{conv.name}_balance")(*x)
            x = Balanced(options["frames"], name=f"{conv.name}_balanced")(*x, balance)
        if conv.activation is keras.activations.linear:
            return x
        return layers.Activation(conv.activation, name=conv.name)(x)

    return depthwise if isinstance(conv, layers.DepthwiseConv2D) else hybrid
