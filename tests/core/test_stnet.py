"""StNet: the paper's counts, its switches, and the properties of every video network."""

import keras
import numpy as np
import pytest
from keras import layers, ops
from random_weights import scatter, settle_norms
from temporal_checks import (
    check_clips_apart,
    check_frame_order_matters,
    check_gradients,
    check_mixed_precision,
    check_round_trip,
    clips,
    logits,
)

from keras_vid.explain.macs import macs, parameters
from keras_vid.layers.super_image import widen_stem
from keras_vid.models.stnet import StNet
from keras_vid.utils.late import shapes_only

SMALL = {"classes": 3, "size": 32}


def tiny(**options):
    return StNet(**{**SMALL, "backbone": "mobilenet_v2", "frames": 6, "length": 2, **options})


@pytest.mark.parametrize(
    "backbone, count, giga",
    [("resnet50", 33_158_864, 189.29), pytest.param("resnet101", 52_150_992, 310.50, marks=pytest.mark.slow)],
)
@shapes_only()
def test_counts_are_the_papers(backbone, count, giga):
    model = StNet(400, 125, backbone=backbone)
    assert parameters(model) == count
    assert macs(model, size=256) == pytest.approx(giga * 1e9, rel=1e-3)


@pytest.mark.slow
@shapes_only()
def test_counts_on_inception_resnet():
    model = StNet(600, 125, backbone="inception_resnet_v2")
    norms = [layer for layer in model.layers if isinstance(layer, layers.BatchNormalization) and not layer.scale]
    scales = sum(layer.beta.shape[0] for layer in norms)  # keras.applications trains no scale, the paper's network did
    assert parameters(model) + scales == 72_125_144
    assert macs(model, size=331) == pytest.approx(439.57e9, rel=1e-3)


@pytest.mark.slow
@shapes_only()
def test_table_2_switches():
    """Without any of its three parts StNet is TSN; each part brings what it should."""
    plain = StNet(600, length=1, modelling=None, xception=False, frames=7)
    assert parameters(plain) == 23_508_032 + 2048 * 600 + 600
    wide = StNet(600, modelling=None, xception=False)
    assert parameters(wide) - parameters(plain) == 12 * 49 * 64
    full = StNet(600, xception=False)
    assert parameters(full) - parameters(wide) == sum(3 * c * c + 3 * c for c in (512, 1024))


@shapes_only()
def test_paper_form_has_the_same_count():
    assert parameters(tiny(modelling="paper")) == parameters(tiny())


def test_a_still_clip_is_seen_as_its_frame():
    """The widened stem keeps what the image network's first convolution would have answered."""
    still = tiny(modelling=None, xception=False)
    image = tiny(modelling=None, xception=False, length=1, frames=3)
    settle_norms(scatter(image), clips(image, 8, seed=1))
    kernel = image.get_layer("Conv1").get_weights()[0]
    for layer in still.layers:
        if layer.weights:
            weights = image.get_layer(layer.name).get_weights()
            layer.set_weights([widen_stem(kernel, 2)] if layer.name == "Conv1" else weights)
    frame = np.random.default_rng(0).uniform(0, 255, (1, 1, 32, 32, 3)).astype("float32")
    a, b = logits(still, frame.repeat(6, 1)), logits(image, frame.repeat(3, 1))
    scale = np.abs(b).max()
    np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4 * scale)
    assert np.abs(logits(image, 255 - frame.repeat(3, 1)) - b).max() > 0.01 * scale  # logits hang on the frame


def test_stem_starts_widened():
    model = tiny()
    kernel = ops.convert_to_numpy(model.get_layer("Conv1").kernel)
    assert kernel.shape == (3, 3, 6, 32)
    np.testing.assert_array_equal(kernel[:, :, :3], kernel[:, :, 3:])


def test_a_grey_stem_is_blind_to_colour(tmp_path):
    """Colours of the same mean look alike to it; its kernels are the colour stem's, averaged."""
    frames = np.zeros((2, 6, 32, 32, 3), "float32")
    frames[0, ..., 0], frames[1, ..., 2] = 200, 200  # red and blue
    answers = {}
    for grey in (False, True):
        model = tiny(modelling=None, grey_stem=grey)
        stem = ops.convert_to_numpy(model.get_layer("Conv1").kernel)
        answers[grey] = [stem[:, :, i] for i in range(6)]
        stem_of = keras.Model(model.input, model.get_layer("Conv1").output)
        red, blue = np.split(ops.convert_to_numpy(stem_of(frames)), 2)
        assert np.allclose(red, blue, atol=1e-5) == grey
    assert all(np.array_equal(one, answers[True][0]) for one in answers[True])
    model.get_layer("Conv1").set_weights([np.stack(answers[False], 2)])
    model.save_weights(tmp_path / "trained.weights.h5")
    again = tiny(modelling=None, grey_stem=True, weights=str(tmp_path / "trained.weights.h5"))
    assert np.array_equal(again.get_layer("Conv1").get_weights()[0], np.stack(answers[False], 2))


@shapes_only()
def test_places_of_the_modelling_blocks():
    blocks = [layer.name for layer in tiny(places=("block_5_add",)).layers if layer.name.endswith("_modelling")]
    assert blocks == ["block_5_add_modelling"]
    with pytest.raises(ValueError, match="block_99"):
        tiny(places=("block_99",))


def test_properties(tmp_path):
    model = tiny()
    check_clips_apart(model)
    check_frame_order_matters(model)
    check_gradients(model)
    check_round_trip(model, tmp_path)


@pytest.mark.slow
def test_clips_stay_apart_on_se_resnext():
    check_clips_apart(
        tiny(backbone="se_resnext101")
    )  # no gradients: TensorFlow has none of grouped convolutions on CPU


def test_frame_order_does_not_matter_to_tsn():
    check_frame_order_matters(tiny(length=1, modelling=None, xception=False), matters=False)


def test_mixed_precision():
    check_mixed_precision(tiny)


def test_any_size_and_features():
    model = tiny(size=None, classes=0)
    assert model.output.shape == (None, 1024)
    assert model(np.zeros((1, 6, 40, 56, 3), "float32")).shape == (1, 1024)


@shapes_only()
def test_flow_input():
    assert tiny(channels=10).input_shape == (None, 6, 32, 32, 10)


def test_mistakes_are_named():
    with pytest.raises(ValueError, match="7 frames do not divide into super-images of 2"):
        tiny(frames=7)
    with pytest.raises(ValueError, match="StNet is not defined on 'vgg16'"):
        tiny(backbone="vgg16")
