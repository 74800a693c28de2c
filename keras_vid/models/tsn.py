"""Image networks on frames: TSN, whose frames never meet, and C2D, where they meet in one pool.

`on_frames` is also what TSM and (2+1)D are made with.
"""

import keras

from keras_vid.backbones import image_net, pixels
from keras_vid.layers.frames import Fold
from keras_vid.layers.head import consensus
from keras_vid.layers.temporal import TemporalPool
from keras_vid.surgery.insert import insert
from keras_vid.weights.load import load_weights


def on_frames(name, net, backbone, shape, head, edits=None):
    """A video network of an image network, with layers put into it.

    Args:
        name: The new network's name.
        net: `image_net(backbone, ..)`.
        shape: (frames, channels) of a clip.
        head: (classes, dropout, weights).
        edits: `before=`, `after=` and `replace=` of `keras_vid.surgery.insert`, and `frames=` if another number of
            frames comes out of the network than goes in.
    """
    (frames, channels), (classes, dropout, weights) = shape, head
    edits = dict(edits or {})
    left = edits.pop("frames", frames)
    clip = keras.Input((frames, *net.input_shape[1:]), name="clip")
    images = Fold(name="fold")(pixels(backbone, channels)(clip))
    video = insert(net, frames, clip=clip, images=images, **edits)
    return load_weights(keras.Model(clip, consensus(video.output, left, classes, dropout), name=name), weights)


def TSN(classes=400, backbone="resnet50", frames=8, size=None, channels=3, weights=None, *, dropout=0.5):
    """Temporal segment networks (https://arxiv.org/abs/1608.00859): frames are classified one by one and averaged.

    Args:
        classes: Number of labels; 0 ends the network in its mean features.
        backbone: One of `keras_vid.backbones.bridges.BACKBONES`.
        frames, size, channels: Of a clip; without a size any will do. Channels: 3 for RGB, 2 for flow, 10 for stacked.
        weights: As in `keras_vid.create`.

    >>> TSN(classes=10, backbone="mobilenet_v2").output_shape
    (None, 10)
    """
    net = image_net(backbone, size, channels)
    return on_frames(f"tsn_{backbone}", net, backbone, (frames, channels), (classes, dropout, weights))


def C2D(classes=400, backbone="resnet50", frames=8, size=None, channels=3, weights=None, *, dropout=0.5):
    """A residual network on frames with one temporal max pool after its second stage, which halves the frames.

    The 2D baseline of the non-local networks paper (https://arxiv.org/abs/1711.07971). Arguments as in `TSN`.

    >>> C2D(classes=10).output_shape
    (None, 10)
    """
    net = image_net(backbone, size, channels)
    edits = {"after": {"conv2": TemporalPool(frames, name="temporal_pool")}, "frames": -(-frames // 2)}
    return on_frames(f"c2d_{backbone}", net, backbone, (frames, channels), (classes, dropout, weights), edits)
