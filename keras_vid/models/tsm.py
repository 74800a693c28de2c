"""TSM, the temporal shift module (https://arxiv.org/abs/1811.08383): frames meet by shifting channels, for nothing."""

from collections.abc import Callable

import keras
from keras import layers

from keras_vid.backbones import image_net
from keras_vid.layers.head import consensus
from keras_vid.layers.temporal import TemporalShift
from keras_vid.models.stm import block_names
from keras_vid.models.tsn import on_frames
from keras_vid.utils.constructor import Size, constructor
from keras_vid.weights.load import load_weights


@constructor
def TSM(
    classes: int = 400,
    frames: int = 8,
    size: Size = None,
    channels: int = 3,
    weights: str | None = None,
    name: str | None = None,
    *,
    backbone: str = "resnet50",
    share: int = 8,
    dropout: float = 0.5,
) -> keras.Model:
    """An image network whose residual branches begin with a shift along time.

    VGG16 has no residual branches: the input of each convolution but the first is shifted, the paper's in-place TSM.

    Args:
        classes: Number of labels; 0 ends the network in its mean features.
        frames, size, channels: Of a clip; without a size any will do. Channels: 3 for RGB, 2 for flow, 10 for stacked.
        weights: As in `keras_vid.create`.
        name: Of the model.
        backbone: One of `keras_vid.backbones.BACKBONES`.
        share: One part in `share` of the channels moves each way.
        dropout: Before the classifier.

    >>> TSM(classes=10, backbone="mobilenet_v2").output_shape
    (None, 10)
    """
    net = image_net(backbone, size, channels)
    before: dict[str, Callable] = {}
    for starts in branch_starts(net):
        shift = _once(TemporalShift(frames, share, name=f"{starts[0]}_shift"))
        before |= {start: shift for start in starts}
    video = on_frames(net, frames, before=before)
    logits = consensus(video.output, frames, classes, dropout)
    network = f"tsm_{backbone}"
    return load_weights(keras.Model(video.input, logits, name=name or network), weights, network)


def branch_starts(net: keras.Model) -> list[list[str]]:
    """The first convolutions of each residual branch; of very deep networks, of every second one, as the authors do.

    >>> branch_starts(image_net("mobilenet_v2"))[:3]
    [['block_2_expand'], ['block_4_expand'], ['block_5_expand']]
    """
    return BRANCHES.get(net.name, _bottlenecks)(net)


def _bottlenecks(net):
    blocks = block_names(net)
    deep = len(block_names(net, stages=(4,))) >= 23
    return [[f"{block}_1_conv"] for block in blocks if not deep or int(block.rsplit("block", 1)[1]) % 2]


def _all_convolutions_but_the_first(net):
    return [[layer.name] for layer in net.layers if isinstance(layer, layers.Conv2D)][1:]


def _inverted_residuals(net):
    names = {layer.name for layer in net.layers}
    numbers = sorted(int(name.split("_")[1]) for name in names if name.startswith("block_") and name.endswith("_add"))
    return [[f"block_{number}_expand"] for number in numbers]


def _every_second_inception_block(net):
    ends = [layer for layer in net.layers if isinstance(layer.input, list) and hasattr(layer, "scale")]  # sums
    return [_seeing(net, end.input[0]) for end in ends][::2]


# Where the branches of a backbone begin; residual networks of bottlenecks need no row.
BRANCHES = {
    "vgg16": _all_convolutions_but_the_first,
    "mobilenet_v2": _inverted_residuals,
    "inception_resnet_v2": _every_second_inception_block,
}


def _seeing(net, tensor):
    """The convolutions that see a tensor of a network."""
    return [layer.name for layer in net.layers if isinstance(layer, layers.Conv2D) and layer.input is tensor]


def _once(layer):
    """A function that calls a layer on each tensor once, however many branches ask for it."""
    outputs = {}

    def call(x):
        if id(x) not in outputs:
            outputs[id(x)] = layer(x)
        return outputs[id(x)]

    return call
