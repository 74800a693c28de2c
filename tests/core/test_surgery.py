"""Network surgery: layers put into copies of image networks."""

import keras
import numpy as np
import pytest
from keras import applications, layers, ops
from random_weights import cut, settle_norms

from keras_vid.layers.temporal import ChannelTemporalConv
from keras_vid.surgery import carry_weights, insert

QUICK = ("MobileNetV2", "VGG16")
NETS = ("ResNet50", "ResNet50V2", "InceptionV3", "InceptionResNetV2", "EfficientNetB0", "DenseNet121")


def image_net(constructor):
    make = getattr(applications, constructor)
    net = make(weights=None, include_top=False, input_shape=(75, 75, 3), pooling="avg")
    return cut(net, "block17_2_ac") if constructor == "InceptionResNetV2" else net


@pytest.mark.parametrize("constructor", [*QUICK, *(pytest.param(n, marks=pytest.mark.slow) for n in NETS)])
def test_a_copy_answers_each_frame_as_the_image_network_does(constructor):
    net = image_net(constructor)
    settle_norms(net, np.random.default_rng(1).uniform(0, 255, (8, 75, 75, 3)).astype("float32"))
    middle = [
        layer for layer in net.layers if isinstance(layer, layers.ReLU | layers.Activation | layers.MaxPooling2D)
    ][1]
    video = insert(net, frames=2, after={middle.name: layers.Identity(name="here")})
    assert any(layer.name == "here" for layer in video.layers)
    clip = np.random.default_rng(0).uniform(0, 255, (1, 2, 75, 75, 3)).astype("float32")
    clip[:, 1] /= 4
    answer, expected = ops.convert_to_numpy(video(clip)), ops.convert_to_numpy(net(clip[0]))
    scale = np.abs(expected).max()
    np.testing.assert_allclose(answer, expected, rtol=1e-3, atol=1e-4 * scale)
    assert np.ptp(expected, axis=0).max() > 0.01 * scale  # features hang on the picture


def tiny():
    x = image = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, name="a")(x)
    y = layers.Conv2D(4, 3, padding="same", name="b")(x)
    return keras.Model(image, layers.Add(name="sum")([x, y]), name="tiny")


def test_before_after_and_replace():
    net = tiny()
    video = insert(
        net,
        frames=2,
        before={"b": ChannelTemporalConv(3, frames=2, name="time")},
        after={"sum": layers.ReLU(name="end")},
        replace={"a": layers.Conv2D(4, 5, name="wide")},
    )
    assert [layer.name for layer in video.layers[1:]] == ["fold", "wide", "time", "b", "sum", "end"]
    assert video.output_shape == (None, 4, 4, 4)
    np.testing.assert_array_equal(video.get_layer("b").get_weights()[0], net.get_layer("b").get_weights()[0])
    assert carry_weights(net, video) == ["wide", "time"]


@pytest.mark.parametrize(
    "where, message",
    [
        ({"before": {"c": None}}, "'tiny' has no layer 'c'"),
        ({"before": {"sum": None}}, "layer 'sum' of 'tiny' has 2 inputs: insert after it"),
        ({"replace": {"sum": None}}, "layer 'sum' of 'tiny' has 2 inputs"),
    ],
)
def test_impossible_operations_name_the_layer(where, message):
    with pytest.raises(ValueError, match=message):
        insert(tiny(), 2, **where)


def test_networks_that_cannot_be_operated_on():
    x = keras.Input((8, 8, 3))
    with pytest.raises(ValueError, match="layer 'tiny' of 'outer' is a model itself"):
        insert(keras.Model(x, tiny()(x), name="outer"), 2)
    with pytest.raises(ValueError, match="not a functional Keras model"):
        insert(keras.Sequential([layers.Dense(3)], name="stack"), 2)
    two = keras.Model([x, keras.Input((8, 8, 3))], layers.ReLU()(x), name="two")
    with pytest.raises(ValueError, match="2 inputs"):
        insert(two, 2)
