"""The same weights file gives the same logits on every backend.

With KERAS_VID_EXCHANGE naming a folder, the TensorFlow run leaves weights and logits there, and the runs on the other
backends read them (`make test-backends`). Without it, each backend reads back what it wrote itself.
"""

import os
from pathlib import Path

import keras
import numpy as np
import pytest

import keras_vid

FAST = ("i3d", "s3dg")
SLOW = ("tsm_resnet50", "stnet_resnet50", "stm_resnet50", "sth_resnet50")


def tier(name):
    """Two networks in the fast tier, one of each kind in the suite, all with `make test-zoo`."""
    return [] if name in FAST else [pytest.mark.slow] if name in SLOW else [pytest.mark.zoo]


NAMES = [pytest.param(name, marks=tier(name)) for name in keras_vid.list_models()]


@pytest.mark.parametrize("name", NAMES)
def test_same_weights_file_same_logits(name, tmp_path):
    folder = Path(os.environ.get("KERAS_VID_EXCHANGE") or tmp_path)
    weights, answers = folder / f"{name}.weights.h5", folder / f"{name}.npz"
    model = keras_vid.create(name, classes=5)
    if keras.backend.backend() == "tensorflow" or not answers.is_file():
        scatter(model)
        model.save_weights(weights)
        np.savez(answers, logits=answer(model))
    model = keras_vid.create(name, classes=5)
    model.load_weights(weights)
    expected = np.load(answers)["logits"]
    scale = max(1, np.abs(expected).max())
    np.testing.assert_allclose(answer(model) / scale, expected / scale, atol=1e-4)


def scatter(model):
    """Weights under which every layer matters: identities and zeros would hide a difference."""
    rng = np.random.default_rng(0)
    for weight in model.weights:
        if "seed" in weight.path:
            continue
        kind = weight.path.rsplit("/", 1)[-1]
        if "kernel" in kind:
            value = rng.normal(0, (2 / max(1, np.prod(weight.shape[:-1]))) ** 0.5, weight.shape)
            # Gates at their ends, or a gain of two in each block, make a network of a hundred layers chaotic: it would
            # compare rounding errors.
            value *= 0.1 if "_se_" in weight.path or "_2_temporal" in weight.path else 1
        elif kind in ("gamma", "moving_variance"):
            value = rng.uniform(0.8, 1.2, weight.shape)
        else:
            value = rng.normal(0, 0.1, weight.shape)
        weight.assign(value.astype("float32"))


def answer(model):
    _, frames, height, width, channels = model.input_shape
    side = 96 if "inception_resnet" in model.name else 64  # its unpadded convolutions need more pixels
    shape = (1, frames or 16, height or side, width or side, channels)
    clip = np.random.default_rng(1).integers(0, 256, shape).astype("uint8")
    return model.predict(clip, verbose=0)  # as one function: JAX would compile every operation of every shape
