"""Image networks turned into video networks: layers put in, taken out and exchanged in the graph."""

import difflib
from collections.abc import Callable, Mapping

import keras

from keras_vid.layers.frames import Fold
from keras_vid.utils.errors import InputError
from keras_vid.utils.late import drawn_fast, drawn_late

Edits = Mapping[str, Callable] | None


def insert(
    net: keras.Model,
    frames: int | None,
    before: Edits = None,
    after: Edits = None,
    replace: Edits = None,
    *,
    images: Callable | None = None,
    keep: bool = True,
) -> keras.Model:
    """A network of clips made of a network of images, with temporal layers put into it.

    Frames are folded into the batch, `(B*T, H, W, C)`, and so is the output, one vector a frame: see
    `keras_vid.layers.consensus` for a head. Weights are carried over by layer name wherever the shapes still fit.

    Args:
        net: A flat functional Keras model with one input.
        frames: T, the frames of one clip.
        before, after, replace: `{layer name: function}`; each function is called with a layer's input (before, replace)
            or output (after) and returns what takes its place. A layer object is such a function. Name the layers that
            it makes. `before` and `replace` are for layers of one input.
        images: What turns the clip into folded images where frames are more than folded (rescaled, stacked).
        keep: Copy the layers. Without, they move into the new network, which is faster, and `net` is used up.

    >>> from keras import applications, layers
    >>> net = applications.MobileNetV2(weights=None, include_top=False, input_shape=(64, 64, 3), pooling="avg")
    >>> video = insert(net, frames=8, after={"block_13_expand_relu": layers.Identity(name="here")})
    >>> video.input_shape
    (None, 8, 64, 64, 3)
    """
    before, after, replace = before or {}, after or {}, replace or {}
    _check(net, before, after, replace)
    clip = keras.Input((frames, *net.input_shape[1:]), name="clip")
    folded = (images or Fold(name="fold"))(clip)

    def call(layer, *args, **kwargs):
        name = layer.name
        args = keras.tree.map_structure(lambda x: folded if x is clip else x, args)
        if name in before:
            args = (before[name](args[0]),)
        x = replace[name](args[0]) if name in replace else layer(*args, **kwargs)
        return after[name](x) if name in after else x

    def copy(layer):
        return layer if layer.name in replace else layer.__class__.from_config(layer.get_config())

    with drawn_late() if keep else drawn_fast():
        video = keras.models.clone_model(
            net, input_tensors=clip, clone_function=copy if keep else _moved, call_function=call
        )
        carry_weights(net, video)
    return video


def _moved(layer):
    """The layer itself, without its place in the old graph: Keras looks for a layer's output in its first one."""
    layer._inbound_nodes.clear()
    layer._outbound_nodes.clear()
    return layer


def carry_weights(source: keras.Model, target: keras.Model) -> list[str]:
    """Copy weights between layers of the same name whose weights have the same shapes; returns the others' names."""
    layers = {layer.name: layer for layer in source.layers}
    left = []
    for layer in target.layers:
        twin = layers.get(layer.name)
        if not layer.weights or twin is layer:
            continue
        if twin is not None and [w.shape for w in twin.weights] == [w.shape for w in layer.weights]:
            layer.set_weights(twin.get_weights())
        else:
            left.append(layer.name)
    return left


def _check(net, before, after, replace):
    if not isinstance(net, keras.Model) or not hasattr(net, "operations") or isinstance(net, keras.Sequential):
        raise InputError(f"{getattr(net, 'name', net)!r} is not a functional Keras model: build it with keras.Model")
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
