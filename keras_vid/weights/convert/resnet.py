"""Residual networks of torchvision, timm and the TSM authors, put into ours by the names of their tensors."""

import re

import numpy as np

from keras_vid.utils.errors import InputError

NORM = ("weight", "bias", "running_mean", "running_var")  # in the order of a BatchNormalization layer's weights
HEADS = ("fc.weight", "fc.bias")


def is_residual(tensors):
    """Whether the tensors are of a residual network with bottlenecks in PyTorch's names."""
    return "layer4.2.conv3.weight" in _plain(dict.fromkeys(tensors))


def options(tensors):
    """A video network's file says how many classes it was trained for; an image network's are of no use to video."""
    named = _plain(tensors)
    return {"classes": len(named["new_fc.bias"])} if "new_fc.bias" in named else {}


def assign(model, tensors, source="the weights"):
    """Put every tensor in its place; the model is changed only if all of it fits.

    What only video has (temporal convolutions, motion branches) keeps its start. An image network's classifier is left
    out, and so is a video network's of another size than the model's.

    Returns:
        (variables set, names of tensors left out).
    """
    named = _plain(tensors)
    values, used = [], set()
    for layer in model.layers:
        names = _names(layer.name.removesuffix("_hybrid"))
        if not names or not layer.weights:
            continue
        missing = [name for name in names if name not in named]
        if missing:
            if layer.name == "classifier":
                continue
            raise InputError(f"{source}: no tensor {missing[0]!r} for layer {layer.name!r} of {model.name}")
        arrays = [_keras_axes(named[name]) for name in names]
        used.update(names)
        if layer.name == "classifier" and len(arrays[1]) != layer.units:
            continue
        if not hasattr(layer, "adopt"):
            shapes = [tuple(weight.shape) for weight in layer.weights]
            arrays = [fit_stem(array, shape) for array, shape in zip(arrays, shapes)]
            wrong = [name for name, array, shape in zip(names, arrays, shapes) if array.shape != shape]
            if wrong:
                raise InputError(f"{source}: {wrong[0]!r} does not fit layer {layer.name!r} of {model.name}")
        values.append((layer, arrays))
    left = [name for name in named if name not in used and "num_batches_tracked" not in name]
    strangers = [name for name in left if name not in (*HEADS, "new_fc.weight", "new_fc.bias")]
    if strangers:
        raise InputError(f"{source}: {model.name} has no place for {len(strangers)} tensors, such as {strangers[0]!r}")
    for layer, arrays in values:
        layer.adopt(*arrays) if hasattr(layer, "adopt") else layer.set_weights(arrays)
    return sum(len(arrays) for _, arrays in values), left


def _plain(tensors):
    """Names as torchvision has them, without what wrappers, TSM's shift and OpenMMLab's modules have put into them."""
    plain = {}
    for name, value in tensors.items():
        for prefix in ("module.", "base_model.", "backbone."):
            name = name.removeprefix(prefix)
        name = name.replace("cls_head.fc_cls.", "new_fc.").replace(".net.", ".")
        name = re.sub(r"conv(\d)\.conv\.", r"conv\1.", name)
        name = re.sub(r"conv(\d)\.bn\.", r"bn\1.", name)
        name = name.replace("downsample.conv.", "downsample.0.").replace("downsample.bn.", "downsample.1.")
        if not name.startswith("data_preprocessor."):
            plain[name] = value
    return plain


def _names(layer):
    """The tensors of one of our layers, in the order of its weights; nothing for layers that only video has."""
    if layer == "classifier":
        return ["new_fc.weight", "new_fc.bias"]
    if layer in ("conv1_conv", "conv1_bn"):
        return ["conv1.weight"] if layer == "conv1_conv" else [f"bn1.{end}" for end in NORM]
    match = re.fullmatch(r"conv(\d)_block(\d+)_(?:(\d)_(conv|bn)|se_(reduce|expand))", layer)
    if not match:
        return []
    stage, block, number, part, gate = match.groups()
    path = f"layer{int(stage) - 1}.{int(block) - 1}"
    if gate:
        return [f"{path}.se.fc{1 if gate == 'reduce' else 2}.{end}" for end in ("weight", "bias")]
    if number == "0":
        path += f".downsample.{0 if part == 'conv' else 1}"
    else:
        path += f".{part}{number}"
    return [f"{path}.weight"] if part == "conv" else [f"{path}.{end}" for end in NORM]


def _keras_axes(value):
    value = np.asarray(value)
    return np.transpose(value, (*range(2, value.ndim), 1, 0)) if value.ndim > 1 else value


def fit_stem(value, shape):
    """Dense layers that PyTorch keeps as 1x1 convolutions, and stems for other channels than RGB."""
    if value.ndim == 4 and len(shape) == 2:
        return value[0, 0]
    if value.ndim == 4 and value.shape[2] == 3 and shape[2] != 3 and value.shape[:2] == tuple(shape[:2]):
        if shape[2] % 3 == 0:  # super-images: the RGB kernel for every frame, adding up to what it was
            return np.tile(value, (1, 1, shape[2] // 3, 1)) * np.float32(3 / shape[2])
        return np.repeat(value.mean(2, keepdims=True), shape[2], axis=2)  # flow, as TSN does
    return value
