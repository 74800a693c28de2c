"""(2+1)D on image networks: a temporal convolution after, or beside, every 3x3 convolution.

The two baselines of the STH paper (https://arxiv.org/abs/2003.08042, Table 7).
"""

from keras import layers

from keras_vid.backbones import image_net
from keras_vid.layers.separable import TemporalIdentity
from keras_vid.layers.temporal_conv import TemporalConv
from keras_vid.models.stm import block_names
from keras_vid.models.tsn import on_frames


def R2Plus1DSequential(classes=400, backbone="resnet50", frames=8, size=None, channels=3, weights=None, *, dropout=0.5):
    """Every 3x3 convolution of a residual network is followed by one over time, which starts as an identity.

    Args:
        classes: Number of labels; 0 ends the network in its mean features.
        backbone: `"resnet50"` or `"resnet101"`.
        frames, size, channels: Of a clip; without a size any will do. Channels: 3 for RGB, 2 for flow, 10 for stacked.
        weights: As in `keras_vid.create`.

    >>> R2Plus1DSequential(classes=10).output_shape
    (None, 10)
    """
    net = image_net(backbone, size, channels)
    after = {
        f"{block}_2_conv": _temporal(net, block, frames, kernel_initializer=TemporalIdentity())
        for block in block_names(net)
    }
    name = f"r2plus1d_sequential_{backbone}"
    return on_frames(name, net, backbone, (frames, channels), (classes, dropout, weights), {"after": after})


def R2Plus1DParallel(classes=400, backbone="resnet50", frames=8, size=None, channels=3, weights=None, *, dropout=0.5):
    """Beside every 3x3 convolution of a residual network runs one over time, which starts at zero, and both are added.

    Arguments as in `R2Plus1DSequential`.

    >>> R2Plus1DParallel(classes=10).output_shape
    (None, 10)
    """
    net = image_net(backbone, size, channels)
    names = {layer.name for layer in net.layers}
    before, after, entered = {}, {}, {}
    for block in block_names(net):
        strided = f"{block}_2_pad" in names
        temporal = _temporal(net, block, frames, kernel_initializer="zeros")
        before[f"{block}_2_pad" if strided else f"{block}_2_conv"] = _enter(entered, block)
        after[f"{block}_2_conv"] = _beside(entered, block, temporal, strided)
    name = f"r2plus1d_parallel_{backbone}"
    edits = {"before": before, "after": after}
    return on_frames(name, net, backbone, (frames, channels), (classes, dropout, weights), edits)


def _temporal(net, block, frames, **options):
    filters = net.get_layer(f"{block}_2_conv").filters
    return TemporalConv(filters, 3, frames=frames, use_bias=False, name=f"{block}_2_temporal", **options)


def _enter(entered, block):
    def enter(x):
        entered[block] = x
        return x

    return enter


def _beside(entered, block, temporal, strided):
    """Add what the temporal convolution makes of the input that the 3x3 convolution had."""

    def beside(x):
        start = entered[block]
        if strided:  # the pixels on which the 3x3 kernels are centred
            start = layers.AveragePooling2D(1, 2, name=f"{block}_2_every_second")(start)
        return layers.Add(name=f"{block}_2_sum")([x, temporal(start)])

    return beside
