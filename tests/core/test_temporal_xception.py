"""StNet's temporal blocks, super-images, and the sequence models of its Table 1."""

import keras
import numpy as np
import pytest
from keras import ops
from temporal_checks import check_gradients, check_round_trip, check_temporal_layer

from keras_vid.explain.macs import macs, parameters
from keras_vid.layers.super_image import SuperImage, widen_stem
from keras_vid.layers.temporal_xception import temporal_modelling, temporal_xception
from keras_vid.models.sequence import SEQUENCE_MODELS, SequenceModel

# parameters with 1536 features and 400 labels; in the paper's table TXB 4.6M, LSTM 10.9M, GRU 8.3M
COUNTS = {
    "mean": 614_800,
    "txb": 4_624_784,
    "txb_without_batch_norm": 4_624_784 - 2 * 1536,
    "txb_without_channel_conv": 4_624_784 - 4 * (1536 + 1024),
    "txb_without_temporal_conv": 3 * 2 * 1536 + 2 * 4 * 1536 + 1536 * 400 + 400,
    "txb_without_short_branch": 4_624_784 - 1537 * 1024,
    "txb_without_long_branch": 2 * 1536 + 1537 * 1024 + 2 * 1024 + 410_000,
    "temporal_conv": 8_276_368,
    "lstm": 10_899_856,
    "gru": 8_277_392,
}


def image_model(function, size=6, channels=8):
    x = keras.Input((size, size, channels))
    return keras.Model(x, function(x))


@pytest.mark.parametrize("form", ["code", "paper"])
def test_modelling_block_reaches_one_super_image(form):
    model = image_model(lambda x: temporal_modelling(x, 5, "tm", form), channels=16)
    check_temporal_layer(model, reach=1)
    assert parameters(model) == 3 * 16 * 16 + 16 + 2 * 16


def test_modelling_block_starts_as_the_papers_mean():
    model = image_model(lambda x: temporal_modelling(x, 3, "tm", "paper"))
    x = np.full((3, 6, 6, 8), 2.0, "float32")
    y = ops.convert_to_numpy(model(x))[:, 0, 0, 0]
    np.testing.assert_allclose(y, [4 / 3, 2, 4 / 3], rtol=1e-4)  # two, three and two of three frames


def test_unknown_form_is_refused():
    with pytest.raises(ValueError, match="form 'best'"):
        image_model(lambda x: temporal_modelling(x, 3, "tm", "best"))


def test_super_images_are_frame_after_frame():
    clip = np.arange(2 * 6 * 4 * 4 * 3, dtype="float32").reshape(2, 6, 4, 4, 3)
    stacked = ops.convert_to_numpy(SuperImage(3)(clip))
    assert stacked.shape == (4, 4, 4, 9)
    np.testing.assert_array_equal(stacked[3, ..., 3:6], clip[1, 4])
    np.testing.assert_array_equal(SuperImage(1)(clip), clip.reshape(12, 4, 4, 3))
    assert SuperImage(3)(keras.Input((6, None, None, 3))).shape == (None, None, None, 9)
    with pytest.raises(ValueError, match="7 frames do not divide into super-images of 3"):
        SuperImage(3)(keras.Input((7, 4, 4, 3)))


@pytest.mark.parametrize("colours", [True, False])
def test_widened_stem_answers_a_still_super_image_like_its_frame(colours):
    rng = np.random.default_rng(0)
    kernel = rng.normal(size=(7, 7, 3, 4)).astype("float32")
    image = rng.normal(size=(1, 9, 9, 3)).astype("float32")
    if not colours:
        image = image.mean(-1, keepdims=True).repeat(3, -1)
    wide = ops.conv(np.tile(image, (1, 1, 1, 5)), widen_stem(kernel, 5, colours))
    np.testing.assert_allclose(
        ops.convert_to_numpy(wide), ops.convert_to_numpy(ops.conv(image, kernel)), rtol=1e-4, atol=1e-4
    )


def test_block_reaches_two_steps_and_only_one_without_its_long_branch():
    x = keras.Input((7, 16))
    for without, reach in ((None, 2), ("short_branch", 2), ("channel_conv", 0), ("long_branch", 0)):
        model = keras.Model(x, temporal_xception(x, "txb", 16, without))
        still = np.random.default_rng(0).normal(size=(1, 7, 16)).astype("float32")
        moved = still.copy()
        moved[0, 3] += 1
        felt = np.abs(ops.convert_to_numpy(model(moved)) - ops.convert_to_numpy(model(still)))[0].max(-1)
        assert np.flatnonzero(felt > 1e-6).tolist() == list(range(3 - reach, 4 + reach))


def test_unknown_parts_and_kinds_are_refused():
    with pytest.raises(ValueError, match="no part 'bias'"):
        temporal_xception(keras.Input((7, 16)), "txb", without="bias")
    with pytest.raises(ValueError, match="no sequence model is called 'rnn'"):
        SequenceModel("rnn")


@pytest.mark.parametrize("kind", SEQUENCE_MODELS)
def test_counts_of_table_1(kind):
    assert parameters(SequenceModel(kind)) == COUNTS[kind]


def test_multiply_adds_of_sequence_models():
    assert macs(SequenceModel("temporal_conv")) == 25 * 3 * 1024 * (1536 + 1024) + 1024 * 400
    assert macs(SequenceModel("lstm")) == 25 * 4 * 1024 * (1536 + 1024) + 1024 * 400


@pytest.mark.parametrize("kind", SEQUENCE_MODELS)
def test_sequence_models_train_and_survive_saving(kind, tmp_path):
    model = SequenceModel(kind, classes=3, frames=4, channels=16)
    check_gradients(model)
    check_round_trip(model, tmp_path)
