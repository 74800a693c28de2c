"""The linear classifier on frozen features against scikit-learn: its strength, its weights, classes it never saw."""

import numpy as np
import pytest
from keras_vid.training.data.splits import folds
from keras_vid.training.small.probe import STRENGTHS, fit_probe
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.preprocessing import StandardScaler

from keras_vid.inference.predict import softmax


def vectors_of(labels, signal, channels=12):
    """(clips, 1, channels) of noise in which the first channel tells something of the label."""
    vectors = np.random.default_rng(0).normal(size=(len(labels), 1, channels))
    vectors[:, 0, 0] += signal * labels
    return vectors


@pytest.mark.parametrize("signal", [0.5, 5.0])
def test_the_strength_has_the_least_loss_on_sources_that_were_not_trained_on(signal):
    labels = np.arange(60) % 2
    vectors, groups = vectors_of(labels, signal), np.arange(60) // 2 % 15
    losses, fold, rows = np.zeros(len(STRENGTHS)), folds(labels, groups, 4, 0), vectors[:, 0]
    for number in range(4):
        train, test = fold != number, fold == number
        scaler = StandardScaler().fit(rows[train])
        for place, strength in enumerate(STRENGTHS):
            peer = LogisticRegression(C=strength, max_iter=5000).fit(scaler.transform(rows[train]), labels[train])
            losses[place] += log_loss(labels[test], peer.predict_proba(scaler.transform(rows[test]))) * test.sum()
    assert np.ptp(losses) > 1
    assert fit_probe(vectors, labels, groups, 2).strength == STRENGTHS[losses.argmin()]


def test_a_rare_class_weighs_as_much_as_a_frequent_one():
    labels = np.repeat([0, 1], [40, 8])
    vectors = vectors_of(labels, 1.0)
    rows = StandardScaler().fit_transform(vectors[:, 0])
    logits = fit_probe(vectors, labels, np.arange(48), 2, strength=0.1).logits(vectors[:, 0])
    for balance, same in (("balanced", True), (None, False)):
        peer = LogisticRegression(C=0.1, class_weight=balance, tol=1e-6, max_iter=5000).fit(rows, labels)
        assert np.allclose(logits[:, 1] - logits[:, 0], peer.decision_function(rows), atol=1e-3) == same


def test_a_class_without_clips_is_never_said():
    labels = np.arange(20) % 2 * 2  # of three classes the second has none
    vectors = vectors_of(labels, 1.0)
    scores = softmax(fit_probe(vectors, labels, np.arange(20), 3).logits(vectors[:, 0]))
    assert scores[:, 1].max() < 1e-4 < scores[:, [0, 2]].min()
