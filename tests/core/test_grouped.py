"""Grouped convolutions: Keras' numbers, and a gradient everywhere."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from keras_vid.layers import GroupedConv2D


@pytest.mark.parametrize("groups, strides, padding", [(32, 1, "same"), (4, 2, "valid"), (6, 1, "same"), (1, 1, "same")])
def test_each_output_sees_its_group_as_a_convolution_of_its_own_does(groups, strides, padding):
    x = np.random.default_rng(0).normal(size=(2, 6, 6, 2 * groups)).astype("float32")
    layer = GroupedConv2D(4 * groups, 3, strides, padding, groups=groups)
    answer = ops.convert_to_numpy(layer(x))
    kernel, _ = layer.get_weights()
    assert kernel.shape == (3, 3, 2, 4 * groups)
    for group in range(groups):
        single = layers.Conv2D(4, 3, strides, padding)
        part = x[..., 2 * group : 2 * group + 2]
        single.build(part.shape)
        own = slice(4 * group, 4 * group + 4)
        single.set_weights([kernel[..., own], np.zeros(4, "float32")])
        np.testing.assert_allclose(answer[..., own], ops.convert_to_numpy(single(part)), rtol=1e-4, atol=1e-5)


def test_it_trains_where_no_grouped_gradient_exists():
    image = keras.Input((6, 6, 8))
    x = GroupedConv2D(8, 3, groups=4, padding="same", name="grouped")(image)
    model = keras.Model(image, layers.GlobalAveragePooling2D()(x))
    model.compile("sgd", "mse", run_eagerly=keras.backend.backend() != "jax")
    before = model.get_layer("grouped").get_weights()[0]
    rng = np.random.default_rng(0)
    model.train_on_batch(rng.normal(size=(2, 6, 6, 8)), rng.normal(size=(2, 8)))
    assert (model.get_layer("grouped").get_weights()[0] != before).all()
