"""What ships is not what trains: no BatchNorm, no dropout, one precision, the same logits."""

from collections import Counter

import keras
import numpy as np
from keras import layers
from keras_vid.saved_models.serving_layers import BalancedAffine, ScaleOffset

from keras_vid.layers import Balanced, ChannelTemporalConv, DepthwiseHybridConv, GroupedConv2D, HybridConv, TemporalConv
from keras_vid.utils.errors import InputError
from keras_vid.utils.late import never_drawn


def _last(kernel, scale):  # .., C_in, C_out
    return kernel * scale


def _depthwise(kernel, scale):  # .., C, multiplier
    return kernel * scale.reshape(kernel.shape[-2:])


def _depthwise_hybrid(kernel, scale):  # the first channels are seen along time, (3, 1, ..), the others across
    count = kernel.shape[-2]
    return _depthwise(kernel, scale[:count] if kernel.shape[1] == 1 else scale[-count:])


def _transposed(kernel, scale):  # .., C_out, C_in
    return kernel * scale[:, None]


# Layers without an activation of their own return a scaled and shifted output if their kernels are scaled and their
# bias shifted. By exact type: a subclass may do more.
LINEAR = {
    layers.Dense: (("kernel",), _last),
    layers.Conv1D: (("kernel",), _last),
    layers.Conv2D: (("kernel",), _last),
    layers.Conv3D: (("kernel",), _last),
    GroupedConv2D: (("kernel",), _last),
    TemporalConv: (("kernel",), _last),
    layers.SeparableConv1D: (("pointwise_kernel",), _last),
    layers.SeparableConv2D: (("pointwise_kernel",), _last),
    layers.DepthwiseConv1D: (("kernel",), _depthwise),
    layers.DepthwiseConv2D: (("kernel",), _depthwise),
    ChannelTemporalConv: (("kernel",), _depthwise),
    layers.Conv1DTranspose: (("kernel",), _transposed),
    layers.Conv2DTranspose: (("kernel",), _transposed),
    layers.Conv3DTranspose: (("kernel",), _transposed),
    HybridConv: (("spatial_kernel", "temporal_kernel"), _last),
    DepthwiseHybridConv: (("spatial_kernel", "temporal_kernel"), _depthwise_hybrid),
    Balanced: ((), None),  # becomes a BalancedAffine
}
NOTHING = (layers.Dropout, layers.SpatialDropout1D, layers.SpatialDropout2D, layers.SpatialDropout3D)


def fold(model, precision="float32"):
    """A copy of a functional network for inference, free of BatchNorm, with its weights in one precision.

    A BatchNorm goes into what comes before it: a convolution or dense layer, or all the terms of a sum. Where that is
    impossible (after an activation, a pool, or a layer that is used elsewhere, too) it becomes one scale and offset.

    Args:
        model: A functional network; one that was trained in mixed precision has float32 weights to start from.
        precision: `"float32"` or `"bfloat16"`; pixels and the classifier's logits are float32 in any case.

    >>> import keras_vid
    >>> network = keras_vid.create("s3d", classes=3)
    >>> sum(isinstance(layer, layers.BatchNormalization) for layer in fold(network).layers)
    0
    """
    if not hasattr(model, "operations") or isinstance(model, keras.Sequential):
        raise InputError(
            f"{getattr(model, 'name', model)!r} is not a functional Keras model: build it with keras.Model"
        )
    changes, gone = _plan(model)
    exact = _float32_layers(model)

    def copy(layer):
        config = layer.get_config()
        if "dtype" in config:
            config["dtype"] = "float32" if layer.name in exact else precision
        if isinstance(layer, layers.BatchNormalization) and layer.name not in gone:
            return ScaleOffset(axis=layer.axis, name=layer.name, dtype=config["dtype"])
        kind = layer.__class__
        if layer.name in changes:
            kind = BalancedAffine if kind is Balanced else kind
            config = {**config, "use_bias": True} if "use_bias" in config else config
        return kind.from_config(config)

    def call(layer, *args, **kwargs):
        if layer.name in gone or isinstance(layer, NOTHING):
            return args[0]
        return layer(*args) if isinstance(layer, ScaleOffset) else layer(*args, **kwargs)

    with never_drawn():
        folded = keras.models.clone_model(model, clone_function=copy, call_function=call)
    for layer in folded.layers:
        if layer.weights:
            _carry(model.get_layer(layer.name), layer, changes.get(layer.name))
    return folded


def _plan(model):
    """`{layer's name: (scale, offset)}` that go into layers, and the names of the BatchNorms that go with them."""
    uses = Counter(name for layer in model.layers for name in sources(layer))
    uses.update(tensor._keras_history.operation.name for tensor in model.outputs)
    changes, gone = {}, set()
    for layer in model.layers:
        if not isinstance(layer, layers.BatchNormalization) or len(layer._inbound_nodes) != 1:
            continue
        if layer.axis not in (-1, len(layer.input.shape) - 1):
            continue
        taken = _absorb(model, sources(layer)[0], scale_offset(layer), uses, gone)
        if taken is not None:
            gone.add(layer.name)
            for name, (scale, offset) in taken.items():
                before, shift = changes.get(name, (1, 0))
                changes[name] = (before * scale, shift * scale + offset)
    return changes, gone


def _absorb(model, name, change, uses, gone):
    """What becomes of the layers before a BatchNorm that take it in, or None if they cannot."""
    layer = model.get_layer(name)
    if uses[name] != 1 or len(layer._inbound_nodes) != 1:
        return None
    if name in gone or isinstance(layer, NOTHING):
        return _absorb(model, sources(layer)[0], change, uses, gone)
    if isinstance(layer, layers.Add):  # every term is scaled, and the first one shifted
        taken = {}
        for index, source in enumerate(sources(layer)):
            scale, offset = change
            part = _absorb(model, source, (scale, offset if index == 0 else 0 * offset), uses, gone)
            if part is None:
                return None
            taken.update(part)
        return taken
    linear = getattr(layer, "activation", None) in (None, keras.activations.linear)
    last = getattr(layer, "data_format", "channels_last") == "channels_last"
    if type(layer) in LINEAR and linear and last and not getattr(layer, "separate", False):
        return {name: change}
    return None


def sources(layer):
    """Names of the layers whose outputs a layer is given."""
    tensors = [tensor for node in layer._inbound_nodes for tensor in node.input_tensors]
    return [tensor._keras_history.operation.name for tensor in tensors]


def scale_offset(norm):
    """What a BatchNorm does at inference, as (scale, offset) in float64."""
    mean, variance = (np.asarray(weight, "float64") for weight in (norm.moving_mean, norm.moving_variance))
    scale = np.asarray(norm.gamma, "float64") if norm.scale else 1
    scale = scale / np.sqrt(variance + norm.epsilon)
    return scale, (np.asarray(norm.beta, "float64") if norm.center else 0) - mean * scale


def _carry(old, new, change):
    """Give a copied layer the weights of its original, changed as planned."""
    if isinstance(new, ScaleOffset):
        new.set_weights(scale_offset(old))
        return
    if change is None:
        new.set_weights(old.get_weights())
        return
    scale, offset = change
    kernels, scaled = LINEAR[type(old)]
    for weight in new.weights:
        value = getattr(old, weight.name, None)
        value = 0 if value is None else np.asarray(value, "float64")
        if weight.name in kernels:
            value = scaled(value, scale)
        elif weight.name == "bias":
            value = value * scale + offset
        elif weight.name == "scale":
            value = scale
        weight.assign(np.broadcast_to(value, weight.shape))


def _float32_layers(model):
    """Names of the layers that stay exact: before the first weights (pixels), and from the classifier on."""
    weighted = [i for i, layer in enumerate(model.layers) if layer.weights]
    first, last = (weighted[0], weighted[-1]) if weighted else (0, 0)
    last = last if weighted and isinstance(model.layers[last], layers.Dense) else len(model.layers)
    return {layer.name for layer in model.layers[:first] + model.layers[last:]}
