"""Image networks on frames: TSN, whose frames never meet, and C2D, where they meet in one pool.

`on_frames` is also what TSM and (2+1)D are made with.
"""

import keras
from keras import layers

from keras_vid.backbones import image_net, pixels
from keras_vid.layers.frames import Fold
from keras_vid.layers.head import consensus
from keras_vid.layers.temporal import TemporalPool
from keras_vid.surgery.insert import insert
from keras_vid.utils.constructor import Size, constructor
from keras_vid.utils.errors import InputError
from keras_vid.weights.load import load_weights


def on_frames(net: keras.Model, frames: int, **edits) -> keras.Model:
    """A network from clips to one vector a frame, `(B*T, C)`, made of an image network, which is used up.

    Args:
        net: Made by `image_net`; the pixels are scaled as it wants them.
        frames: T, the frames of one clip.
        **edits: `before=`, `after=` and `replace=` of `keras_vid.surgery.insert`.

    >>> on_frames(image_net("resnet14"), frames=4).output_shape
    (None, 1024)
    """
    scale = pixels(net.name, net.input_shape[-1])
    fold = Fold(name="fold")
    return insert(net, frames, **edits, images=lambda clip: fold(scale(clip)), keep=False)


@constructor
def TSN(
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
    """Temporal segment networks (https://arxiv.org/abs/1608.00859): frames are classified one by one and averaged.

    Args:
        classes: Number of labels; 0 ends the network in its mean features.
        frames, size, channels: Of a clip; without a size any will do. Channels: 3 for RGB, 2 for flow, 10 for stacked.
        weights: As in `keras_vid.create`.
        name: Of the model.
        backbone: One of `keras_vid.backbones.BACKBONES`.
        dropout: Before the classifier.

    >>> TSN(classes=10, backbone="mobilenet_v2").output_shape
    (None, 10)
    """
    video = on_frames(image_net(backbone, size, channels), frames)
    logits = consensus(video.output, frames, classes, dropout)
    network = f"tsn_{backbone}"
    return load_weights(keras.Model(video.input, logits, name=name or network), weights, network)


@constructor
def C2D(
    classes: int = 400,
    frames: int = 8,
    size: Size = None,
    channels: int = 3,
    weights: str | None = None,
    name: str | None = None,
    *,
    backbone: str = "resnet50",
    form: str = "paper",
    dropout: float = 0.5,
) -> keras.Model:
    """A residual network on frames with one temporal max pool after its second stage, which halves the frames.

    The 2D baseline of the non-local networks paper (https://arxiv.org/abs/1711.07971). Arguments as in `TSN`, and:

    Args:
        form: `"paper"`, whose pool sees three frames; or `"code"`, the authors' program, which OpenMMLab trained: the
            pool sees two frames, and the first pool in space does not pad.

    >>> C2D(classes=10).output_shape
    (None, 10)
    """
    if form not in ("paper", "code"):
        raise InputError(f"form {form!r} is neither 'paper' nor 'code'")
    pool = TemporalPool(frames, size=3 if form == "paper" else 2, name="temporal_pool")
    unpadded = {} if form == "paper" else {"pool1_pad": layers.Identity(name="pool1_pad")}
    video = on_frames(image_net(backbone, size, channels), frames, after={"conv2": pool}, replace=unpadded)
    logits = consensus(video.output, -(-frames // 2), classes, dropout)
    network = f"c2d_{backbone}"
    return load_weights(keras.Model(video.input, logits, name=name or network), weights, network)
