"""The fused BatchNorm gives Keras' numbers: outputs, gradients, statistics."""

import keras
import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

from keras import layers
from keras_vid.training.run.batch_norm import fuse_batch_norm


@pytest.mark.parametrize("shape", [(6,), (5, 6), (4, 4, 6), (3, 4, 4, 6)], ids=["vector", "sequence", "image", "clip"])
@pytest.mark.parametrize("affine", [True, False])
def test_numbers_are_keras_own(shape, affine):
    rng = np.random.default_rng(0)
    x = tf.constant(rng.normal(2.0, 3.0, (8, *shape)), tf.float32)
    weight = tf.constant(rng.normal(size=x.shape), tf.float32)
    results = []
    for fuse in (False, True):
        net = keras.Sequential(
            [keras.Input(shape), layers.BatchNormalization(epsilon=1e-3, scale=affine, center=affine)]
        )
        for variable in net.trainable_variables:
            variable.assign(np.random.default_rng(1).normal(1.0, 0.3, variable.shape))
        assert not fuse or fuse_batch_norm(net) == 1
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = net(x, training=True)
            loss = tf.reduce_sum(y * weight)
        gradients = tape.gradient(loss, [x, *net.trainable_variables])
        statistics = [v.numpy() for v in net.non_trainable_variables]
        results.append([y, *gradients, *statistics, net(x, training=False)])
    for ours, keras_own in zip(*results):
        np.testing.assert_allclose(ours, keras_own, rtol=2e-4, atol=2e-5)


def test_frozen_and_synchronised_layers_stay_keras_own():
    net = keras.Sequential([keras.Input((4, 4, 3)), layers.BatchNormalization(), layers.BatchNormalization()])
    net.layers[0].synchronized, net.layers[1].trainable = True, False
    assert fuse_batch_norm(net) == 1
    before = net.layers[1].moving_mean.numpy()
    net(np.ones((2, 4, 4, 3), "float32") * 5, training=True)
    assert (net.layers[1].moving_mean.numpy() == before).all()


def test_a_fused_network_saves_as_keras_own(tmp_path):
    net = keras.Sequential([keras.Input((4, 4, 3)), layers.BatchNormalization()])
    fuse_batch_norm(net)
    net.save(tmp_path / "net.keras")
    assert type(keras.models.load_model(tmp_path / "net.keras").layers[0]) is layers.BatchNormalization
