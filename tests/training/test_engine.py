"""A test by OpenVINO gives the scores of a test by TensorFlow."""

import numpy as np
import pytest

pytest.importorskip("openvino")

from keras_vid.training.data.load import load_dataset
from keras_vid.training.evaluation.evaluate import scores_of
from keras_vid.training.evaluation.windowed import computed_by
from keras_vid.training.recipes import recipe
from networks import scattered

from keras_vid.video import synthetic


def test_scores_are_the_same(tmp_path):
    synthetic.write_dataset(tmp_path, 3, frames=12, size=40, classes=synthetic.CLASSES[-2:])
    dataset = load_dataset("folder", tmp_path, None)
    network = scattered("tsm_resnet14", classes=2, frames=4, size=32)
    protocol = recipe("tsm_resnet14", size=32, short=36, frames=4, test_frames=4, test_size=32, views=2, crops=1)
    places, theirs, _ = scores_of(network, dataset, protocol, batch=4)
    found, ours, failures = scores_of(computed_by(network, "openvino"), dataset, protocol, batch=4)
    assert found == places and len(found) == 6 and not failures.rows
    assert np.ptp(theirs[:, 0]) > 0.02  # clips are told apart, so that mixing them up would show
    np.testing.assert_allclose(ours, theirs, atol=1e-4)
