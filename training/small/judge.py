"""Which stage is kept: each is trained without some sources and tested on them, fold by fold."""

import dataclasses
import sys

import numpy as np
from keras_vid.training.data.splits import folds
from keras_vid.training.evaluation.metrics import interval
from keras_vid.training.small.probe import cross_entropy, fit_probe, start_head
from keras_vid.training.small.tune import Tuner, part_logits, upper_part

from keras_vid.inference.predict import softmax
from keras_vid.utils.errors import InputError


@dataclasses.dataclass
class Learner:
    """What the stages learn from.

    Attributes:
        plan: A keras_vid.training.small.plan.Plan.
        features: keras_vid.training.small.features.Features of all clips.
        labels, groups: Of each clip of the features.
        names: Of the classes.
        seed: Of everything that is drawn.
    """

    plan: object
    features: object
    labels: np.ndarray
    groups: np.ndarray
    names: list
    seed: int = 0

    @property
    def classes(self):
        return len(self.names)

    def probe(self, clips):
        """A probe of some of the clips."""
        vectors = self.features.vectors[clips]
        return fit_probe(vectors, self.labels[clips], self.groups[clips], self.classes, seed=self.seed)

    def tuner(self, settings=None):
        """What trains the upper part on some of the clips, as often as it is called."""
        plan = self.plan
        part = upper_part(plan.network, plan.below, plan.reading.depths[1], self.classes, settings or plan.settings)
        shared = start_head(part, plan.network, self.names)
        if shared and settings is None:
            print(f"tuning starts from what the weights know of {', '.join(shared)}", file=sys.stderr, flush=True)
        return Tuner(part, settings or plan.settings, len(self.labels))

    def tune(self, tuner, clips):
        """Train the tuner's part on some of the clips; returns the epochs that it took."""
        return tuner(self.features, self.plan.below, clips, self.labels, self.groups, self.seed)


@dataclasses.dataclass
class Judged:
    """What validation by folds says.

    Attributes:
        fold: Of each clip; -1 was never tested, for its source is the only one of a class.
        logits: {stage: (clips, classes)}, each clip by a network that was trained without its fold.
        chosen: The stage that is kept.
        scores: Probabilities (clips, classes): for each fold, of the stage that was best on the other folds.
        table: [{"stage", "top1", "low", "high", "loss"}], the larger class first.
        epochs: What tuning took, by folds.
    """

    fold: np.ndarray
    logits: dict
    chosen: str
    scores: np.ndarray
    table: list
    epochs: list

    @property
    def tested(self) -> np.ndarray:
        return self.fold >= 0


def judge(learner: Learner) -> Judged | None:
    """Every stage by folds over sources; None where the data has too few sources for that."""
    plan, labels, groups = learner.plan, learner.labels, learner.groups
    try:
        fold = folds(labels, groups, plan.folds, learner.seed)
    except InputError:
        return None
    shape = (len(labels), learner.classes)
    logits = {stage: np.full(shape, np.nan) for stage in plan.stages if stage != "combine"}
    epochs, tuner = [], learner.tuner() if "tune" in logits else None
    for number in range(fold.max() + 1):
        train, test = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        if len(np.unique(labels[train])) < 2:
            return None
        if "probe" in logits:
            logits["probe"][test] = learner.probe(train).logits(learner.features.middle[test])
        if "tune" in logits:
            print(f"tuning without fold {number + 1} of {fold.max() + 1}", file=sys.stderr, flush=True)
            epochs.append(learner.tune(tuner, train))
            logits["tune"][test] = part_logits(tuner.part, learner.features, plan.below, test)
    if "combine" in plan.stages:
        logits["combine"] = (logits["probe"] + logits["tune"]) / 2
    tested = fold >= 0
    table = [_larger_class(labels[tested], groups[tested], learner.classes)]
    table += [_row(stage, found[tested], labels[tested], groups[tested]) for stage, found in logits.items()]
    return Judged(fold, logits, best(logits, labels, tested), _honest(logits, labels, fold), table, epochs)


def best(logits, labels, clips):
    """The stage with the most correct clips; of equal ones the simpler.

    >>> right, wrong = np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])
    >>> best({"probe": right, "tune": right}, [0], [0]), best({"probe": wrong, "tune": right}, [0], [0])
    ('probe', 'tune')
    """
    labels = np.asarray(labels)
    correct = {stage: (found[clips].argmax(axis=1) == labels[clips]).mean() for stage, found in logits.items()}
    return max(correct, key=correct.get)


def _honest(logits, labels, fold):
    """For each fold the answers of the stage that was best on the other folds: its own clips choose nothing."""
    scores = np.full(next(iter(logits.values())).shape, np.nan)
    for number in range(fold.max() + 1):
        mine, others = fold == number, (fold >= 0) & (fold != number)
        scores[mine] = softmax(logits[best(logits, labels, others)][mine])
    return scores


def _row(stage, logits, labels, groups):
    right = logits.argmax(axis=1) == labels
    low, high = interval(right, groups)
    loss = float(cross_entropy(logits, labels).mean())
    return {"stage": stage, "top1": float(right.mean()), "low": low, "high": high, "loss": loss}


def _larger_class(labels, groups, classes):
    counts = np.bincount(labels, minlength=classes)
    right = labels == counts.argmax()
    shares = np.maximum(counts / counts.sum(), 1e-12)
    low, high = interval(right, groups)
    loss = float(-(shares * np.log(shares)).sum())
    return {"stage": "larger class", "top1": float(right.mean()), "low": low, "high": high, "loss": loss}
