"""Weights that start at random: the distributions of Keras, drawn once, and only where nothing else fills them."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_vid
from keras_vid.explain.macs import layer_macs
from keras_vid.surgery import insert
from keras_vid.utils.late import draw, drawn_late, shapes_only


@pytest.mark.parametrize("shape", [(3, 3, 64, 96), (1, 1, 256, 64), (500, 40), (3, 1, 512, 1)])
@pytest.mark.parametrize("kind", [keras.initializers.HeNormal, keras.initializers.GlorotUniform])
def test_kernels_are_drawn_as_keras_draws_them(kind, shape):
    ours, theirs = (
        np.asarray(values, "float64").ravel() for values in (draw(kind(seed=3), shape), kind(seed=5)(shape))
    )
    assert ours.std() == pytest.approx(theirs.std(), rel=0.05) and abs(ours.mean()) < 0.1 * ours.std()
    window, inputs, outputs = np.prod(shape[:-2]), *shape[-2:]
    limit = (6 / (window * (inputs + outputs))) ** 0.5
    if kind is keras.initializers.HeNormal:
        limit = 2 * (2 / (window * inputs)) ** 0.5 / 0.8796256610342398  # nothing beyond two deviations
    assert 0.95 * limit < np.abs(ours).max() <= limit * (1 + 1e-6)
    quantiles = np.linspace(0.05, 0.95, 19)
    np.testing.assert_allclose(np.quantile(ours, quantiles), np.quantile(theirs, quantiles), atol=0.15 * ours.std())


def test_two_layers_differ_and_a_seed_repeats_them():
    def kernels():
        keras.utils.set_random_seed(1)
        model = keras_vid.create("tsn_resnet14", classes=3, frames=2, size=32)
        return [model.get_layer(f"conv4_block1_{i}_conv").get_weights()[0] for i in (1, 3)]

    (a, b), (again, _) = kernels(), kernels()
    np.testing.assert_array_equal(a, again)
    assert np.corrcoef(a.ravel()[:1000], b.ravel()[:1000])[0, 1] < 0.2


@pytest.mark.parametrize("name", ["s3dg", "tsm_resnet14", "stm_resnet14", "sth_resnet14", "stnet_resnet14"])
def test_no_weight_is_left_undrawn(name, tmp_path):
    model = keras_vid.create(name, classes=3)
    path = tmp_path / "x.weights.h5"
    model.save_weights(path)
    again = keras_vid.create(name, classes=3, weights=str(path))
    for one, two in zip(model.weights, again.weights):
        if "seed" not in one.path:
            assert np.isfinite(ops.convert_to_numpy(one)).all(), one.path
            np.testing.assert_array_equal(one, two)


def test_a_saved_network_is_loaded_without_a_draw(tmp_path, monkeypatch):
    model = keras_vid.create("tsm_resnet14", name="mine", classes=3, frames=2, size=32)
    kernel = model.trainable_weights[0]
    kernel.assign(np.full(kernel.shape, np.nan))  # a run that diverged stays so
    model.save(tmp_path / "x.keras")
    for kind in (keras.initializers.VarianceScaling, keras.initializers.RandomNormal):
        monkeypatch.setattr(kind, "__call__", lambda *_, **__: pytest.fail("random weights were drawn"))
    again = keras_vid.load_model(tmp_path / "x.keras")
    assert again.name == "mine"
    for one, two in zip(model.weights, again.weights, strict=True):
        np.testing.assert_array_equal(one, two)


def test_weights_that_a_file_does_not_fill_are_drawn():
    with drawn_late():
        filled, left = layers.Dense(2, name="a"), layers.Dense(2, name="b", kernel_initializer="he_normal")
        for layer in (filled, left):
            layer.build((None, 4))
        filled.set_weights([np.ones((4, 2)), np.zeros(2)])
        assert np.isnan(left.get_weights()[0]).all()
    assert (filled.get_weights()[0] == 1).all()
    assert np.isfinite(left.get_weights()[0]).all() and np.ptp(left.get_weights()[0]) > 0
    assert left.get_config()["kernel_initializer"]["class_name"] == "HeNormal"


@pytest.mark.parametrize("name", ["s3dg", "stnet_mobilenet_v2", "sth_resnet14", "c2d_resnet50"])
def test_shapes_alone_count_as_a_network_with_weights(name):
    whole = keras_vid.create(name, classes=3, size=64)
    with shapes_only():
        model = keras_vid.create(name, classes=3, size=64)
    assert [(w.path, w.shape) for w in model.trainable_weights] == [(w.path, w.shape) for w in whole.trainable_weights]
    assert layer_macs(model) == layer_macs(whole)
    assert all(weight._value is None for weight in model.weights) and not any(w._value is None for w in whole.weights)
    again = keras_vid.create(name, classes=3, size=64)  # afterwards weights are drawn as ever
    assert np.ptp(ops.convert_to_numpy(again.trainable_weights[0])) > 0


def test_layers_that_move_belong_to_the_video_alone():
    image = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, name="a")(image)
    net = keras.Model(image, layers.GlobalAveragePooling2D(name="end")(x), name="net")
    frame = np.random.default_rng(0).normal(size=(2, 8, 8, 3)).astype("float32")
    expected, layer = ops.convert_to_numpy(net(frame)), net.get_layer("a")
    video = insert(net, frames=2, keep=False)
    assert video.get_layer("a") is layer and layer.input is video.get_layer("fold").output
    np.testing.assert_allclose(ops.convert_to_numpy(video(frame[None])), expected, rtol=1e-5)
    again = keras.Model.from_config(video.get_config(), custom_objects={"Functional": keras.Model})
    assert [layer.name for layer in again.layers] == ["clip", "fold", "a", "end"]
