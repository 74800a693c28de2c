"""TSM, the temporal shift module (https://arxiv.org/abs/1811.08383): frames meet by shifting channels, for nothing."""

from keras_vid.backbones import image_net
from keras_vid.layers.temporal import TemporalShift
from keras_vid.models.stm import block_names
from keras_vid.models.tsn import on_frames


def TSM(classes=400, backbone="resnet50", frames=8, size=None, channels=3, weights=None, *, share=8, dropout=0.5):
    """An image network whose residual branches begin with a shift along time.

    Args:
        classes: Number of labels; 0 ends the network in its mean features.
        backbone: `"resnet50"`, `"resnet101"`, `"se_resnext101"` or `"mobilenet_v2"`.
        frames, size, channels: Of a clip; without a size any will do. Channels: 3 for RGB, 2 for flow, 10 for stacked.
        weights: As in `keras_vid.create`.
        share: One part in `share` of the channels moves each way.

    >>> TSM(classes=10, backbone="mobilenet_v2").output_shape
    (None, 10)
    """
    net = image_net(backbone, size, channels)
    before = {name: TemporalShift(frames, share, name=f"{name}_shift") for name in branch_starts(net)}
    edits = {"before": before}
    return on_frames(f"tsm_{backbone}", net, backbone, (frames, channels), (classes, dropout, weights), edits)


def branch_starts(net):
    """The first convolutions of a network's residual branches; of very deep ones, every second, as the authors do.

    >>> branch_starts(image_net("mobilenet_v2"))[:3]
    ['block_2_expand', 'block_4_expand', 'block_5_expand']
    """
    names = {layer.name for layer in net.layers}
    inverted = [name.replace("_add", "_expand") for name in (layer.name for layer in net.layers)]
    inverted = [name for name in inverted if name.startswith("block_") and name.endswith("_expand")]
    inverted = [name for name in dict.fromkeys(inverted) if name.replace("_expand", "_add") in names]
    if inverted:
        return inverted
    blocks = block_names(net)
    deep = sum(block.startswith("conv4") for block in blocks) >= 23
    return [f"{block}_1_conv" for block in blocks if not deep or int(block.rsplit("block", 1)[1]) % 2]
