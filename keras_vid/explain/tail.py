"""From the last feature map to the logits: where a network's tail begins, whether it is affine, and its gradient.

Legend: `B` clips, `T` frames of a feature map, `H W` its height and width, `C` channels, `K` classes.
"""

import sys

import keras
import numpy as np
from keras import layers

from keras_vid.layers.frames import Unfold
from keras_vid.layers.head import WindowedMean
from keras_vid.utils.errors import InputError

MEANS = (layers.GlobalAveragePooling1D, layers.GlobalAveragePooling2D, layers.GlobalAveragePooling3D, WindowedMean)
LAST = (*MEANS, layers.GlobalMaxPooling2D, layers.GlobalMaxPooling3D, layers.Flatten)  # what ends the maps
AFFINE = (*MEANS, layers.Dropout, layers.Identity, layers.Flatten, layers.Reshape, Unfold)


class Tail:
    """A network cut in two behind its last feature map.

    Attributes:
        layer: Name of the layer that makes the map.
        network: A network of the clip: the map and the logits, in one pass.
        frames: T of the map, where the network fixes it; the map is then folded, (B*T, H, W, C). None: (B, T, H, W, C).
        exact: Whether the logits are an affine function of the map, so that each place's share of them is a number.

    >>> import keras_vid
    >>> tail = Tail(keras_vid.create("s3d", classes=2, size=32))
    >>> tail.layer, tail.exact
    ('Mixed_5c', True)
    """

    def __init__(self, model):
        end = _end_of_maps(model)
        features = end.input
        self.layer = features._keras_history.operation.name
        self.network = keras.Model(model.input, [features, model.output])
        self.rest = keras.Model(features, model.output)
        self.frames = _folded_frames(self.rest) if len(features.shape) == 4 else None
        self.exact = all(_is_affine(layer) for layer in self.rest.layers)

    def gradient(self, features, direction):
        """Of the logits' product with `direction` (K,), by the map: the map's shape."""
        direction = keras.ops.convert_to_tensor(direction)
        return _gradient(lambda x: keras.ops.sum(self.rest(x, training=False) * direction), features)

    def bias(self, features, direction):
        """What an exact tail adds to the shares of the map: `direction` times the logits of a map of zeros."""
        logits = keras.ops.convert_to_numpy(self.rest(np.zeros_like(features), training=False))
        return float(logits[0].astype("float64") @ direction)


def _end_of_maps(model):
    """The last layer that makes vectors of feature maps."""
    if not hasattr(model, "operations") or len(model.inputs) != 1 or len(model.output.shape) != 2:
        raise InputError(f"{model.name} is not a functional network from one clip to logits: its maps cannot be found")
    candidates = [layer for layer in model.layers if isinstance(layer, LAST) and len(layer.input.shape) in (4, 5)]
    end = next((layer for layer in reversed(candidates) if _all_pass(layer, model)), None)
    if end is None:
        raise InputError(f"{model.name} has no feature map that all of its logits are made of")
    return end


def _all_pass(layer, model):
    """Whether the logits depend on the clip through this layer's input alone."""
    try:
        return len(keras.Model(layer.input, model.output).inputs) == 1
    except ValueError:  # another way leads past it
        return False


def _folded_frames(rest):
    """T of a folded map: from the layer that takes the frames out of the batch again."""
    unfold = next((layer for layer in rest.layers if isinstance(layer, Unfold)), None)
    return unfold.frames if unfold else 1


def _is_affine(layer):
    if isinstance(layer, (layers.Dense, layers.Activation)):
        return layer.activation is keras.activations.linear
    return isinstance(layer, (*AFFINE, layers.InputLayer))


def _gradient(function, x):
    """The gradient of a function to one number, on the backend that Keras runs on: the one place that asks which."""
    name = keras.backend.backend()
    engine = sys.modules.get({"jax": "jax", "torch": "torch", "tensorflow": "tensorflow"}.get(name))
    if engine is None:
        raise InputError(f"the {name} backend has no gradients: run with KERAS_BACKEND=tensorflow, jax or torch")
    x = keras.ops.convert_to_tensor(x)
    if name == "jax":
        return np.asarray(engine.grad(function)(x))
    if name == "torch":
        x = x.detach().requires_grad_(True)
        with engine.enable_grad():
            return keras.ops.convert_to_numpy(engine.autograd.grad(function(x), x)[0])
    with engine.GradientTape() as tape:
        tape.watch(x)
        number = function(x)
    return tape.gradient(number, x).numpy()
