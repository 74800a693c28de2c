"""The same weights file gives the same logits on every backend.

With KERAS_VID_EXCHANGE naming a folder, the TensorFlow run leaves weights and logits there, and the runs on the other
backends read them (`make test-backends`). Without it, each backend reads back what it wrote itself.
"""

import os
from pathlib import Path

import keras
import numpy as np
import pytest
from random_weights import scatter, settle

import keras_vid
from keras_vid.inference.predict import random_clips

FAST = ("i3d", "s3dg")
SLOW = ("tsm_resnet14", "stnet_resnet14", "stm_resnet14", "sth_resnet14")


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
        settle(scatter(model), random_clips(model, count=8, seed=2))
        model.save_weights(weights)
        np.savez(answers, logits=answer(model))
    model = keras_vid.create(name, classes=5)
    model.load_weights(weights)
    expected = np.load(answers)["logits"]
    scale = np.abs(expected).max()
    assert np.ptp(expected, axis=0).max() > 0.1 * scale  # an answer that hangs on nothing would prove nothing
    np.testing.assert_allclose(answer(model) / scale, expected / scale, atol=5e-4)  # rounding alone comes to 1.1e-4


def answer(model):
    return model.predict(random_clips(model), verbose=0)  # as one function: JAX would compile every operation
