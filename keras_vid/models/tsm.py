"""TSM, the temporal shift module (https://arxiv.org/abs/1811.08383): frames meet by shifting channels, for nothing."""

from keras import layers

from keras_vid.backbones import image_net
from keras_vid.layers.temporal import TemporalShift
from keras_vid.models.stm import block_names
from keras_vid.models.tsn import on_frames


def TSM(classes=400, backbone="resnet50", frames=8, size=None, channels=3, weights=None, *, share=8, dropout=0.5):
    """An image network whose residual branches begin with a shift along time.

    VGG16 has no residual branches: the input of each convolution but the first is shifted, the paper's in-place TSM.

    Args:
        classes: Number of labels; 0 ends the network in its mean features.
        backbone: One of `keras_vid.backbones.bridges.BACKBONES`.
        frames, size, channels: Of a clip; without a size any will do. Channels: 3 for RGB, 2 for flow, 10 for stacked.
        weights: As in `keras_vid.create`.
        share: One part in `share` of the channels moves each way.

    >>> TSM(classes=10, backbone="mobilenet_v2").output_shape
    (None, 10)
    """
    net = image_net(backbone, size, channels)
    before = {}
    for starts in branch_starts(net):
        shift = _once(TemporalShift(frames, share, name=f"{starts[0]}_shift"))
        before |= {name: shift for name in starts}
    edits = {"before": before}
    return on_frames(f"tsm_{backbone}", net, backbone, (frames, channels), (classes, dropout, weights), edits)


def branch_starts(net):
    """The first convolutions of each residual branch; of very deep networks, of every second one, as the authors do.

    >>> branch_starts(image_net("mobilenet_v2"))[:3]
    [['block_2_expand'], ['block_4_expand'], ['block_5_expand']]
    """
    if net.name.startswith("vgg"):
        return [[layer.name] for layer in net.layers if isinstance(layer, layers.Conv2D)][1:]
    names = {layer.name for layer in net.layers}
    if net.name.startswith("mobilenet"):
        expansions = [name for name in names if name.endswith("_expand") and name.replace("_expand", "_add") in names]
        return [[name] for name in sorted(expansions, key=lambda name: int(name.split("_")[1]))]
    if net.name.startswith("inception_resnet"):
        ends = [layer for layer in net.layers if type(layer).__name__ == "CustomScaleLayer"]  # input plus branches
        return [_seeing(net, end.input[0]) for end in ends][::2]
    blocks = block_names(net)
    deep = sum(block.startswith("conv4") for block in blocks) >= 23
    return [[f"{block}_1_conv"] for block in blocks if not deep or int(block.rsplit("block", 1)[1]) % 2]


def _seeing(net, tensor):
    """The convolutions that see a tensor of a network."""
    return [layer.name for layer in net.layers if isinstance(layer, layers.Conv2D) and layer.input is tensor]


def _once(layer):
    """A function that calls a layer on each tensor once, however many branches ask for it."""
    answers = {}

    def call(x):
        if id(x) not in answers:
            answers[id(x)] = layer(x)
        return answers[id(x)]

    return call
