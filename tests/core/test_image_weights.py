"""ImageNet weights of keras.applications in our networks: the same features from the same picture."""

import functools

import h5py
import keras
import numpy as np
import pytest
from keras import applications, layers, ops
from random_weights import scatter, settle_norms

import keras_vid
from keras_vid import weights
from keras_vid.backbones import bridges
from keras_vid.models.variants import VARIANTS
from keras_vid.weights.imagenet import IMAGENET

NETS = {  # backbone: (constructor, its preprocessing, side of the picture)
    "vgg16": (applications.VGG16, applications.vgg16.preprocess_input, 32),
    "mobilenet_v2": (applications.MobileNetV2, applications.mobilenet_v2.preprocess_input, 32),
    "inception_resnet_v2": (applications.InceptionResNetV2, applications.inception_resnet_v2.preprocess_input, 75),
}
BACKBONES = ["vgg16", "mobilenet_v2", pytest.param("inception_resnet_v2", marks=pytest.mark.slow)]


def publish(net, path):
    """Write a network's weights as keras.applications publishes them: a group a layer, in the network's order."""
    layers = [layer for layer in net.layers if layer.weights]
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [layer.name.encode() for layer in layers]
        for layer in layers:
            group = file.create_group(layer.name)
            group.attrs["weight_names"] = [f"{layer.name}/{weight.name}:0".encode() for weight in layer.weights]
            for weight in layer.weights:
                group[f"{layer.name}/{weight.name}:0"] = ops.convert_to_numpy(weight)


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """(an image network of random weights, its file) of each backbone, made once."""
    folder = tmp_path_factory.mktemp("published")

    @functools.cache
    def make(backbone):
        constructor, _, size = NETS[backbone]
        net = constructor(weights=None, include_top=False, input_shape=(size, size, 3), pooling="avg")
        settle_norms(scatter(net), np.random.default_rng(0).normal(0, 1, (8, size, size, 3)).astype("float32"))
        path = folder / f"{backbone}_notop.h5"
        publish(net, path)
        return net, path

    return make


@pytest.mark.parametrize("backbone", BACKBONES)
def test_a_frame_has_the_features_of_the_image_network(backbone, published):
    net, path = published(backbone)
    _, preprocess, size = NETS[backbone]
    model = keras_vid.create(f"tsn_{backbone}", classes=0, frames=2, size=size, weights=str(path))
    frame = np.random.default_rng(1).integers(0, 256, (1, size, size, 3)).astype("float32")
    expected = ops.convert_to_numpy(net(preprocess(frame.copy()), training=False))
    answer = ops.convert_to_numpy(model(np.stack([frame, frame], 1), training=False))
    np.testing.assert_allclose(answer, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())
    other = ops.convert_to_numpy(net(preprocess(255 - frame), training=False))
    assert np.abs(other - expected).max() > 0.01 * np.abs(expected).max()  # features hang on the picture


@pytest.mark.parametrize(
    "name, options",
    [
        ("sth_vgg16", {"frames": 2, "size": 32}),
        ("tsm_mobilenet_v2", {"frames": 2, "size": 32, "channels": 2}),
        ("sth_mobilenet_v2", {"frames": 2, "size": 32}),
        ("stnet_mobilenet_v2", {"frames": 10, "size": 32}),
    ],
)
def test_every_weight_of_the_image_network_arrives(name, options, published):
    backbone = next(backbone for backbone in NETS if name.endswith(backbone))
    net, path = published(backbone)
    model = keras_vid.create(name, classes=3, weights=str(path), **options)
    last = next(layer for layer in reversed(net.layers) if layer.weights)
    twin = {layer.name.removesuffix("_hybrid"): layer for layer in model.layers if layer.weights}[last.name]
    if not hasattr(twin, "adopt"):
        for ours, theirs in zip(twin.get_weights(), last.get_weights(), strict=True):
            np.testing.assert_array_equal(ours, theirs)
    stem = next(layer for layer in model.layers if layer.weights)
    kernel = next(layer for layer in net.layers if layer.weights).get_weights()[0]
    ours = stem.get_weights()[0]
    if ours.shape[2] == 15:  # super-images: every frame gets a fifth of the kernel
        np.testing.assert_allclose(ours, np.tile(kernel / 5, (1, 1, 5, 1)), rtol=1e-5)
    if ours.shape[2] == 2:
        np.testing.assert_allclose(ours[:, :, 0], kernel.mean(2), rtol=1e-5)


def test_names_of_layers_do_not_depend_on_what_was_built_before():
    def build():
        image = keras.Input((4, 4, 3))
        x = layers.Conv2D(2, 1)(image)
        x = layers.Conv2D(2, 1)(x)
        return bridges.numbered_anew(keras.Model(image, layers.ReLU(name="conv2d_9")(x)))

    build()
    assert [layer.name for layer in build().layers] == ["input_layer", "conv2d", "conv2d_1", "conv2d_9"]


def test_files_that_do_not_fit_are_told(published, tmp_path):
    _, path = published("mobilenet_v2")
    with pytest.raises(ValueError, match="notop.h5 is not vgg16 without its classifier"):
        keras_vid.create("tsn_vgg16", weights=str(path))
    with pytest.raises(ValueError, match="tsn_resnet50 is made of no keras.applications network"):
        keras_vid.create("tsn_resnet50", weights=str(path))
    with pytest.raises(FileNotFoundError, match="none.h5 does not exist"):
        keras_vid.create("tsn_vgg16", weights=str(tmp_path / "none.h5"))


def test_imagenet_by_name_takes_the_published_file(published, tmp_path, monkeypatch):
    """Put where a fetched file would lie, as the message of a failed fetch says."""
    net, path = published("mobilenet_v2")
    monkeypatch.setenv("KERAS_VID_HOME", str(tmp_path))
    target = tmp_path / "tsn_mobilenet_v2-imagenet" / IMAGENET["mobilenet_v2"][0].rsplit("/", 1)[1]
    target.parent.mkdir()
    target.write_bytes(path.read_bytes())
    model = keras_vid.create("tsn_mobilenet_v2", weights="imagenet", frames=2, size=32)
    np.testing.assert_array_equal(model.get_layer("Conv_1").get_weights()[0], net.get_layer("Conv_1").get_weights()[0])


def test_every_network_on_a_published_backbone_has_imagenet_weights():
    names = [name for name, row in VARIANTS.items() if row.options.get("backbone") in IMAGENET]
    assert len(names) > 30 and all((name, "imagenet") in weights.WEIGHTS for name in names)
