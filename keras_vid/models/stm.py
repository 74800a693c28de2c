"""STM, SpatioTemporal and Motion encoding (https://arxiv.org/abs/1908.02486): residual blocks that see change."""

import re
from collections.abc import Callable, Collection

import keras
from keras import layers

from keras_vid.backbones import image_net
from keras_vid.layers.channelwise import channel_mixing, channel_motion
from keras_vid.layers.head import consensus
from keras_vid.models.tsn import on_frames
from keras_vid.utils.constructor import Size, constructor
from keras_vid.utils.errors import InputError
from keras_vid.weights.load import load_weights


@constructor
def STM(
    classes: int = 400,
    frames: int = 8,
    size: Size = None,
    channels: int = 3,
    weights: str | None = None,
    name: str | None = None,
    *,
    backbone: str = "resnet50",
    modules: Collection[str] = ("cstm", "cmm"),
    fusion: str = "sum",
    stages: Collection[int] = (2, 3, 4, 5),
    blocks: int | None = None,
    ordinary: bool = False,
    dropout: float = 0.5,
) -> keras.Model:
    """A residual network in whose blocks a motion branch runs beside a 3x3 convolution that mixes frames.

    Args:
        classes: Number of labels; 0 ends the network in its mean features.
        frames, size, channels: Of a clip; without a size any will do. Channels: 3 for RGB, 2 for flow, 10 for stacked.
        weights: As in `keras_vid.create`.
        name: Of the model.
        backbone: `"resnet50"` or `"resnet101"`.
        modules: Both, or one, of the channel-wise spatio-temporal and the motion module. The 3x3 convolution stays.
        fusion: `"sum"`, or `"concat"`: side by side, then a 1x1 convolution to the old width.
        stages, blocks: Which stages get STM blocks, and how many of each stage's first blocks do (None: all).
        ordinary: CSTM with an ordinary temporal convolution instead of a channel-wise one.
        dropout: Before the classifier.

    >>> STM(classes=174).output_shape
    (None, 174)
    """
    if not modules or not set(modules) <= {"cstm", "cmm"}:
        raise InputError(f"modules {modules!r}: give 'cstm', 'cmm' or both")
    if fusion not in ("sum", "concat"):
        raise InputError(f"fusion {fusion!r} is neither 'sum' nor 'concat'")
    net = image_net(backbone, size, channels)
    before: dict[str, Callable] = {}
    after: dict[str, Callable] = {}
    entered: dict[str, keras.KerasTensor] = {}
    for block in block_names(net, stages, blocks):
        pad = f"{block}_2_pad"
        stride = 2 if any(layer.name == pad for layer in net.layers) else 1
        before[pad if stride == 2 else f"{block}_2_conv"] = _enter(entered, block, frames, modules, ordinary)
        if "cmm" in modules:
            after[f"{block}_2_relu"] = _join(entered, block, frames, stride, fusion)
    video = on_frames(net, frames, before=before, after=after)
    logits = consensus(video.output, frames, classes, dropout)
    network = f"stm_{backbone}"
    return load_weights(keras.Model(video.input, logits, name=name or network), weights, network)


def block_names(net: keras.Model, stages: Collection[int] = (2, 3, 4, 5), blocks: int | None = None) -> list[str]:
    """`["conv2_block1", ..]`: the residual blocks of the named stages, or the first few of each.

    >>> block_names(image_net("resnet50"), stages=(4,), blocks=2)
    ['conv4_block1', 'conv4_block2']
    """
    matches = [re.fullmatch(r"(conv(\d)_block(\d+))_2_conv", layer.name) for layer in net.layers]
    rows = [(m[1], int(m[2]), int(m[3])) for m in matches if m]
    if not rows:
        raise InputError(f"{net.name!r} has no residual blocks of three convolutions: take resnet50 or resnet101")
    there = sorted({stage for _, stage, _ in rows})
    if not set(stages) <= set(there):
        raise InputError(f"stages {stages!r}: {net.name} has the stages {', '.join(map(str, there))}")
    if blocks is not None and (not isinstance(blocks, int) or blocks < 1):
        raise InputError(f"blocks={blocks!r}: how many of each stage's first blocks, at least 1")
    return [name for name, stage, block in rows if stage in stages and block <= (blocks or block)]


def _enter(entered, block, frames, modules, ordinary):
    """Where the 3x3 convolution begins: note what comes in for the motion branch, and mix the frames."""

    def enter(x):
        entered[block] = x
        return channel_mixing(x, frames, f"{block}_mixing", ordinary) if "cstm" in modules else x

    return enter


def _join(entered, block, frames, stride, fusion):
    """Where the 3x3 convolution, its BatchNorm and its ReLU have ended: add the motion."""

    def join(x):
        motion = channel_motion(entered[block], frames, f"{block}_motion", stride=stride)
        if fusion == "sum":
            return layers.Add(name=f"{block}_sum")([x, motion])
        both = layers.Concatenate(name=f"{block}_concat")([x, motion])
        return layers.Conv2D(x.shape[-1], 1, use_bias=False, name=f"{block}_fusion")(both)

    return join
