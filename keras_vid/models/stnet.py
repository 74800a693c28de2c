"""StNet (https://arxiv.org/abs/1811.01549): super-images, temporal modelling blocks, and a temporal Xception block."""

import keras
from keras import initializers, layers

from keras_vid.backbones import image_net, pixels
from keras_vid.layers.frames import Unfold
from keras_vid.layers.head import consensus
from keras_vid.layers.super_image import SuperImage, widen_stem
from keras_vid.layers.temporal_xception import temporal_modelling, temporal_xception
from keras_vid.surgery.insert import insert
from keras_vid.utils.constructor import Size, constructor
from keras_vid.utils.errors import InputError
from keras_vid.weights.load import OWN, load_weights

# Where the temporal modelling blocks come in: (after these layers, before these).
PLACES = {
    "resnet14": (("conv3", "conv4"), ()),
    "resnet50": (("conv3", "conv4"), ()),
    "resnet101": (("conv3", "conv4"), ()),
    "se_resnext101": (("conv3", "conv4"), ()),
    "se_resnext101_32x6d": (("conv3", "conv4"), ()),
    "mobilenet_v2": (("block_5_add", "block_12_add"), ()),
    # one block on 2080 channels: the only placement found that gives the paper's parameters and multiply-adds
    "inception_resnet_v2": ((), ("conv_7b",)),
}


@constructor
def StNet(
    classes: int = 400,
    frames: int = 35,
    size: Size = None,
    channels: int = 3,
    weights: str | None = None,
    name: str | None = None,
    *,
    backbone: str = "resnet50",
    length: int = 5,
    modelling: str | None = "code",
    places: tuple[str, ...] = (),
    grey_stem: bool = False,
    xception: bool = True,
    dropout: float = 0.5,
) -> keras.Model:
    """An image network on super-images whose maps, and whose features, see each other.

    Args:
        classes: Number of labels; 0 ends the network in its clip features.
        frames: Of the whole clip: T super-images of `length` neighbouring frames each, one after the other (the paper's
            T is 7 to train and 25 to test: 35 and 125 frames).
        size, channels: Of a frame; without a size any will do. Channels: 3 for RGB, 2 for flow, 10 for stacked.
        weights: As in `keras_vid.create`.
        name: Of the model.
        backbone: One of `PLACES`.
        length: N, the frames of one super-image; 1 is TSN's input.
        modelling: Form of the temporal modelling blocks, `"code"` or `"paper"`, or None for none.
        places: Layers of the image network after each of which stands a temporal modelling block, such as `("conv4",)`;
            none named: where the paper has them, `PLACES`.
        grey_stem: Whether the first convolution starts without colours, from the mean of the image network's kernels
            over red, green and blue, as in the authors' code; the paper keeps the colours.
        xception: Whether the temporal Xception block and a maximum over time precede the classifier; else the
            super-images are classified one by one, as in TSN.
        dropout: Before TSN's classifier; the Xception block goes without.

    >>> StNet(classes=10, frames=10).output_shape
    (None, 10)
    """
    if backbone not in PLACES:
        raise InputError(f"StNet is not defined on {backbone!r}; it is on {', '.join(PLACES)}")
    if length < 1 or frames % length:
        raise InputError(f"{frames} frames do not divide into super-images of {length}")
    times = frames // length
    net = image_net(backbone, size, channels)
    scale, stack = pixels(backbone, channels), SuperImage(length, name="super_image")
    stem = next(layer for layer in net.layers if isinstance(layer, layers.Conv2D))
    edits = _modelling_blocks((places, ()) if places else PLACES[backbone], times, modelling)
    edits["replace"] = {} if length == 1 else {stem.name: wide_stem(stem)}
    video = insert(net, frames, **edits, images=lambda clip: stack(scale(clip)), keep=False)
    if length > 1:
        kernel, *bias = stem.get_weights()
        video.get_layer(stem.name).set_weights([widen_stem(kernel, length), *bias])
    x = video.output
    x = _temporal_head(x, times, classes) if xception else consensus(x, times, classes, dropout)
    network = f"stnet_{backbone}"
    model = load_weights(keras.Model(video.input, x, name=name or network), weights, network)
    if grey_stem and not str(weights).endswith(OWN):  # a file of ours has a trained stem
        _without_colours(model.get_layer(stem.name), length)
    return model


def _without_colours(stem, length):
    """Take the colours out of a widened first convolution, which has the same kernel for each frame."""
    kernel, *bias = stem.get_weights()
    of_a_frame = kernel[:, :, : kernel.shape[2] // length] * length
    stem.set_weights([widen_stem(of_a_frame, length, colours=False), *bias])


def wide_stem(stem: layers.Layer) -> layers.Layer:
    """A first convolution like another, for as many channels as it will be given."""
    return stem.__class__.from_config(stem.get_config())


def _modelling_blocks(places, times, form):
    """Temporal modelling blocks after and before layers, as `insert` puts them in."""

    def block(place):
        return lambda x: temporal_modelling(x, times, f"{place}_modelling", form)

    after, before = ({name: block(name) for name in names if form} for names in places)
    return {"after": after, "before": before}


def _temporal_head(x, times, classes):
    x = Unfold(times, name="unfold")(x)  # B, T, C
    bound = x.shape[-1] ** -0.5
    x = temporal_xception(x, "xception")
    x = layers.GlobalMaxPooling1D(name="features")(x)  # B, 1024
    if not classes:
        return x
    uniform = initializers.RandomUniform(-bound, bound)
    return layers.Dense(classes, kernel_initializer=uniform, dtype="float32", name="logits")(x)
