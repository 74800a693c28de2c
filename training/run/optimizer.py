"""The papers' optimiser: momentum, weight decay in the gradient, a rate that falls at given steps."""

import math

import keras
import tensorflow as tf
from keras import ops

from keras_vid.utils.errors import InputError


class Clipped:
    """Gradients whose common length is at most `clip`, 0 for any: a part of the optimisers below.

    Keras clips what each replica has before the replicas add up, so that two replicas do not do what one does with
    the same clips. Here the sum is clipped.
    """

    def apply(self, grads, trainable_variables=None):
        if self.clip:
            replicas = tf.distribute.get_replica_context().num_replicas_in_sync
            if replicas > 1:
                grads = tf.distribute.get_replica_context().all_reduce("sum", list(grads))
            grads, _ = tf.clip_by_global_norm(list(grads), self.clip)
            grads = [grad / replicas for grad in grads] if replicas > 1 else grads  # they will be added up again
        super().apply(grads, trainable_variables)

    def finalize_variable_values(self, var_list):
        """Averages stay beside the weights: a run goes on from the weights, and saves networks of the averages."""

    def get_config(self):
        return {**super().get_config(), "clip": self.clip}


@keras.saving.register_keras_serializable("keras_vid")
class SGD(Clipped, keras.optimizers.SGD):
    """Stochastic gradient descent whose weight decay is part of the gradient, as in the papers' frameworks.

    Keras' own `weight_decay` shrinks the weights beside the momentum; with momentum 0.9 the papers' rule decays ten
    times as much, and a recipe's number means that rule. BatchNorm's variables and biases are not decayed.

    >>> weight = keras.Variable([[1.0]], name="kernel")
    >>> optimizer = SGD(0.1, decay=0.5)
    >>> optimizer.apply([ops.convert_to_tensor([[1.0]])], [weight])
    >>> round(float(weight.value[0, 0]), 4)  # 1 - 0.1 * (1 + 0.5 * 1)
    0.85
    """

    def __init__(self, learning_rate=0.01, decay=0.0, momentum=0.0, clip=0.0, **options):
        options.pop("weight_decay", None)
        super().__init__(learning_rate, momentum=momentum, **options)
        self.decay, self.clip = decay, clip

    def update_step(self, gradient, variable, learning_rate):
        if self.decay and len(variable.shape) > 1:
            gradient = ops.add(gradient, ops.multiply(ops.cast(self.decay, gradient.dtype), variable))
        super().update_step(gradient, variable, learning_rate)

    def get_config(self):
        config = {**super().get_config(), "decay": self.decay}
        del config["weight_decay"]
        return config


@keras.saving.register_keras_serializable("keras_vid")
class AdamW(Clipped, keras.optimizers.AdamW):
    """Keras' AdamW with the sum of gradients clipped."""

    def __init__(self, learning_rate=0.001, weight_decay=0.004, clip=0.0, **options):
        super().__init__(learning_rate, weight_decay, **options)
        self.clip = clip


@keras.saving.register_keras_serializable("keras_vid")
class Rate(keras.optimizers.schedules.LearningRateSchedule):
    """The learning rate at each step: a straight warm-up, then drops at given steps or a cosine down to zero.

    Args:
        top: The rate after the warm-up.
        steps: Steps of the whole run; what a cosine needs.
        drops: Steps at which the rate is multiplied by `drop`; None for the cosine.

    >>> rate = Rate(0.1, 100, drops=[50], warmup=10)
    >>> [round(float(rate(step)), 4) for step in (0, 4, 10, 49, 50)]
    [0.01, 0.05, 0.1, 0.1, 0.01]
    >>> round(float(Rate(0.1, 100)(50)), 4)
    0.05
    """

    def __init__(self, top, steps, drops=None, drop=0.1, warmup=0):
        self.top, self.steps, self.drops, self.drop, self.warmup = top, steps, drops, drop, warmup

    def __call__(self, step):
        step = ops.cast(step, "float32")
        if self.drops is None:
            done = ops.clip((step - self.warmup) / max(self.steps - self.warmup, 1), 0.0, 1.0)
            rate = self.top * 0.5 * (1 + ops.cos(math.pi * done))
        else:
            rate = self.top
            for place in self.drops:
                rate = rate * ops.where(step >= place, self.drop, 1.0)
        return rate * ops.minimum((step + 1) / self.warmup, 1.0) if self.warmup else rate * ops.ones_like(step)

    def get_config(self):
        return {key: getattr(self, key) for key in ("top", "steps", "drops", "drop", "warmup")}


def make(recipe, batch, steps_per_epoch, accumulate=1):
    """The optimiser of a recipe for a run of so many clips a step: (optimizer, steps of the run, what was scaled).

    Args:
        batch: Clips of one step of the optimiser, over all replicas (and accumulated gradients).
        steps_per_epoch: To turn the recipe's epochs into steps. With `accumulate` > 1 an optimiser's step is so many
            of them.
    """
    unit = steps_per_epoch if recipe.unit == "epochs" else accumulate
    steps = max(1, round(recipe.length * unit))
    paper = recipe.batch * recipe.replicas
    top = recipe.lr * batch / paper
    drops = [round(place * unit) for place in recipe.drops] if recipe.schedule == "drops" else None
    rate = Rate(top, steps, drops, recipe.drop, round(recipe.warmup * unit))
    options = {"clip": recipe.clip_norm, "gradient_accumulation_steps": accumulate if accumulate > 1 else None}
    if recipe.schedule not in ("drops", "cosine"):
        raise InputError(f"--schedule is drops or cosine, not {recipe.schedule!r}")
    if recipe.optimizer == "sgd":
        optimizer = SGD(rate, recipe.weight_decay, recipe.momentum, **options)
    elif recipe.optimizer == "adamw":
        optimizer = AdamW(rate, recipe.weight_decay, **options)
    else:
        raise InputError(f"--optimizer is sgd or adamw, not {recipe.optimizer!r}")
    same = math.isclose(batch, paper)
    note = f"learning rate {top:g}" + ("" if same else f" = {recipe.lr:g} x {batch} / {paper} clips a step")
    return optimizer, steps, note
