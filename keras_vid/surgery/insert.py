"""Image networks turned into video networks: layers put in, taken out and exchanged in a copy of the graph."""

import difflib

import keras

from keras_vid.layers.frames import Fold
from keras_vid.utils.errors import InputError


def insert(net, frames, before=None, after=None, replace=None, clip=None, images=None):
    """A network of clips made of a network of images, with temporal layers put into it.

    Frames are folded into the batch, `(B*T, H, W, C)`; weights are carried over by layer name wherever the shapes still
    fit. The answer is still one a frame, folded: see `keras_vid.models.tsn.consensus` for the head.

    Args:
        net: A flat functional Keras model with one input.
        frames: T, the frames of one clip.
        before, after, replace: `{layer name: function}`; each function is called with a layer's input (before, replace)
            or output (after) and answers what takes its place. A layer object is such a function. Name the layers that
            it makes. `before` and `replace` are for layers of one input.
        clip, images: An Input, and the folded images made of it, where frames are more than folded (rescaled, stacked).

    >>> from keras import applications, layers
    >>> net = applications.MobileNetV2(weights=None, include_top=False, input_shape=(64, 64, 3), pooling="avg")
    >>> video = insert(net, frames=8, after={"block_13_expand_relu": layers.Identity(name="here")})
    >>> video.input_shape
    (None, 8, 64, 64, 3)
    """
    before, after, replace = before or {}, after or {}, replace or {}
    _check(net, before, after, replace)
    if clip is None:
        clip = keras.Input((frames, *net.input_shape[1:]), name="clip")
    if images is None:
        images = Fold(name="fold")(clip)

    def call(layer, *args, **kwargs):
        name = layer.name
        args = keras.tree.map_structure(lambda x: images if x is clip else x, args)
        if name in before:
            args = (before[name](args[0]),)
        x = replace[name](args[0]) if name in replace else layer(*args, **kwargs)
        return after[name](x) if name in after else x

    def copy(layer):
        return layer if layer.name in replace else layer.__class__.from_config(layer.get_config())

    video = keras.models.clone_model(net, input_tensors=clip, clone_function=copy, call_function=call)
    carry_weights(net, video)
    return video


def carry_weights(source, target):
    """Copy weights between layers of the same name whose weights have the same shapes; the names of the others."""
    layers = {layer.name: layer for layer in source.layers}
    left = []
    for layer in target.layers:
        if not layer.weights:
            continue
        twin = layers.get(layer.name)
        if twin is not None and [w.shape for w in twin.weights] == [w.shape for w in layer.weights]:
            layer.set_weights(twin.get_weights())
        else:
            left.append(layer.name)
    return left


def _check(net, before, after, replace):
    if not isinstance(net, keras.Model) or not hasattr(net, "operations") or isinstance(net, keras.Sequential):
        raise InputError(f"{getattr(net, 'name', net)!r} is no functional Keras model: build it with keras.Model")
    if len(net.inputs) != 1:
        raise InputError(f"{net.name!r} has {len(net.inputs)} inputs; surgery needs a network of one image")
    known = {layer.name: layer for layer in net.layers}
    for layer in net.layers:
        if isinstance(layer, keras.Model):
            raise InputError(f"layer {layer.name!r} of {net.name!r} is a model itself: operate on a flat network")
        if len(layer._inbound_nodes) > 1 and layer.name in {*before, *after, *replace}:
            raise InputError(f"layer {layer.name!r} of {net.name!r} is used more than once")
    for name in [*before, *after, *replace]:
        if name not in known:
            close = ", ".join(difflib.get_close_matches(name, known, 3)) or ", ".join(list(known)[-3:])
            raise InputError(f"{net.name!r} has no layer {name!r}; it has, for example: {close}")
    for name in [*before, *replace]:
        inputs = known[name].input
        if isinstance(inputs, (list, tuple)) and len(inputs) > 1:
            raise InputError(f"layer {name!r} of {net.name!r} has {len(inputs)} inputs: insert after it instead")
