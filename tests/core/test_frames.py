"""Folding frames into the batch and back."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from keras_vid.layers.frames import Fold, Unfold, fold, height_as_time, over_time, time_as_height, unfold


def numbered(*shape):
    return np.arange(np.prod(shape), dtype="float32").reshape(shape)


def test_unfold_undoes_fold():
    x = numbered(2, 3, 4, 5, 6)
    folded = fold(x)
    assert tuple(folded.shape) == (6, 4, 5, 6)
    np.testing.assert_array_equal(folded[4], x[1, 1])
    np.testing.assert_array_equal(unfold(folded, 3), x)


def test_rows_of_a_time_image_are_frames():
    x = numbered(6, 4, 5, 7)
    tall = time_as_height(x, 3)
    assert tuple(tall.shape) == (2, 3, 20, 7)
    np.testing.assert_array_equal(tall[1, 2], x[5].reshape(20, 7))
    np.testing.assert_array_equal(height_as_time(tall, 4, 5), x)


def test_over_time_is_a_convolution_along_frames_of_one_clip():
    previous = layers.DepthwiseConv2D((3, 1), padding="same", use_bias=False)
    previous.build((None, 3, None, 2))
    previous.set_weights([np.array([1.0, 0, 0], "float32").reshape(3, 1, 1, 1) * np.ones((1, 1, 2, 1), "float32")])
    x = numbered(6, 4, 4, 2) + 1
    y = ops.convert_to_numpy(over_time(previous, x, 3))
    np.testing.assert_array_equal(y[[0, 3]], 0)
    np.testing.assert_array_equal(y[[1, 2, 4, 5]], x[[0, 1, 3, 4]])


@pytest.mark.parametrize("size", [8, None])
def test_layers_in_a_graph_of_any_batch_and_size(size, tmp_path):
    clip = keras.Input((3, size, size, 2))
    model = keras.Model(clip, Unfold(3)(Fold()(clip)))
    assert model.output.shape == (None, 3, size, size, 2)
    model.save(tmp_path / "net.keras")
    x = numbered(2, 3, 8, 8, 2)
    np.testing.assert_array_equal(keras.saving.load_model(tmp_path / "net.keras").predict(x, verbose=0), x)
