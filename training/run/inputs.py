"""What a run reads: its data sets, the clips of each step, and the clips that validate."""

import dataclasses
import math
import warnings

import keras
from keras_vid.training.data import views
from keras_vid.training.data.labels import ClipLoss, TopFew, TopOne, class_factors, flip_swap
from keras_vid.training.data.load import PREPARED, datasets
from keras_vid.training.data.pipeline import Failures, check_readable, clips, step_items
from keras_vid.training.data.records import records
from keras_vid.training.data.remote import served
from keras_vid.training.data.splits import skewed
from keras_vid.training.recipes.fields import channels_of
from keras_vid.training.run.callbacks import Watch
from keras_vid.training.run.distribution import worker

from keras_vid.utils.errors import InputError


def open_data(recipe, options, say):
    """(training, validation) clips of a run; a sample of both is read before anything is built."""
    training, validation, _, how = datasets(recipe, options)
    refuse_prepared(recipe, training)
    if len(training.labels) < 2 or (training.name != PREPARED and len({item.label for item in training.items}) < 2):
        raise InputError(
            f"{options.data}: all training clips have one label: a classifier needs two classes to tell apart"
        )
    for dataset in filter(None, (training, validation)):
        say(dataset.report())
        if dataset.name != PREPARED:
            check_readable(dataset, options.workers, views.look(recipe))
    say(how)
    if own_and_skewed(training) and not recipe.class_weights:
        ones = ",".join("1" * len(training.labels))
        say(f"classes are skewed: rare ones count more in the loss (--class-weights {ones}: all count alike)")
    return training, validation


def refuse_prepared(recipe, training):
    """Prepared data has frames without a clock."""
    if training.name == PREPARED and (recipe.fps or recipe.stride > 1):
        raise InputError(
            "prepared data holds frames without their times: it goes without --fps and --stride "
            "(keras-vid prepare --fps writes frames at a rate)"
        )


def own_and_skewed(training):
    """Whether the classes of one's own videos are skewed."""
    return training.name in ("folder", "csv") and skewed([item.label for item in training.items])


def watch(plan, training, seed):
    """The callback that stops at a broken loss."""

    def names(step):
        if training.name == PREPARED:
            return ["some of the prepared data"]
        return step_items(training, seed, step, plan.clips)

    return Watch(plan.first, 20 * math.log(max(len(training.labels), 2)), names)


def inputs(recipe, options, training, strategy, failures):
    """(clips a replica, step) -> this worker's clips from that step on."""
    number, count = worker(strategy)
    transform, classes = views.train_transform(recipe, flip_swap(training.labels)), len(training.labels)

    def make(batch, step):
        # the dataset's own batches are those of one replica
        start = step * (strategy.num_replicas_in_sync // count)
        position = {"seed": options.seed, "shard": (number, count), "start_step": start}
        if training.name == PREPARED:
            choice, channels = views.records_choice(recipe), channels_of(recipe)
            data = records(options.data, choice, transform, batch, **position, channels=channels)
            data = views.mixed(data, recipe, classes, options.seed, start * count + number)
            return served(data, options.service) if options.service else data
        more = {"short": recipe.short, "workers": options.workers, "failures": failures, "view": views.look(recipe)}
        data = clips(training, views.train_indices(recipe), transform, batch, **position, **more)
        return views.mixed(data, recipe, classes, options.seed, start * count + number)

    return make


def validator(recipe, options, testing, trainer):
    """(network, tick) -> {"loss", "top1", ...} on one view of each clip; `tick(done, total)` is called on the way.

    Where the trainer's own network is given, the trainer evaluates: it is compiled already.
    """
    one = dataclasses.replace(recipe, views=1, crops=1, test_frames=None, test_size=None)
    views_of = views.test_transform(one)

    def transform(clip, label, seed):
        several, label = views_of(clip, label, seed)
        return several[0], label

    def validate(network, tick):
        failures = Failures()
        more = {"short": recipe.short, "workers": options.workers, "failures": failures, "view": views.look(recipe)}
        data = clips(testing, views.test_indices(one), transform, recipe.batch, training=False, **more)
        judge = trainer if network is trainer.network else network
        if not getattr(judge, "compiled", False):
            compile_for(judge, "sgd", len(testing.labels), options)
        with warnings.catch_warnings():  # the number of readable videos is not known before: the data may run out
            warnings.filterwarnings("ignore", message="Your input ran out of data")
            ticks = _Ticks(tick, recipe.batch, len(testing.items))
            numbers = judge.evaluate(data, verbose=0, return_dict=True, callbacks=[ticks])
        if len(failures.rows) == len({item.path for item in testing.items}):
            path, reason = next(iter(failures.rows.items()))
            raise InputError(f"{testing.name}: its clips cannot be read, such as {path}: {reason}")
        return numbers

    return validate


class _Ticks(keras.callbacks.Callback):
    """Tells how many clips are validated."""

    def __init__(self, tick, batch, total):
        super().__init__()
        self.tick, self.batch, self.total = tick, batch, total

    def on_test_batch_end(self, batch, logs=None):
        self.tick(min((batch + 1) * self.batch, self.total), self.total)


def loss_of(recipe, training):
    """The loss of a run: cross entropy, with the recipe's smoothing and class weights.

    Where the recipe says nothing of them, and one's own classes are skewed, rare ones count more.
    """
    weights = recipe.class_weights or ("balanced" if own_and_skewed(training) else None)
    factors = class_factors(weights, training.items, len(training.labels))
    return ClipLoss(recipe.label_smoothing, factors)


def example_like(recipe, network, classes):
    """KerasTensors (clips, labels) like a batch of a run."""
    frames = network.input_shape[1] or recipe.frames
    shape = (recipe.batch, frames, recipe.size, recipe.size, network.input_shape[-1])
    mixed = views.mixes(recipe)
    labels = keras.KerasTensor((recipe.batch, classes) if mixed else shape[:1], "float32" if mixed else "int32")
    return keras.KerasTensor(shape, "uint8"), labels


def compile_for(model, rule, classes, options, loss=None):
    """Compile a network or trainer with its loss (cross entropy where none is given) and the accuracies of a run."""
    model.compile(
        rule,
        loss or ClipLoss(),
        metrics=[TopOne("top1"), *([TopFew(5, "top5")] if classes > 5 else [])],
        jit_compile=True if options.xla else "auto",
        steps_per_execution=options.steps_per_execution,
    )
