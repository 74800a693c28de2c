"""The papers' optimiser: momentum, weight decay in the gradient, a rate that falls at given steps."""

import math

import keras
import tensorflow as tf
from keras import ops

from keras_vid.utils.errors import InputError

HEADS = ("classifier", "logits")  # layers that hold the classifier


class Grouped:
    """What the optimisers below share: gradients of a bounded length, and groups of variables with rates of their own.

    Keras clips what each replica has before the replicas add up, so that two replicas do not do what one does with
    the same clips. Here the sum is clipped.

    Args:
        clip: The longest sum of gradients, 0 for any.
        rates: {"first": .., "bias": .., "head": ..}: factors of the rate of the first convolution's kernel, of biases,
            and of the classifier.
    """

    def _clip_gradients(self, grads):
        """Where Keras clips: the gradients of one update, with accumulation the mean of its steps."""
        if not self.clip:
            return grads
        replicas = tf.distribute.get_replica_context().num_replicas_in_sync
        if replicas > 1:
            grads = tf.distribute.get_replica_context().all_reduce("sum", list(grads))
        grads, _ = tf.clip_by_global_norm(list(grads), self.clip)
        return [grad / replicas for grad in grads] if replicas > 1 else grads  # they will be added up again

    def _backend_apply_gradients(self, grads, trainable_variables):
        """Keras' accumulation exchanges gradients within a branch, which no strategy of several replicas can do: there
        each step exchanges its gradients, and the branch is where a variable is updated."""
        context, steps = tf.distribute.get_replica_context(), self.gradient_accumulation_steps
        if not steps or context.num_replicas_in_sync == 1:
            return super()._backend_apply_gradients(grads, trainable_variables)
        sums = [self._accumulated_gradients[self._get_variable_index(v)].value for v in trainable_variables]
        totals = [grad + total for grad, total in zip(context.all_reduce("sum", list(grads)), sums)]
        means = [total / steps for total in totals]
        if self.clip:
            means, _ = tf.clip_by_global_norm(means, self.clip)
        due = (self._iterations + 1) % steps == 0
        rows = list(zip([v.value for v in trainable_variables], means, totals, sums))
        merge = tf.__internal__.distribute.interim.maybe_merge_call
        merge(self._update_when_due, context.strategy, rows, due, self.learning_rate)
        if self.use_ema:
            self._update_model_variables_moving_average(self._trainable_variables)

    def _update_when_due(self, strategy, rows, due, rate):
        def one(variable, mean, total, kept, due, rate):
            def update():
                if self.weight_decay is not None and self._use_weight_decay(variable):
                    variable.assign_sub(variable * self.weight_decay * rate)
                self.update_step(mean, variable, rate)

            tf.cond(due, update, lambda: None)
            kept.assign(tf.where(due, tf.zeros_like(total), total))

        for variable, *values in rows:
            strategy.extended.update(variable, one, args=(*values, due, rate), group=False)

    def finalize_variable_values(self, var_list):
        """Averages stay beside the weights: a run goes on from the weights, and saves networks of the averages."""

    def build(self, variables):
        super().build(variables)
        factors = group_factors(variables, self.rates)
        self.factors = [factors.get(variable.path, 1.0) for variable in variables]

    def rate_of(self, variable, rate):
        """The rate of one variable, out of the rate of the others."""
        factor = self.factors[self._get_variable_index(variable)]
        return rate if factor == 1 else ops.multiply(rate, ops.cast(factor, rate.dtype))

    def get_config(self):
        return {**super().get_config(), "clip": self.clip, "rates": self.rates}


def group_factors(variables, rates):
    """`{path: factor of the learning rate}` of the variables whose factor is not 1.

    >>> layer = keras.layers.Dense(2, name="classifier")
    >>> layer.build((None, 4))
    >>> group_factors(layer.trainable_variables, {"bias": 2, "head": 5})
    {'classifier/kernel': 5.0, 'classifier/bias': 10.0}
    """
    kernels = [variable.path for variable in variables if len(variable.shape) > 2]
    factors = {}
    for variable in variables:
        *layer, name = variable.path.split("/")
        factor = float(rates.get("first", 1)) if variable.path in kernels[:1] else 1.0
        factor *= rates.get("bias", 1) if name == "bias" else 1
        factor *= rates.get("head", 1) if layer and layer[-1] in HEADS else 1
        if factor != 1:
            factors[variable.path] = factor
    return factors


@keras.saving.register_keras_serializable("keras_vid")
class SGD(Grouped, keras.optimizers.SGD):
    """Stochastic gradient descent whose weight decay is part of the gradient, as in the papers' frameworks.

    Keras' own `weight_decay` shrinks the weights beside the momentum; with momentum 0.9 the papers' rule decays ten
    times as much, and a recipe's number means that rule. BatchNorm's variables and biases are not decayed.

    >>> weight = keras.Variable([[1.0]], name="kernel")
    >>> optimizer = SGD(0.1, decay=0.5)
    >>> optimizer.apply([ops.convert_to_tensor([[1.0]])], [weight])
    >>> round(float(weight.value[0, 0]), 4)  # 1 - 0.1 * (1 + 0.5 * 1)
    0.85
    """

    def __init__(self, learning_rate=0.01, decay=0.0, momentum=0.0, clip=0.0, rates=None, **options):
        options.pop("weight_decay", None)
        super().__init__(learning_rate, momentum=momentum, **options)
        self.decay, self.clip, self.rates = decay, clip, dict(rates or {})

    def update_step(self, gradient, variable, learning_rate):
        if self.decay and len(variable.shape) > 1:
            gradient = ops.add(gradient, ops.multiply(ops.cast(self.decay, gradient.dtype), variable))
        super().update_step(gradient, variable, self.rate_of(variable, learning_rate))

    def get_config(self):
        config = {**super().get_config(), "decay": self.decay}
        del config["weight_decay"]
        return config


@keras.saving.register_keras_serializable("keras_vid")
class AdamW(Grouped, keras.optimizers.AdamW):
    """Keras' AdamW with the sum of gradients clipped, and groups of variables with rates of their own."""

    def __init__(self, learning_rate=0.001, weight_decay=0.004, clip=0.0, rates=None, **options):
        super().__init__(learning_rate, weight_decay, **options)
        self.clip, self.rates = clip, dict(rates or {})

    def update_step(self, gradient, variable, learning_rate):
        super().update_step(gradient, variable, self.rate_of(variable, learning_rate))


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
    >>> round(float(Rate(0.1, 100)(50)), 4), round(float(Rate(0.1, 120, warmup=20)(70)), 4)
    (0.05, 0.05)
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
    """The optimiser of a recipe for a run: (optimizer, steps of the run, a line on what was scaled).

    Args:
        batch: Clips of one update of the weights, over all replicas and accumulated steps.
        steps_per_epoch: To turn the recipe's epochs into steps. With `accumulate` > 1 an update is so many of them.
    """
    if recipe.schedule not in ("drops", "cosine"):
        raise InputError(f"--schedule is drops or cosine, not {recipe.schedule!r}")
    if recipe.unit not in ("epochs", "steps"):
        raise InputError(f"--unit is epochs or steps, not {recipe.unit!r}")
    share = batch / recipe.paper_batch if recipe.scale_to_batch else 1.0
    unit = steps_per_epoch if recipe.unit == "epochs" else accumulate / share
    steps = max(1, round(recipe.length * unit))
    drops = [round(place * unit) for place in recipe.drops] if recipe.schedule == "drops" else None
    rate = Rate(recipe.lr * share, steps, drops, recipe.drop, round(recipe.warmup * unit))
    rates = {"first": recipe.first_rate, "bias": recipe.bias_rate, "head": recipe.head_rate}
    options = {"clip": recipe.clip_norm, "gradient_accumulation_steps": accumulate if accumulate > 1 else None}
    options["rates"] = {name: factor for name, factor in rates.items() if factor != 1}
    if recipe.optimizer == "sgd":
        optimizer = SGD(rate, recipe.weight_decay, recipe.momentum, **options)
    elif recipe.optimizer == "adamw":
        optimizer = AdamW(rate, recipe.weight_decay, **options)
    else:
        raise InputError(f"--optimizer is sgd or adamw, not {recipe.optimizer!r}")
    return optimizer, steps, _scaled(recipe, batch, share, steps)


def _scaled(recipe, batch, share, steps):
    """What a run's rate and length are, and what they were scaled from."""
    line = f"learning rate {recipe.lr * share:g}"
    if math.isclose(share, 1):
        return line
    line += f" = {recipe.lr:g} x {batch} / {recipe.paper_batch} clips a step"
    if recipe.unit == "steps":
        line += f"; {recipe.length:g} steps of {recipe.paper_batch} clips are {steps:,} here"
    return line + " (--scale-to-batch no keeps what the recipe says)"
