"""On JAX, data parallelism is Keras' own (keras.distribution): two devices learn what one does, BatchNorm included."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest

SCRIPT = """
import sys

import keras
import numpy as np

import keras_vid

devices = keras.distribution.list_devices()
assert len(devices) == int(sys.argv[2]), devices
keras.distribution.set_distribution(keras.distribution.DataParallel(devices=devices))
keras.utils.set_random_seed(0)
model = keras_vid.create("tsm_resnet14", classes=3, frames=4, size=32, dropout=0.0)
model.compile(keras.optimizers.SGD(0.01, momentum=0.9), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
clips = np.random.default_rng(0).integers(0, 256, (4, 4, 32, 32, 3), np.uint8)
model.fit(clips, np.array([0, 1, 2, 0]), batch_size=4, epochs=2, shuffle=False, verbose=0)
spread = {len(weight.value.sharding.device_set) for weight in model.weights}
assert spread == {len(devices)}, spread
np.savez(sys.argv[1], **{weight.path.replace("/", "."): weight.numpy() for weight in model.weights})
"""


@pytest.mark.slow
@pytest.mark.skipif(keras.backend.backend() != "jax", reason="keras.distribution works on JAX")
def test_two_jax_devices_learn_what_one_learns(tmp_path):
    answers = []
    for count in (1, 2):
        environment = {**os.environ, "XLA_FLAGS": f"--xla_force_host_platform_device_count={count}"}
        path = tmp_path / f"{count}.npz"
        subprocess.run([sys.executable, "-c", SCRIPT, path, str(count)], env=environment, check=True)
        answers.append(np.load(path))
    one, two = answers
    assert one.files == two.files
    for name in one.files:
        np.testing.assert_allclose(one[name], two[name], rtol=1e-4, atol=1e-5, err_msg=name)
