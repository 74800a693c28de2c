"""Every network by name: builds, learns, survives its file, and keeps the clips of a batch apart.

The full walk over `list_models()` takes longer than the rest of the suite (`make test-zoo`); the suite itself runs one
network of every kind.
"""

import keras
import numpy as np
import pytest
from keras import ops
from random_weights import scatter, settle_norms

import keras_vid

KINDS = ["s3dg", "tsm_resnet14"]  # one of each family
NAMES = [
    pytest.param(name, marks=pytest.mark.slow if name in KINDS else pytest.mark.zoo) for name in keras_vid.list_models()
]


def small(name):
    """The network at the smallest clip that reaches all of its layers, and two random clips for it."""
    options = {"frames": 10} if name.startswith("stnet") else {} if "3d" in name or "2d" in name[:3] else {"frames": 4}
    size = 96 if "inception_resnet" in name else 64
    model = keras_vid.create(name, classes=3, size=size, **options)
    shape = (2, model.input_shape[1] or 16, size, size, 3)
    return model, np.random.default_rng(0).integers(0, 256, shape).astype("uint8")


@pytest.mark.parametrize("name", NAMES)
def test_a_network_keeps_clips_apart_learns_with_every_weight_and_survives_its_file(name, tmp_path):
    model, clips = small(name)
    other = np.stack([clips[0], 255 - clips[1]])
    one, two = (ops.convert_to_numpy(model(batch, training=False)) for batch in (clips, other))
    scale = min(1, np.abs(one).max())  # an untrained MobileNetV2 answers with 1e-13
    np.testing.assert_allclose(one[0] / scale, two[0] / scale, rtol=1e-5, atol=1e-5)
    assert np.abs(one[1] - two[1]).max() > 1e-3 * scale

    before = {weight.path: ops.convert_to_numpy(weight) for weight in model.trainable_weights}
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(1e-2, momentum=0.9), loss, run_eagerly=keras.backend.backend() != "jax")
    labels = np.array([0, 2])
    for _ in range(3):  # a branch that starts at zero hands gradients on from the second step
        model.train_on_batch(clips, labels)
    idle = [weight.path for weight in model.trainable_weights if np.array_equal(before[weight.path], weight)]
    assert not idle

    settle_norms(scatter(model), clips)  # the weights that it starts with would hide a loss
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras", compile=False)
    expected, answer = (ops.convert_to_numpy(net(clips, training=False)) for net in (model, again))
    scale = np.abs(expected).max()
    assert np.ptp(expected, axis=0).max() > 0.01 * scale  # an answer that hangs on nothing would prove nothing
    np.testing.assert_allclose(answer / scale, expected / scale, rtol=1e-4, atol=1e-4)
