"""BatchNorm put into the convolution before it, and dropout taken out: the same answers with fewer layers."""

from collections import Counter

import keras
import numpy as np
from keras import layers

FOLDABLE = (layers.Conv2D, layers.Conv3D, layers.DepthwiseConv2D)


def fold(model):
    """A copy of a functional network for inference, without the BatchNorms that follow a convolution alone.

    A BatchNorm stays where its convolution is also used elsewhere, has an activation of its own, or is none of Keras'.

    >>> import keras_vid
    >>> network = keras_vid.create("s3d", classes=3)
    >>> sum(isinstance(layer, layers.BatchNormalization) for layer in fold(network).layers)
    0
    """
    norms = foldable(model)
    dropped = {norm.name for norm in norms.values()}

    def copy(layer):
        config = layer.get_config()
        return layer.__class__.from_config({**config, "use_bias": True} if layer.name in norms else config)

    def call(layer, *args, **kwargs):
        gone = layer.name in dropped or isinstance(layer, layers.Dropout)
        return args[0] if gone else layer(*args, **kwargs)

    folded = keras.models.clone_model(model, clone_function=copy, call_function=call)
    for layer in folded.layers:
        if layer.name in norms:
            layer.set_weights(_merged(model.get_layer(layer.name), norms[layer.name]))
        elif layer.weights:
            layer.set_weights(model.get_layer(layer.name).get_weights())
    return folded


def foldable(model):
    """`{convolution's name: BatchNorm layer}` for every pair that can become one layer."""
    uses = Counter(name for layer in model.layers for name in _sources(layer))
    uses.update(tensor._keras_history.operation.name for tensor in model.outputs)
    pairs = {}
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            (name,) = _sources(layer)
            before = model.get_layer(name)
            linear = getattr(before, "activation", None) is keras.activations.linear
            if isinstance(before, FOLDABLE) and linear and uses[name] == 1:
                pairs[name] = layer
    return pairs


def _sources(layer):
    if isinstance(layer, layers.InputLayer):
        return []
    return [tensor._keras_history.operation.name for tensor in keras.tree.flatten(layer.input)]


def _merged(convolution, norm):
    kernel, *bias = convolution.get_weights()
    mean, variance = (np.asarray(w, "float64") for w in (norm.moving_mean, norm.moving_variance))
    gamma = np.asarray(norm.gamma, "float64") if norm.scale else 1
    beta = np.asarray(norm.beta, "float64") if norm.center else 0
    scale = gamma / np.sqrt(variance + norm.epsilon)
    bias = beta + (np.asarray(bias[0] if bias else 0, "float64") - mean) * scale
    if isinstance(convolution, layers.DepthwiseConv2D):  # h, w, C, multiplier
        scale = scale.reshape(kernel.shape[-2:])
    return [(kernel * scale).astype("float32"), np.broadcast_to(bias, mean.shape).astype("float32")]
