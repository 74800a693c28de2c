import json

import numpy as np
import pytest

pytest.importorskip("tensorflow")

from keras_vid.training.evaluation import metrics
from keras_vid.training.evaluation.predictions import Predictions

from keras_vid.utils.errors import InputError
from keras_vid.utils.files import read_rows


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


def test_a_bin_of_calibration_goes_from_tenth_to_tenth():
    """0.61 and 0.68 are in one bin of ten, in which half of the answers are right."""
    scores, labels = [[0.61, 0.39]] * 3 + [[0.68, 0.32]] * 3, [0, 0, 0, 1, 1, 1]
    assert metrics.calibration_error(scores, labels, bins=10) == pytest.approx(0.645 - 0.5)


def test_the_interval_holds_95_percent():
    """Of 400 independent clips, half of them right: 1.96 standard errors to both sides."""
    low, high = metrics.interval(np.arange(400) % 2, np.arange(400))
    assert [low, high] == pytest.approx([0.5 - 1.96 * 0.025, 0.5 + 1.96 * 0.025], abs=0.004)


@pytest.mark.parametrize(("share", "count"), [(0.0, 8), (0.125, 8), (0.5, 80), (1.0, 80)])
def test_wilsons_interval_is_scipys(share, count):
    stats = pytest.importorskip("scipy.stats")
    peer = stats.binomtest(round(share * count), count).proportion_ci(method="wilson")
    assert metrics.wilson(share, count) == pytest.approx((peer.low, peer.high), abs=1e-4)


def test_a_class_without_clips_is_left_out(table):
    scores, labels = table
    shares = metrics.class_accuracy(metrics.confusion(scores, labels))
    assert np.isnan(shares[6]) and not np.isnan(shares[:6]).any()


def test_the_rank_of_the_true_class(tmp_path):
    """By hand: the true class of three clips comes first, second and last."""
    scores = np.array([[0.6, 0.3, 0.1], [0.5, 0.4, 0.1], [0.1, 0.2, 0.7]], "float32")
    clips, labels = ["a", "b", "c"], ["run", "sit", "jump"]
    Predictions(clips, np.array([0, 1, 0]), scores, labels, clips).save(tmp_path / "p")
    rows = read_rows(tmp_path / "p.csv")
    assert [row["rank"] for row in rows] == ["1", "2", "3"]
    assert [row["predicted"] for row in rows] == ["run", "run", "jump"]


@pytest.mark.parametrize(
    "damage",
    [{"top1": "text"}, {"top1_interval": [1]}, {"top1_interval": None}, {"loss": []}, {"clips": None}, {"protocol": 3}],
)
def test_damaged_numbers_are_one_line(damage, table, tmp_path):
    numbers = {**metrics.summary(*table), "protocol": "1 clip of 8 frames", "unreadable": 0}
    (tmp_path / "metrics.json").write_text(json.dumps(numbers))
    assert metrics.read_numbers(tmp_path / "metrics.json") == numbers
    (tmp_path / "metrics.json").write_text(json.dumps(numbers | damage))
    with pytest.raises(InputError, match="metrics.json is damaged"):
        metrics.read_numbers(tmp_path / "metrics.json")
