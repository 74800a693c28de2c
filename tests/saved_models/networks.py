"""Small networks with weights that hide nothing, for the tests of what ships."""

import numpy as np

import keras_vid

# One of each family, at the smallest clip that reaches all of its layers.
FAMILIES = {
    "s3dg": {"size": 32},
    "i3d": {"size": 32},
    "tsn_vgg16": {"frames": 2, "size": 32},
    "c2d_resnet50": {"frames": 4, "size": 32},
    "tsm_mobilenet_v2": {"frames": 2, "size": 32},
    "r2plus1d_sequential_resnet50": {"frames": 2, "size": 32},
    "r2plus1d_parallel_resnet50": {"frames": 2, "size": 32},
    "stnet_mobilenet_v2": {"frames": 10, "size": 32},
    "stm_resnet50": {"frames": 2, "size": 32},
    "sth_resnet50": {"frames": 2, "size": 32},
    "sth_mobilenet_v2": {"frames": 2, "size": 32},
}


def scatter(model, seed=0):
    """Give every BatchNorm something to do, negative and zero scales included, and every bias a value."""
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        kind = weight.path.rsplit("/", 1)[-1]
        if kind == "moving_variance":
            weight.assign(rng.uniform(0.5, 1.5, weight.shape).astype("float32"))
        elif kind == "gamma":  # small, or residual networks grow until rounding shows
            scale = rng.uniform(0.2, 0.5, weight.shape) * rng.choice([-1, 0, 1, 1, 1], weight.shape)
            weight.assign(scale.astype("float32"))
        elif kind in ("beta", "moving_mean", "bias"):
            weight.assign(rng.normal(0, 0.1, weight.shape).astype("float32"))
    for layer in model.layers:
        if layer.name in ("classifier", "logits") and layer.weights:  # answers that differ from class to class
            kernel = layer.weights[0]
            kernel.assign(rng.normal(0, 1, kernel.shape).astype("float32"))
    return model


def scattered(name, **options):
    """A network by name whose weights hide nothing; families have their own small clips."""
    return scatter(keras_vid.create(name, **{"classes": 3, **FAMILIES.get(name, {}), **options}))


def clips(model, count=1, seed=1):
    """Random clips that fit a network."""
    _, frames, height, width, channels = model.input_shape
    shape = (count, frames or 16, height or 64, width or 64, channels)
    return np.random.default_rng(seed).integers(0, 256, shape).astype("uint8")
