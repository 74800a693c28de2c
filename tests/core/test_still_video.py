"""Real photos through real ResNet-50 weights: a still clip gets the answer, and the label, of its picture."""

import json

import numpy as np
import pytest
from keras import applications, ops
from PIL import Image

from keras_vid.layers import TemporalShift
from keras_vid.surgery import inflate, insert

ANIMALS = {"cat": range(281, 286), "dog": range(151, 269)}  # ImageNet's classes of domestic cats and of dogs
FIRST = ["conv3_block1", "conv4_block1"]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def resnet50():
    """keras.applications.ResNet50 with the published weights, without its softmax."""
    import os
    from pathlib import Path

    folder = Path(os.environ.get("KERAS_VID_DATA", "")) / "imagenet"
    if not folder.is_dir():
        pytest.skip("KERAS_VID_DATA names no folder of real data")
    net = applications.ResNet50(weights=None, classifier_activation=None)
    with np.load(folder / "resnet50_imagenet_f16.npz") as archive:
        for weight in net.weights:
            weight.assign(archive[weight.path].astype("float32"))
    return net


def photo(data, name):
    with Image.open(data / "imagenet" / f"{name}.jpeg") as image:
        image = image.convert("RGB").resize((224, 224), Image.BILINEAR)
    return applications.resnet.preprocess_input(np.asarray(image, "float32")[None])


def answer(net, x):
    return ops.convert_to_numpy(net(x, training=False))


def still(image, frames):
    return np.repeat(image[:, None], frames, axis=1)


def test_photos_have_the_right_labels(resnet50, data):
    names = json.loads((data / "imagenet" / "labels.json").read_text())
    assert names["281"] == "tabby" and names["151"] == "Chihuahua"
    right = [
        answer(resnet50, photo(data, f"{animal}{i}")).argmax() in ANIMALS[animal]
        for animal in ANIMALS
        for i in (1, 2, 3, 4)
    ]
    assert sum(right) == 8


@pytest.mark.parametrize("name", ["cat1", "dog2"])
def test_frames_answer_as_the_picture(resnet50, data, name):
    image = photo(data, name)
    video = insert(resnet50, frames=2)
    expected = answer(resnet50, image)
    np.testing.assert_allclose(answer(video, still(image, 2)), np.repeat(expected, 2, 0), rtol=1e-3, atol=1e-3)


def test_shifted_frames_answer_as_the_picture_where_no_edge_reaches(resnet50, data):
    """Two shifts: the first and last two frames feel the zeros beyond the clip, the one between them does not."""
    image = photo(data, "cat1")
    before = {f"{block}_1_conv": TemporalShift(5, name=f"{block}_shift") for block in FIRST}
    answers = answer(insert(resnet50, frames=5, before=before), still(image, 5))
    expected = answer(resnet50, image)[0]
    np.testing.assert_allclose(answers[2], expected, rtol=1e-3, atol=1e-3)
    assert all(np.abs(answers[i] - expected).max() > 0.01 for i in (0, 1, 3, 4))


def test_an_inflated_network_answers_a_still_clip_as_the_picture(resnet50, data):
    image = photo(data, "dog1")
    video = inflate(resnet50, frames=3, start="centre")
    expected = answer(resnet50, image)
    np.testing.assert_allclose(answer(video, still(image, 3)), expected, rtol=1e-3, atol=1e-3)
    repeated = answer(inflate(resnet50, frames=3), still(image, 3))  # its first and last frame see a darkened clip
    assert repeated.argmax() in ANIMALS["dog"]
