import subprocess
import sys

import keras
import numpy as np
import pytest

pytest.importorskip("tensorflow")

from keras import ops
from keras_vid.training.recipes import recipe
from keras_vid.training.run.optimizer import SGD, AdamW
from keras_vid.training.run.start import build

from keras_vid.cli import main
from keras_vid.video import synthetic


def test_decay_goes_through_the_momentum():
    """By hand: v = 0.9 v - lr (g + decay w), w = w + v, as PyTorch and TensorFlow 1 have it with an L2 loss."""
    weight = keras.Variable([[2.0]], name="kernel")
    optimizer = SGD(0.1, decay=0.5, momentum=0.9)
    by_hand, velocity = 2.0, 0.0
    for gradient in (1.0, -0.5, 0.25):
        optimizer.apply([ops.convert_to_tensor([[gradient]])], [weight])
        velocity = 0.9 * velocity - 0.1 * (gradient + 0.5 * by_hand)
        by_hand += velocity
        np.testing.assert_allclose(float(weight.value[0, 0]), by_hand, rtol=1e-6)


def test_vectors_are_not_decayed():
    """Biases and BatchNorm's variables have one axis."""
    bias = keras.Variable([3.0], name="bias")
    SGD(0.1, decay=0.5).apply([ops.zeros(1)], [bias])
    assert float(bias.value[0]) == 3.0


def test_the_whole_gradient_is_clipped():
    """Lengths 3 and 4 together are 5: cut to 1, they keep their ratio."""
    one, other = keras.Variable([0.0], name="a"), keras.Variable([0.0], name="b")
    SGD(1.0, clip=1.0).apply([ops.convert_to_tensor([3.0]), ops.convert_to_tensor([4.0])], [one, other])
    np.testing.assert_allclose([float(one.value[0]), float(other.value[0])], [-0.6, -0.8], rtol=1e-6)


def test_saved_and_loaded():
    config = keras.optimizers.serialize(SGD(0.1, decay=0.5, momentum=0.9, clip=2.0, rates={"bias": 2.0}))
    again = keras.optimizers.deserialize(config)
    assert (again.decay, again.momentum, again.clip, again.rates) == (0.5, 0.9, 2.0, {"bias": 2.0})


@pytest.mark.parametrize("kind", [SGD, AdamW])
def test_groups_of_variables_have_rates_of_their_own(kind):
    """A constant gradient moves each weight by its group's rate: TSM's first convolution, biases and classifier."""
    from keras import layers

    network = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Conv2D(4, 3, name="conv1"),
            layers.BatchNormalization(name="bn"),
            layers.Conv2D(4, 3, name="conv2"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(2, name="classifier"),
        ]
    )
    optimizer = kind(0.01, 0.0, rates={"first": 5.0, "bias": 2.0, "head": 5.0})
    before = [v.numpy() for v in network.trainable_variables]
    optimizer.apply([ops.ones(v.shape) for v in network.trainable_variables], network.trainable_variables)
    steps = [float(np.mean(old - v.numpy())) / 0.01 for old, v in zip(before, network.trainable_variables)]
    moved = dict(zip(("/".join(v.path.split("/")[-2:]) for v in network.trainable_variables), steps))
    expected = {"conv1/kernel": 5, "conv1/bias": 2, "bn/gamma": 1, "bn/beta": 1, "conv2/kernel": 1, "conv2/bias": 2}
    expected |= {"classifier/kernel": 5, "classifier/bias": 10}
    assert moved == pytest.approx(expected, rel=1e-3)


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("videos")
    synthetic.write_dataset(folder, clips=4, frames=4, size=24, classes=synthetic.CLASSES[:2])
    return folder


ONE_UPDATE = (
    "--size 24 --short 24 --frames 2 --bn frozen --unit steps --length 1 --warmup 0 --momentum 0 --lr 1".split()
)
ONE_UPDATE += "--schedule drops --scale-to-batch no --weight-decay 0 --no-validation --no-test -j 1".split()


def update(videos, run, *flags, new_process=False):
    """The weights of a network after one update, all in one vector."""
    command = ["train", "tsm_resnet14/synthetic", "--data", str(videos), "-o", str(run), *ONE_UPDATE, *flags]
    if new_process:
        subprocess.run([sys.executable, "-m", "keras_vid.cli", *command], check=True, capture_output=True)
    else:
        assert main(command) == 0
    weights = keras.models.load_model(run / "last.keras").get_weights()
    return np.concatenate([weight.ravel() for weight in weights])


@pytest.fixture(scope="module")
def one_step(videos, tmp_path_factory):
    """(the weights after a step of four clips, how far they moved)."""
    after = update(videos, tmp_path_factory.mktemp("runs") / "whole", "-b", "4", "--clip-norm", "0.01")
    keras.utils.set_random_seed(0)  # as a run of seed 0 begins
    network, _ = build(recipe("tsm_resnet14/synthetic", size=24, frames=2), ["walking_left", "walking_right"])
    before = np.concatenate([weight.ravel() for weight in network.get_weights()])
    return after, np.linalg.norm(after - before)


@pytest.mark.slow
def test_the_accumulated_gradient_is_clipped_as_a_whole(videos, tmp_path, one_step):
    """Two steps of half as many clips change the weights as one step does; two short gradients would not."""
    whole, moved = one_step
    assert moved == pytest.approx(0.01, rel=0.01)
    parts = update(videos, tmp_path / "run", "-b", "2", "--accumulate", "2", "--clip-norm", "0.01")
    assert np.linalg.norm(parts - whole) < 0.02 * moved


@pytest.mark.slow
def test_gradients_are_accumulated_on_two_devices(videos, tmp_path, one_step):
    flags = ["-b", "1", "--accumulate", "2", "--clip-norm", "0.01", "--strategy", "mirrored", "--devices", "2"]
    parts = update(videos, tmp_path / "run", *flags, new_process=True)  # devices are set up before TensorFlow computes
    assert np.linalg.norm(parts - one_step[0]) < 0.02 * one_step[1]
