"""Tuning of the last blocks step by step, and what validation by folds may not learn from."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest
from keras_vid.training.data.splits import held_out
from keras_vid.training.small.judge import Learner, judge
from keras_vid.training.small.tune import Settings, Tuner, _class_weights, upper_part
from tiny_videos import tiny_network

CLASSES = 3


class FakeFeatures:
    """Features of `clips` clips, with random maps of the layer `low`."""

    def __init__(self, clips, channels=16):
        rng = np.random.default_rng(0)
        self.vectors, self.places = rng.normal(size=(clips, 1, channels)), list(range(clips))
        self.maps = rng.random((clips, 4, 12, 12, 8)).astype("float16")

    middle = property(lambda self: self.vectors[:, 0])

    def map(self, clip, name, variant=0):
        return self.maps[clip]


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    return keras.models.load_model(tiny_network(tmp_path_factory.mktemp("model") / "tiny.keras"))


def tuner_of(network, clips, **settings):
    settings = Settings(**{"dropout": 0.0, "weight_decay": 0.0, **settings})
    return Tuner(upper_part(network, "low", "high", CLASSES, settings), settings, clips)


def test_the_head_learns_so_many_times_faster_than_the_body(network):
    """AdamW moves every weight by about its rate, whatever the gradient: ten times the rate, ten times the way."""
    features, labels = FakeFeatures(8), np.arange(8) % CLASSES
    tuner = tuner_of(network, 8, epochs=8, head_rate=10.0)
    tuner(features, "low", np.arange(8), labels, np.arange(8))
    part = tuner.part
    start = dict(zip((weight.path for weight in part.variables), tuner.start))
    moved = {weight.path: np.abs(weight.numpy() - start[weight.path]).max() for weight in part.trainable_variables}
    head = [way for path, way in moved.items() if "logits" in path]
    body = [way for path, way in moved.items() if "logits" not in path]
    assert min(body) > 0 and 4 < max(head) / max(body) < 25


def test_the_loss_has_smooth_labels(network):
    """With logits 3, 0, 0 and a third of each label shared out: - (0.8 log p0 + 0.1 log p1 + 0.1 log p2)."""
    tuner = tuner_of(network, 2, smoothing=0.3)
    head = tuner.part.layers[-1]
    head.set_weights([np.zeros(head.kernel.shape), np.array([3.0, 0.0, 0.0])])
    maps, ones = np.zeros((2, 4, 12, 12, 8), "float32"), np.ones(2, "float32")
    chances = np.exp([3.0, 0.0, 0.0]) / np.exp([3.0, 0.0, 0.0]).sum()
    by_hand = -(np.log(chances) @ [0.8, 0.1, 0.1])
    assert float(tuner.step(maps, np.zeros(2, int), ones)) == pytest.approx(by_hand, rel=1e-5)


def test_rare_classes_count_more():
    """Of 8 clips 6 and 2 are of two classes: each class counts for 4; a class without clips is never asked."""
    weights = _class_weights(np.repeat([0, 2], [6, 2]), CLASSES)
    assert weights[[0, 2]] == pytest.approx([4 / 6, 4 / 2])
    assert _class_weights(np.repeat([0, 1, 2], 4), CLASSES).tolist() == [1, 1, 1]


def test_with_patience_the_weights_are_those_of_the_best_epoch(network):
    """Labels without meaning: what is learned of some clips soon makes the others worse."""
    features, groups = FakeFeatures(20), np.arange(20)
    labels = np.random.default_rng(1).integers(0, CLASSES, 20)
    tuner, kept = tuner_of(network, 20, epochs=12, batch=20, rate=0.02, patience=12, smoothing=0.0), []
    step = tuner.step
    tuner.step = lambda *batch: step(*batch) is not None and kept.append(tuner.part.get_weights())
    epoch = tuner(features, "low", np.arange(20), labels, groups)
    chosen = tuner.part.get_weights()
    judged = np.flatnonzero(held_out(labels, groups, 0.2, 0))
    losses = []
    for weights in kept:
        tuner.part.set_weights(weights)
        logits = np.asarray(tuner.part(features.maps[judged].astype("float32"), training=False), "float64")
        chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        losses.append(-np.log(chances[np.arange(len(judged)), labels[judged]]).mean())
    assert len(kept) == 12 and epoch == 1 + int(np.argmin(losses)) < 12
    for one, other in zip(chosen, kept[epoch - 1], strict=True):
        np.testing.assert_array_equal(one, other)


def learner_of(network, clips, stages, channels=16, **settings):
    labels = np.random.default_rng(2).integers(0, 2, clips)
    settings = Settings(**{"epochs": 3, **settings})
    reading = SimpleNamespace(depths=("low", "high"))
    plan = SimpleNamespace(network=network, reading=reading, stages=stages, below="low", settings=settings, folds=2)
    return Learner(plan, FakeFeatures(clips, channels), labels, np.arange(clips), ["a", "b"])


def test_labels_that_mean_nothing_are_not_known_of_sources_that_were_not_trained_on(network):
    """A probe of 60 channels knows the clips by heart that it was trained on."""
    judged = judge(learner_of(network, 40, ("probe",), channels=60))
    [_, row] = judged.table
    assert row["stage"] == "probe" and 0.2 < row["top1"] < 0.8


def test_a_combined_clip_has_the_mean_of_both_logits(network):
    found = judge(learner_of(network, 12, ("probe", "tune", "combine"), rate=0.05))
    assert np.ptp(found.logits["tune"]) > 0
    mean = np.mean([found.logits["probe"], found.logits["tune"]], axis=0)
    np.testing.assert_allclose(found.logits["combine"], mean)
    loss = -np.log(np.exp(mean) / np.exp(mean).sum(axis=1, keepdims=True))
    labels = np.random.default_rng(2).integers(0, 2, 12)
    assert found.table[-1]["loss"] == pytest.approx(loss[np.arange(12), labels].mean())
