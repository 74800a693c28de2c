import keras
import numpy as np
import pytest

pytest.importorskip("tensorflow")

from keras import ops
from keras_vid.training.run.optimizer import SGD, AdamW


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
