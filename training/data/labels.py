"""Labels as targets: what they become in a mirror, when clips are mixed, and how much each class counts."""

import re

import keras
import numpy as np
from keras import ops

from keras_vid.utils.errors import InputError

MIRROR = {"left": "right", "right": "left", "clockwise": "counterclockwise", "counterclockwise": "clockwise"}
WORDS = re.compile(rf"\b({'|'.join(MIRROR)})\b", re.IGNORECASE)


def flip_swap(labels, swap=False):
    """The number of each label after a left-right flip; -1 for labels that must not be flipped.

    A name with a direction in it (Something-Something's "from left to right", Jester's "Swiping Left" and "Turning
    Hand Clockwise") is never flipped. With `swap=True` it is, and becomes the class of the mirrored name, where
    there is one.

    >>> flip_swap(["Swiping Left", "Swiping Right", "Thumb Up"])
    [-1, -1, 2]
    >>> flip_swap(["Swiping Left", "Swiping Right", "Thumb Up"], swap=True)
    [1, 0, 2]
    """
    numbers = {name.lower(): number for number, name in enumerate(labels)}
    swapped = []
    for number, name in enumerate(labels):
        mirrored = WORDS.sub(lambda match: MIRROR[match[0].lower()], name.lower().replace("_", " "))
        if mirrored == name.lower().replace("_", " "):
            swapped.append(number)
        else:
            found = numbers.get(mirrored, numbers.get(mirrored.replace(" ", "_"), -1))
            swapped.append(found if swap else -1)
    return swapped


def class_factors(class_weights, items, classes):
    """How much each class counts in the loss, one number a class with mean 1 over the clips, or None for all alike.

    Args:
        class_weights: None, "balanced" (each class counts the same in all), or a number for each class.
        items: The training clips.

    >>> from keras_vid.training.data.datasets import Item
    >>> class_factors("balanced", [Item("a", 0), Item("b", 0), Item("c", 0), Item("d", 1)], 2)
    [0.667, 2.0]
    """
    if class_weights is None:
        return None
    if class_weights == "balanced":
        if isinstance(items, range):
            raise InputError("--class-weights balanced counts clips, which prepared data does not name: give numbers")
        counts = np.bincount([item.label for item in items], minlength=classes)
        return [round(float(factor), 3) for factor in len(items) / (classes * np.maximum(counts, 1))]
    factors = [float(factor) for factor in class_weights] if not isinstance(class_weights, str) else []
    if len(factors) != classes or min(factors) < 0:
        raise InputError(f"--class-weights is balanced, or {classes} numbers with commas, not {class_weights!r}")
    return factors


@keras.saving.register_keras_serializable("keras_vid")
class ClipLoss(keras.losses.Loss):
    """Cross entropy of logits with class numbers (B,), or with shares of all classes (B, K) where clips are mixed.

    Args:
        smoothing: Share of each target that is spread over all classes.
        factors: How much each class counts; None: all alike.

    >>> round(float(ClipLoss(factors=[1.0, 3.0])(np.array([0, 1]), np.zeros((2, 2)))), 4)  # log 2, once and three times
    1.3863
    """

    def __init__(self, smoothing=0.0, factors=None, name="clip_loss", **options):
        super().__init__(name=name, **options)
        self.smoothing, self.factors = smoothing, factors

    def call(self, targets, logits):
        targets, classes = _shares(targets, logits), logits.shape[-1]
        smooth = targets * (1 - self.smoothing) + self.smoothing / classes
        losses = keras.losses.categorical_crossentropy(smooth, logits, from_logits=True)
        if self.factors is None:
            return losses
        return losses * ops.sum(targets * ops.convert_to_tensor(self.factors, targets.dtype), axis=-1)

    def get_config(self):
        return {**super().get_config(), "smoothing": self.smoothing, "factors": self.factors}


class OfMixedClips:
    """An accuracy that takes the class with the largest share of a mixed clip for its label."""

    def update_state(self, targets, logits, sample_weight=None):
        if _are_shares(targets, logits):
            targets = ops.argmax(targets, axis=-1)
        return super().update_state(targets, logits, sample_weight)


@keras.saving.register_keras_serializable("keras_vid")
class TopOne(OfMixedClips, keras.metrics.SparseCategoricalAccuracy):
    """The share of clips whose class is the best."""


@keras.saving.register_keras_serializable("keras_vid")
class TopFew(OfMixedClips, keras.metrics.SparseTopKCategoricalAccuracy):
    """The share of clips whose class is among the best `k`."""


def _are_shares(targets, logits):
    return len(targets.shape) == 2 and targets.shape[-1] == logits.shape[-1]


def _shares(targets, logits):
    if _are_shares(targets, logits):
        return ops.cast(targets, logits.dtype)
    return ops.one_hot(ops.cast(ops.reshape(targets, (-1,)), "int32"), logits.shape[-1], dtype=logits.dtype)
