"""The last blocks of a network, trained on kept maps of the frozen part below.

The frozen part is never computed again, so an epoch costs what the blocks above it cost. BatchNorm stays as it was
trained, the body learns at a smaller rate than the new head, rates rise and then fall as a cosine, labels are smoothed.
"""

import copy
import dataclasses

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from keras_vid.training.data.splits import held_out, skewed
from keras_vid.training.small.depths import pooled
from keras_vid.training.small.probe import cross_entropy

from keras_vid.layers.frames import Fold
from keras_vid.view import set_view


@dataclasses.dataclass(frozen=True)
class Settings:
    """How the last blocks are tuned.

    Attributes:
        epochs: Passes over the training clips.
        batch: Clips of a step.
        rate: Of the body (AdamW).
        head_rate: Of the new head, as a multiple of the body's.
        patience: Stop after so many epochs without a smaller loss on held-out groups; 0 trains all epochs.
        dropout: Before the head.
        smoothing: Of labels.
        warmup: Share of the steps in which the rates rise.
        weight_decay: Of AdamW.
    """

    epochs: int = 6
    batch: int = 8
    rate: float = 1e-4
    head_rate: float = 10.0
    patience: int = 0
    dropout: float = 0.5
    smoothing: float = 0.1
    warmup: float = 0.1
    weight_decay: float = 1e-4


class Maps:
    """Batches of kept maps, in an order of the seed; of the variants of a clip one is drawn each time."""

    def __init__(self, features, name, clips, labels, weights):
        self.features, self.name, self.clips = features, name, np.asarray(clips)
        self.labels, self.weights = labels, weights

    def batches(self, size, rng=None):
        order = self.clips if rng is None else rng.permutation(self.clips)
        variants = self.features.vectors.shape[1]
        for start in range(0, len(order), size):
            chosen = order[start : start + size]
            drawn = [0 if rng is None else int(rng.integers(variants)) for _ in chosen]
            maps = np.stack([self.features.map(clip, self.name, v) for clip, v in zip(chosen, drawn)])
            yield maps.astype("float32"), self.labels[chosen], self.weights[chosen]


def upper_part(network, below, upper, classes, settings, prefix="tuned"):
    """A trainable copy of what stands between a neck and the upper depth, with a new head: maps in, logits out.

    Args:
        below: The neck whose kept maps are the input, (T, H, W, C) of a clip also for an image network.
        upper: The depth whose mean is classified.
    """
    neck = network.get_layer(below).output
    body = keras.Model(neck, pooled(network, upper, f"{prefix}_{upper}"))

    def named(layer):
        config = copy.deepcopy(layer.get_config())
        config["name"] = layer.name if layer.name.startswith(prefix) else f"{prefix}_{layer.name}"
        made = type(layer).from_config(config)
        made.trainable = not isinstance(layer, layers.BatchNormalization)
        return made

    folded = len(neck.shape) == 4
    maps = keras.Input((None, *neck.shape[1:]) if folded else neck.shape[1:], name="maps")
    x = Fold(name="fold")(maps) if folded else maps
    x = rebuilt(body, x, named)
    return keras.Model(maps, _head(x, classes, settings, prefix), name=f"{prefix}_{network.name}")


def rebuilt(body, x, copied):
    """The layers of a functional network, copied with their weights, on another tensor: its new output."""
    made = {}

    def operation(layer):
        made[layer] = made.get(layer) or copied(layer)
        return made[layer]

    outputs = body._run_through_graph([x], operation_fn=operation)  # clone_model takes only inputs of a network
    for old, new in made.items():
        new.set_weights(old.get_weights())
    return keras.tree.flatten(outputs)[0]


def _head(x, classes, settings, prefix):
    x = layers.Dropout(settings.dropout, name=f"{prefix}_dropout")(x)
    return layers.Dense(classes, kernel_initializer="zeros", dtype="float32", name=f"{prefix}_logits")(x)


class Tuner:
    """Trains an upper part again and again, each time from the same start: a graph for all folds.

    Args:
        part: What `upper_part` returns.
        settings: `Settings`.
        clips: How many there are at most, by which the rates are timed.
    """

    def __init__(self, part, settings, clips):
        self.part, self.settings = part, settings
        self.start = [np.asarray(variable) for variable in part.variables]  # dropout's random state is one of them
        steps = -(-clips // settings.batch) * settings.epochs
        self.step, self.optimizers = _step(part, settings, steps)

    def __call__(self, features, name, clips, labels, groups, seed=0) -> int:
        """Train on some of the clips; returns the epoch whose weights the part has.

        Args:
            features, name: The features with the maps of the neck of this name.
            clips: Numbers of the clips to train on.
            labels, groups: Of every clip of the features.
        """
        settings, clips, labels = self.settings, np.asarray(clips), np.asarray(labels)
        for variable, value in zip(self.part.variables, self.start):
            variable.assign(value)
        for optimizer in self.optimizers:
            for variable in optimizer.variables:
                if variable is not optimizer.learning_rate:
                    variable.assign(np.zeros(variable.shape))
        judged = np.zeros(len(clips), bool)
        if settings.patience:
            judged = held_out(labels[clips], np.asarray(groups)[clips], 0.2, seed)
        weights = _class_weights(labels[clips[~judged]], self.part.output_shape[-1])[labels]
        training = Maps(features, name, clips[~judged], labels, weights)
        rng = np.random.default_rng(seed)
        best, kept, last = np.inf, None, settings.epochs
        for epoch in range(1, settings.epochs + 1):
            for batch in training.batches(settings.batch, rng):
                self.step(*(tf.constant(array) for array in batch))
            if not judged.any():
                continue
            logits = part_logits(self.part, features, name, clips[judged])
            loss = cross_entropy(logits, labels[clips[judged]]).mean()
            if loss < best:
                best, kept, last = loss, self.part.get_weights(), epoch
            elif epoch - last >= settings.patience:
                break
        if kept:
            self.part.set_weights(kept)
        return last


def part_logits(part, features, name, clips, batch=8) -> np.ndarray:
    """The logits of the first variant of clips."""
    maps = Maps(features, name, clips, np.zeros(len(features.places), int), np.ones(len(features.places)))
    return np.concatenate([part.predict_on_batch(found) for found, *_ in maps.batches(batch)])


def _class_weights(labels, classes):
    """One number a class: all ones, or against the numbers of clips where they are skewed."""
    if not skewed(labels):
        return np.ones(classes, "float32")
    counts = np.maximum(np.bincount(labels, minlength=classes), 1)
    return (len(labels) / (np.count_nonzero(np.bincount(labels)) * counts)).astype("float32")


def _step(part, settings, steps):
    """(one step of both optimizers, as a graph; the optimizers)"""
    classes = part.output_shape[-1]
    head = [weight for weight in part.trainable_variables if weight.path.split("/")[-2].endswith("_logits")]
    body = [weight for weight in part.trainable_variables if all(weight is not other for other in head)]

    def optimizer(rate):
        warmup = max(int(steps * settings.warmup), 1)
        falling = keras.optimizers.schedules.CosineDecay(0.0, max(steps - warmup, 1), 0.0, "rate", rate, warmup)
        return keras.optimizers.AdamW(falling, weight_decay=settings.weight_decay)

    groups = [
        (optimizer(rate), weights)
        for rate, weights in ((settings.rate, body), (settings.rate * settings.head_rate, head))
    ]
    groups = [(rule, weights) for rule, weights in groups if weights]
    for rule, weights in groups:
        rule.build(weights)

    @tf.function(reduce_retracing=True)
    def step(maps, labels, weights):
        with tf.GradientTape() as tape:
            logits = part(maps, training=True)
            targets = tf.one_hot(labels, classes) * (1 - settings.smoothing) + settings.smoothing / classes
            loss = tf.reduce_mean(weights * tf.nn.softmax_cross_entropy_with_logits(targets, logits))
        gradients = tape.gradient(loss, [weight.value for _, group in groups for weight in group])
        for rule, group in groups:
            rule.apply_gradients(zip(gradients[: len(group)], group))
            gradients = gradients[len(group) :]
        return loss

    return step, [rule for rule, _ in groups]


def tuned_network(network, below, part, labels, view) -> keras.Model:
    """The frozen part and the tuned one as one network on clips."""
    return _viewed(network, _on_top(network, below, part, "logits"), labels, view)


def combined_network(network, probe_model, below, part, labels, view) -> keras.Model:
    """The mean of the probe's and the tuned part's logits, as one network that shares what is frozen."""
    probed = [layer for layer in probe_model.layers if layer.name == "logits"][0]
    own = layers.Dense(len(labels), dtype="float32", name="probe_logits")
    logits = [own(probed.input), _on_top(network, below, part, "tuned_logits")]
    own.set_weights(probed.get_weights())
    return _viewed(network, layers.Average(dtype="float32", name="logits")(logits), labels, view)


def _on_top(network, below, part, head):
    """A copy of the trained part on the neck of a network on clips; its head gets the name."""
    folded = isinstance(part.layers[1], Fold)
    body = keras.Model(part.layers[1].output if folded else part.input, part.output)

    def named(layer):
        config = copy.deepcopy(layer.get_config())
        config["name"] = head if layer is part.layers[-1] else layer.name
        return type(layer).from_config(config)

    return rebuilt(body, network.get_layer(below).output, named)


def _viewed(network, logits, labels, view):
    model = keras.Model(network.input, logits, name=network.name)
    model.view = view
    set_view(model, labels=tuple(labels))
    return model
