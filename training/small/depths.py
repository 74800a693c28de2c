"""Where a frozen network is read, whichever family it is of: the ends of its last two stages.

A *neck* is a layer that everything passes through: what lies above can be computed from its output alone.
"""

import itertools

import keras
from keras import layers
from keras_vid.saved_models.fold import fold

from keras_vid.layers.frames import Unfold
from keras_vid.utils.errors import InputError
from keras_vid.view import view_of


def fixed(network, view):
    """The network for clips of exactly the view's frames and size; the same one where it is made for them."""
    shape = (view.frames, view.height, view.width, view.channels)
    if network.input_shape[1:] == shape:
        return network
    if any(ours not in (None, wanted) for ours, wanted in zip(network.input_shape[1:], shape)):
        raise InputError(f"{network.name} is made for clips of {network.input_shape[1:]}, not of {shape}")
    clip = keras.Input(shape, name="clip", dtype=network.inputs[0].dtype)
    other = keras.models.clone_model(network, input_tensors=clip)
    other.set_weights(network.get_weights())
    other.name = network.name
    other.view = view
    return other


def necks(network) -> list[str]:
    """Names of the layers that everything passes through on its way to the last map, in the order of the graph.

    >>> import keras_vid
    >>> [name for name in necks(keras_vid.create("s3d", classes=2)) if name.startswith("Mixed_5")]
    ['Mixed_5b', 'Mixed_5c']
    """
    last = next((layer for layer in reversed(network.layers) if is_map(layer)), None)
    network = keras.Model(network.input, last.output) if last else network  # a head may look at several depths
    order = {layer.name: number for number, layer in enumerate(network.layers)}
    reach = [0] * len(order)  # how far up each layer's output is used
    for layer in network.layers:
        for tensor in layer._inbound_nodes[-1].input_tensors if layer._inbound_nodes else ():
            source = order[tensor._keras_history.operation.name]
            reach[source] = max(reach[source], order[layer.name])
    found, farthest = [], 0
    for number, layer in enumerate(network.layers):
        if farthest <= number:
            found.append(layer.name)
        farthest = max(farthest, reach[number])
    return found


def is_map(layer) -> bool:
    """Whether a layer's output has height and width: (B, T, H, W, C), or (B*T, H, W, C) of an image network."""
    shape = getattr(getattr(layer, "output", None), "shape", ())
    return len(shape) in (4, 5) and None not in shape[-3:]


def depths(network) -> tuple[str, str]:
    """The ends of the last two stages, (lower, upper): `Mixed_4f` and `Mixed_5c`, or `conv4` and `conv5`.

    The network must be made for one size of picture.

    >>> import keras_vid
    >>> depths(keras_vid.create("i3d", classes=2, size=64))
    ('Mixed_4f', 'Mixed_5c')
    """
    ends = {}
    for name in necks(network):
        layer = network.get_layer(name)
        if is_map(layer) and min(layer.output.shape[-3:-1]) > 1 and layer.output.shape[-1] > 3:
            ends[layer.output.shape[-3:-1]] = name
    if len(ends) < 2:
        raise InputError(f"{network.name} has fewer than two stages of maps to read at {view_of(network).side}")
    return tuple(ends.values())[-2:]


def check_depth(network, name):
    """Refuse a layer at which the network cannot be cut in two."""
    possible = [other for other in necks(network) if is_map(network.get_layer(other))]
    if name not in possible:
        shown = [other for other in possible if not other.endswith(("_bn", "_pad", "_relu"))][-8:]
        raise InputError(f"{network.name} cannot be frozen up to {name!r}; some layers that it can: {', '.join(shown)}")
    return name


def pooled(network, name, label=None):
    """The mean of a map over time and space, (B, C), as layers on top of the network."""
    x = network.get_layer(name).output
    label = label or name
    if len(x.shape) == 5:
        return layers.GlobalAveragePooling3D(name=f"{label}_mean")(x)
    x = layers.GlobalAveragePooling2D(name=f"{label}_mean_of_frames")(x)
    x = Unfold(_frames(network), name=f"{label}_unfold")(x)
    return layers.GlobalAveragePooling1D(name=f"{label}_mean")(x)


def _frames(network):
    """T of the folded maps of an image network."""
    for layer in network.layers:
        if isinstance(layer, Unfold):
            return layer.frames
    raise InputError(f"{network.name}: it is not known how many frames its maps belong to")


def last_before_weights(network, name):
    """The last layer that everything passes through before the next one with weights: a pool makes a map smaller.

    >>> import keras_vid
    >>> last_before_weights(keras_vid.create("i3d", classes=2, size=64), "Mixed_4f")
    'MaxPool_5a_2x2'
    """
    order = [layer.name for layer in network.layers]
    above = network.layers[order.index(name) + 1 :]
    free = [layer.name for layer in itertools.takewhile(lambda layer: not layer.weights, above)]
    return next(
        (other for other in reversed(free) if other in necks(network) and is_map(network.get_layer(other))), name
    )


def means(network, names):
    """The network up to the means of the named depths."""
    return keras.Model(network.input, [pooled(network, name) for name in names], name=network.name)


def reading_network(network, names, map_name=None):
    """What one pass over the clips needs: the means of the named depths and, on request, the whole map of one.

    BatchNorm is absorbed into the convolutions, which computes the same in less time.
    """
    outputs = [pooled(network, name) for name in names]
    if map_name:
        outputs.append(network.get_layer(map_name).output)
    return fold(keras.Model(network.input, outputs, name=network.name))
