"""An image network made 3D answers a still clip like the frame, and sees time."""

import keras
import numpy as np
import pytest
from keras import applications, layers, ops
from random_weights import cut, settle_norms

from keras_vid.surgery import inflate

QUICK = ["ResNet50", "MobileNetV2", "VGG16"]
SLOW = ["ResNet50V2", "InceptionV3", "InceptionResNetV2", "EfficientNetB0", "DenseNet121"]
NETS = QUICK + [pytest.param(name, marks=pytest.mark.slow) for name in SLOW]


def image_net(constructor):
    size = 75 if "Inception" in constructor else 32
    net = getattr(applications, constructor)(
        weights=None, include_top=False, input_shape=(size, size, 3), pooling="avg"
    )
    if constructor == "InceptionResNetV2":
        net = cut(net, "block17_2_ac")
    return settle_norms(net, np.random.default_rng(1).uniform(0, 255, (8, size, size, 3)).astype("float32"))


@pytest.mark.parametrize("constructor", NETS)
def test_a_still_clip_is_answered_like_its_frame(constructor):
    net = image_net(constructor)
    video = inflate(net, frames=3, start="centre")
    frame = np.random.default_rng(0).uniform(0, 255, (1, *net.input_shape[1:])).astype("float32")
    still = np.repeat(frame[:, None], 3, axis=1)
    expected = ops.convert_to_numpy(net(frame, training=False))
    answer = ops.convert_to_numpy(video(still, training=False))
    np.testing.assert_allclose(answer, expected, rtol=1e-3, atol=1e-3 * np.abs(expected).max())
    other = ops.convert_to_numpy(net(255 - frame, training=False))
    assert np.abs(other - expected).max() > 0.01 * np.abs(expected).max()  # features hang on the picture


def tiny(**options):
    image = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, padding="same", name="conv")(image)
    x = layers.Conv2D(4, 3, strides=2, name="valid")(x)
    return inflate(keras.Model(image, layers.MaxPooling2D(2, name="pool")(x)), **options)


def test_repeated_kernels_add_up_to_the_images_and_see_their_neighbours():
    video = tiny(frames=7)
    kernel = video.get_layer("conv").get_weights()[0]
    assert kernel.shape == (3, 3, 3, 3, 4)
    np.testing.assert_allclose(kernel[0], kernel[2])
    clip = np.random.default_rng(0).normal(size=(1, 7, 8, 8, 3)).astype("float32")
    poked = clip.copy()
    poked[:, 3] += 1
    difference = ops.convert_to_numpy(video(poked)) - ops.convert_to_numpy(video(clip))
    felt = np.abs(difference).max(axis=(0, 2, 3, 4)) > 1e-5
    assert felt.tolist() == [False, True, True, True, True, True, False]  # two convolutions of three frames


def test_still_video_in_the_middle_of_repeated_kernels():
    image = keras.Input((8, 8, 3))
    net = keras.Model(image, layers.Conv2D(4, 3, padding="same", name="conv")(image))
    frame = np.random.default_rng(0).normal(size=(1, 8, 8, 3)).astype("float32")
    answer = ops.convert_to_numpy(inflate(net, frames=5)(np.repeat(frame[:, None], 5, axis=1)))
    np.testing.assert_allclose(
        answer[:, 1:-1], np.repeat(ops.convert_to_numpy(net(frame))[:, None], 3, axis=1), rtol=1e-4, atol=1e-5
    )


def test_what_cannot_be_inflated_is_named():
    image = keras.Input((8, 8, 3))
    net = keras.Model(image, layers.UpSampling2D(2, name="up")(image), name="odd")
    with pytest.raises(ValueError, match="layer 'up' is a UpSampling2D"):
        inflate(net, frames=4)
    with pytest.raises(ValueError, match="no middle"):
        inflate(net, frames=4, kernel=2)
    with pytest.raises(ValueError, match="start 'zero'"):
        inflate(net, frames=4, start="zero")
    with pytest.raises(ValueError, match="not a functional Keras model"):
        inflate(keras.Sequential([layers.Dense(2)]), frames=4)
