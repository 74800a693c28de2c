import numpy as np
import pytest

pytest.importorskip("tensorflow")

from keras_vid.training.evaluation import metrics


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    scores = rng.dirichlet(np.ones(7), 200)
    return scores, rng.integers(0, 6, 200)  # class 6 has no clips


def test_against_scikit_learn(table):
    sklearn = pytest.importorskip("sklearn.metrics")
    scores, labels = table
    answers = scores.argmax(1)
    assert metrics.top_k(scores, labels, 1) == pytest.approx(sklearn.accuracy_score(labels, answers))
    expected = sklearn.top_k_accuracy_score(labels, scores, k=5, labels=range(7))
    assert metrics.top_k(scores, labels, 5) == pytest.approx(expected)
    matrix = metrics.confusion(scores, labels)
    assert (matrix == sklearn.confusion_matrix(labels, answers, labels=range(7))).all()
    numbers = metrics.summary(scores, labels)
    recall = sklearn.recall_score(labels, answers, average="macro", labels=range(6))
    assert numbers["mean_class_accuracy"] == pytest.approx(recall)
    assert numbers["loss"] == pytest.approx(sklearn.log_loss(labels, scores, labels=range(7)))


def test_calibration_by_hand():
    """Two bins: sure ones (0.9) are right half of the time, unsure ones (0.6) always."""
    scores = [[0.9, 0.1]] * 4 + [[0.6, 0.4]] * 4
    labels = [0, 0, 1, 1, 0, 0, 0, 0]
    assert metrics.calibration_error(scores, labels, bins=10) == pytest.approx(0.5 * 0.4 + 0.5 * 0.4)


def test_a_class_without_clips_is_left_out(table):
    scores, labels = table
    shares = metrics.class_accuracy(metrics.confusion(scores, labels))
    assert np.isnan(shares[6]) and not np.isnan(shares[:6]).any()
