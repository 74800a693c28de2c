"""The image networks that video networks are made of, and how each wants its pixels."""

import collections
import re
import warnings

import keras
from keras import applications, layers

from keras_vid.backbones.resnet import resnet
from keras_vid.utils.errors import InputError
from keras_vid.utils.late import drawn_fast

# Mean and deviation of red, green and blue, 0..255
TORCH = ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375))
CENTRED = ((127.5, 127.5, 127.5), (127.5, 127.5, 127.5))
CAFFE = ((123.68, 116.779, 103.939), (1.0, 1.0, 1.0))

# name: (the constructor here or in keras.applications, the pixels it wants)
BACKBONES = {
    "resnet14": (resnet, TORCH),
    "resnet50": (resnet, TORCH),
    "resnet101": (resnet, TORCH),
    "se_resnext101": (resnet, TORCH),
    "se_resnext101_32x6d": (resnet, TORCH),
    "inception_resnet_v2": (applications.InceptionResNetV2, CENTRED),
    "mobilenet_v2": (applications.MobileNetV2, CENTRED),
    "vgg16": (applications.VGG16, CAFFE),
}


def image_net(name: str, size=None, channels: int = 3) -> keras.Model:
    """A flat image network, untrained, that returns one vector an image, and is called like the backbone.

    >>> image_net("mobilenet_v2").output_shape
    (None, 1280)
    """
    constructor, _ = _row(name)
    if constructor is resnet:
        with drawn_fast():
            return resnet(name, size, channels)
    height, width = size if isinstance(size, (tuple, list)) else (size, size)
    shape = (height, width, channels)
    with warnings.catch_warnings(), drawn_fast():
        warnings.filterwarnings("ignore", "This model usually expects 1 or 3 input channels")
        net = constructor(weights=None, include_top=False, input_shape=shape, pooling="avg", name=name)
    return numbered_anew(net)


def pixels(name: str, channels: int = 3) -> layers.Layer:
    """The layer that turns 0..255 into what a backbone was trained on.

    Flow is stored around 127.5 and gets the mean of the colours' scales, as in the authors' TSN and TSM.
    """
    mean, deviation = _row(name)[1]
    if channels != 3:
        mean, deviation = (127.5,) * channels, (sum(deviation) / 3,) * channels
    scale, offset = [1 / d for d in deviation], [-m / d for m, d in zip(mean, deviation)]
    return layers.Rescaling(scale, offset, name="rescaling")


def numbered_anew(net: keras.Model) -> keras.Model:
    """Layers that Keras named by counting (`conv2d_203`) are counted from the network's first, so that it has the same
    names however many networks were built before it."""
    counted = collections.defaultdict(list)
    for layer in net.layers:
        kind, number = re.findall(r"^(.*?)(?:_(\d+))?$", layer.name)[0]
        if kind.replace("_", "") == type(layer).__name__.lower():
            counted[kind].append((int(number or 0), layer))
    for kind, rows in counted.items():
        for rank, (_, layer) in enumerate(sorted(rows, key=lambda row: row[0])):
            layer.name = f"{kind}_{rank}" if rank else kind
    return net


def _row(name):
    if name not in BACKBONES:
        raise InputError(f"no backbone is called {name!r}; there are: {', '.join(BACKBONES)}")
    return BACKBONES[name]
