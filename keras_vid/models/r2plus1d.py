"""(2+1)D on image networks: a temporal convolution after, or beside, every 3x3 convolution.

On residual networks these are the two baselines of the STH paper (https://arxiv.org/abs/2003.08042, Table 7). Beside a
depthwise convolution stands a channel-wise temporal one.
"""

import keras
from keras import layers

from keras_vid.backbones import image_net
from keras_vid.layers.head import consensus
from keras_vid.layers.separable import TemporalIdentity
from keras_vid.layers.temporal import ChannelTemporalConv, TemporalConv
from keras_vid.models.tsn import on_frames
from keras_vid.utils.constructor import Size, constructor
from keras_vid.weights.load import load_weights


@constructor
def R2Plus1DSequential(
    classes: int = 400,
    frames: int = 8,
    size: Size = None,
    channels: int = 3,
    weights: str | None = None,
    name: str | None = None,
    *,
    backbone: str = "resnet50",
    dropout: float = 0.5,
) -> keras.Model:
    """Every 3x3 convolution of an image network is followed by one over time, which starts as an identity.

    Args:
        classes: Number of labels; 0 ends the network in its mean features.
        frames, size, channels: Of a clip; without a size any will do. Channels: 3 for RGB, 2 for flow, 10 for stacked.
        weights: As in `keras_vid.create`.
        name: Of the model.
        backbone: One of `keras_vid.backbones.BACKBONES`.
        dropout: Before the classifier.

    >>> R2Plus1DSequential(classes=10).output_shape
    (None, 10)
    """
    net = image_net(backbone, size, channels)

    def following(conv):
        return _replaced(conv, lambda y, x: _temporal(conv, frames, TemporalIdentity())(y))

    replace = {conv.name: following(conv) for conv in convolutions(net)}
    video = on_frames(net, frames, replace=replace)
    logits = consensus(video.output, frames, classes, dropout)
    network = f"r2plus1d_sequential_{backbone}"
    return load_weights(keras.Model(video.input, logits, name=name or network), weights, network)


@constructor
def R2Plus1DParallel(
    classes: int = 400,
    frames: int = 8,
    size: Size = None,
    channels: int = 3,
    weights: str | None = None,
    name: str | None = None,
    *,
    backbone: str = "resnet50",
    dropout: float = 0.5,
) -> keras.Model:
    """Beside every 3x3 convolution of an image network runs one over time, which starts at zero, and both are added.

    Arguments as in `R2Plus1DSequential`.

    >>> R2Plus1DParallel(classes=10).output_shape
    (None, 10)
    """
    net = image_net(backbone, size, channels)

    def beside(conv):
        sum_name = f"{_stem(conv)}_sum"
        temporal = _temporal(conv, frames, "zeros")
        return _replaced(conv, lambda y, x: layers.Add(name=sum_name)([y, temporal(_centres(conv, x))]))

    replace = {conv.name: beside(conv) for conv in convolutions(net)}
    video = on_frames(net, frames, replace=replace)
    logits = consensus(video.output, frames, classes, dropout)
    network = f"r2plus1d_parallel_{backbone}"
    return load_weights(keras.Model(video.input, logits, name=name or network), weights, network)


def convolutions(net: keras.Model) -> list[layers.Layer]:
    """The 3x3 convolutions of an image network, except one that sees its pixels.

    >>> len(convolutions(image_net("resnet50"))), len(convolutions(image_net("vgg16")))
    (16, 12)
    """
    convolutions = [layer for layer in net.layers if isinstance(layer, (layers.Conv2D, layers.DepthwiseConv2D))]
    return [layer for layer in convolutions[1:] if tuple(layer.kernel_size) == (3, 3)]


def _stem(conv):
    return conv.name.removesuffix("_conv")


def _temporal(conv, frames, start):
    name = f"{_stem(conv)}_temporal"
    if isinstance(conv, layers.DepthwiseConv2D):
        return ChannelTemporalConv(3, frames=frames, use_bias=False, depthwise_initializer=start, name=name)
    return TemporalConv(conv.filters, 3, frames=frames, use_bias=False, kernel_initializer=start, name=name)


def _replaced(conv, join):
    """The convolution without its activation, joined with what happens in time, and the activation after both."""
    activation, conv.activation = conv.activation, keras.activations.linear

    def build(x):
        y = join(conv(x), x)
        plain = activation is keras.activations.linear
        return y if plain else layers.Activation(activation, name=f"{conv.name}_activation")(y)

    return build


def _centres(conv, x):
    """The pixels on which the 3x3 kernels are centred."""
    if conv.padding == "valid":
        x = layers.Cropping2D(1, name=f"{_stem(conv)}_middle")(x)
    if max(conv.strides) > 1:
        x = layers.AveragePooling2D(1, conv.strides, name=f"{_stem(conv)}_every_second")(x)
    return x
