"""Folding: no BatchNorm is left, and the answers are the same."""

import keras
import numpy as np
import pytest
from keras import layers, ops
from keras_vid.saved_models.fold import fold
from keras_vid.saved_models.serving_layers import ScaleOffset
from networks import scattered
from random_weights import scatter

from keras_vid.inference.predict import random_clips
from keras_vid.layers import DepthwiseHybridConv, GroupedConv2D, HybridConv, TemporalConv

# Where BatchNorms stand after: convolutions of every kind, a ReLU, a sum, STH's weighed sum. The other families'
# exports are checked in test_export.py.
QUICK = ("s3dg", "sth_mobilenet_v2")
SLOW = ("stnet_mobilenet_v2", "r2plus1d_parallel_resnet50", "sth_resnet50")


def answers(model, clip):
    return ops.convert_to_numpy(model(clip, training=False))


def check(model, x, left=0):
    """Nothing but `left` scales and offsets stands for the BatchNorms, and no answer changes."""
    folded = fold(model)
    assert not any(isinstance(layer, (layers.BatchNormalization, layers.Dropout)) for layer in folded.layers)
    assert sum(isinstance(layer, ScaleOffset) for layer in folded.layers) == left
    expected = answers(model, x)
    assert np.abs(expected - expected.mean()).max() > 1e-3  # an answer that hangs on nothing would prove nothing
    np.testing.assert_allclose(answers(folded, x), expected, atol=1e-4 * max(1, np.abs(expected).max()))
    return folded


@pytest.mark.parametrize("name", [*QUICK, *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW)])
def test_every_kind_of_network(name):
    model = scattered(name)
    after_relu = sum(layer.name.endswith("_modelling_bn") for layer in model.layers)
    check(model, random_clips(model), left=after_relu + 1 if name.startswith("stnet") else 0)


@pytest.mark.parametrize(
    "layer",
    [
        layers.Conv2D(6, 3, 2, padding="same"),
        GroupedConv2D(6, 3, groups=2, use_bias=False),
        layers.DepthwiseConv2D(3, depth_multiplier=2),
        layers.SeparableConv2D(6, 3),
        layers.Conv2DTranspose(6, 3, 2),
        layers.Dense(6),
        TemporalConv(6, 3, frames=3),
        HybridConv(8, frames=3, padding="valid"),
        DepthwiseHybridConv(frames=3, strides=2),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_every_linear_layer_takes_a_batchnorm_in(layer):
    image = keras.Input((8, 8, 4))
    net = keras.Model(image, layers.BatchNormalization()(layer(image)))
    check(scatter(net), np.random.default_rng(0).normal(size=(6, 8, 8, 4)).astype("float32"))


def network_of(function, shape=(8, 8, 4)):
    image = keras.Input(shape)
    return scatter(keras.Model(image, function(image)))


def norm(**options):
    return layers.BatchNormalization(**options)


def test_what_a_convolution_cannot_take_in_becomes_a_scale_and_an_offset():
    def used_twice(x):
        x = layers.Conv2D(4, 1)(x)
        return layers.Add()([norm()(x), x])

    def shared(x):
        conv, bn = layers.Conv2D(4, 1), norm()
        return bn(conv(bn(x)))

    networks = {
        "after nothing": norm(),
        "after an activation": lambda x: norm()(layers.Conv2D(4, 3, activation="relu")(x)),
        "used twice": used_twice,
        "shared": shared,
        "of rows": lambda x: norm(axis=1)(layers.Conv2D(8, 1)(x)),
        "channels first": lambda x: norm(axis=-1)(layers.Conv2D(3, 1, data_format="channels_first")(x)),
    }
    x = np.random.default_rng(0).normal(size=(2, 8, 8, 4)).astype("float32")
    for name, function in networks.items():
        if name == "channels first":  # no CPU computes it: what matters is that nothing is folded
            assert fold(network_of(function)).count_params() == 8 * 3 + 3 + 2 * 4
        else:
            check(network_of(function), x, left=1)


def test_through_sums_dropouts_and_other_batchnorms():
    def block(x):
        terms = [layers.Conv2D(4, 3, padding="same")(x), layers.DepthwiseConv2D(1)(x), layers.Dense(4)(x)]
        return norm()(layers.Dropout(0.5)(norm(scale=False)(layers.Add()(terms))))

    check(network_of(block), np.random.default_rng(0).normal(size=(2, 8, 8, 4)).astype("float32"))


def test_an_endpoint_is_not_folded_away():
    image = keras.Input((8, 8, 4))
    x = layers.Conv2D(4, 1)(image)
    net = scatter(keras.Model(image, [norm()(x), x]))
    x = np.random.default_rng(0).normal(size=(2, 8, 8, 4)).astype("float32")
    for a, b in zip(net(x, training=False), fold(net)(x, training=False)):
        np.testing.assert_allclose(a, b, atol=1e-5)


@pytest.mark.slow
def test_one_precision_but_for_pixels_and_answers():
    model = scattered("tsm_mobilenet_v2")
    net = fold(model, "bfloat16")
    kinds = {layer.name: {str(weight.dtype) for weight in layer.weights} for layer in net.layers if layer.weights}
    assert kinds.pop("classifier") == {"float32"}
    assert set(map(frozenset, kinds.values())) == {frozenset({"bfloat16"})}
    assert net.get_layer("rescaling").compute_dtype == "float32"
    assert net.output.dtype == "float32"


@pytest.mark.slow
def test_trained_in_mixed_precision():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = scattered("s3dg")
    finally:
        keras.config.set_dtype_policy("float32")
    plain = scattered("s3dg")
    plain.set_weights(model.get_weights())
    folded = fold(model)
    assert {layer.compute_dtype for layer in folded.layers} == {"float32"}
    x = random_clips(model)
    np.testing.assert_allclose(answers(folded, x), answers(plain, x), atol=1e-3)


def test_what_is_no_graph_is_named():
    with pytest.raises(ValueError, match="'chain' is not a functional Keras model"):
        fold(keras.Sequential([layers.Dense(2)], name="chain"))
