"""One run, from a recipe and a folder of videos to a run folder."""

import dataclasses
import json
import os
import sys
import warnings
from pathlib import Path

import keras
import tensorflow as tf
from keras_vid.training.data import views
from keras_vid.training.data.labels import flip_swap
from keras_vid.training.data.load import PREPARED, datasets
from keras_vid.training.data.pipeline import Failures, clips, step_items
from keras_vid.training.data.records import records
from keras_vid.training.run import optimizer, state
from keras_vid.training.run.batch_norm import fuse_batch_norm
from keras_vid.training.run.callbacks import Keeper, Profile, Progress, Watch
from keras_vid.training.run.distribution import choose, set_precision, worker
from keras_vid.training.run.peers import Peers, others
from keras_vid.training.run.start import build, set_batch_norm
from keras_vid.training.run.trainer import Trainer, distributed

from keras_vid.utils.errors import InputError
from keras_vid.view import view_of


@dataclasses.dataclass
class Options:
    """How a run is carried out; what it computes is the recipe's. The fields are flags of `keras-vid train`."""

    data: str = ""
    lists: str | None = None
    split: int = 1
    val_data: str | None = None
    group_by: str | None = None
    service: str | None = None
    strategy: str = "auto"
    replicas: int | None = None
    cluster: str | None = None
    task: int | None = None
    precision: str = "float32"
    accumulate: int = 1
    average: float = 0.0
    xla: bool = False
    steps_per_execution: int = 1
    workers: int | None = None
    save_every: int | None = None
    profile: tuple | None = None
    validate: bool = True
    resume: bool = False
    seed: int = 0


def train(recipe, options, output):
    """Train, validate after every epoch, and leave everything in the run folder `output`: answers its path.

    Started again with `resume` after whatever stopped it, a run goes on at the exact step, and ends in the weights of
    a run that nothing stopped.
    """
    run = Path(output)
    strategy = choose(options.strategy, options.replicas, options.cluster, options.task)
    number, count = worker(strategy)
    chief = number == 0
    found = _open(run, recipe, options, chief)
    say = _say if chief else lambda line: None
    keras.utils.set_random_seed(options.seed)
    set_precision(options.precision, say)

    training, testing, _, split_by = datasets(recipe, options)
    for dataset in filter(None, (training, testing)):
        say(dataset.report())
    say(split_by)
    prepared = training.name == PREPARED
    replicas = strategy.num_replicas_in_sync
    clips_a_step = recipe.batch * replicas
    k = options.steps_per_execution
    per_epoch = max(len(training.items) // clips_a_step // k * k, k)
    with strategy.scope():
        network, report = build(recipe, training.labels, None if found else recipe.weights)
        for line in report if not found else ():
            say(line)
        set_batch_norm(network, recipe)
        if options.precision == "float32":
            fuse_batch_norm(network)
        rule, steps, note = optimizer.make(recipe, clips_a_step * options.accumulate, per_epoch, options.accumulate)
        say(f"{note}; {steps:,} steps of {recipe.batch} x {replicas} clips, {per_epoch:,} an epoch")
        frames = network.input_shape[1] or recipe.frames
        shape = (recipe.batch, frames, recipe.size, recipe.size, network.input_shape[-1])
        like = keras.KerasTensor(shape, "uint8"), keras.KerasTensor(shape[:1], "int32")
        trainer = Trainer(network, like)
        _compile(trainer, rule, len(training.labels), options)
        trainer._maybe_symbolic_build()
    plain = network
    if replicas > 1 or options.average:
        plain, _ = build(recipe, training.labels)
        set_batch_norm(plain, recipe)
    first = 0
    if found:
        with strategy.scope():
            first = state.restore(trainer, found, run)
        say(f"goes on at step {first:,} of {steps:,}")
    if chief:
        _write_args(run, recipe, options, training, network)
        view_of(network).save(run)
        if training.skipped:
            training.write_skipped(run / "skipped.csv")
    failures = Failures(run / "unreadable.csv" if chief else None)
    swap = flip_swap(training.labels)

    def make(batch, step):
        """This worker's clips from a step on; the dataset's own batches are those of one replica."""
        transform = views.train_transform(recipe, swap)
        place = {"seed": options.seed, "shard": (number, count), "start_step": step * (replicas // count)}
        if prepared:
            data = records(options.data, views.records_choice(recipe), transform, batch, **place)
            return served(data, options.service) if options.service else data
        indices = views.train_indices(recipe)
        more = {"short": recipe.short, "workers": options.workers, "failures": failures}
        return clips(training, indices, transform, batch, **place, **more)

    def names(step):
        return ["some of the prepared data"] if prepared else step_items(training, options.seed, step, clips_a_step)

    save_every = options.save_every or (500 if count > 1 else None)
    keeper = Keeper(
        run,
        plain,
        validator(recipe, options, testing, trainer if plain is network else None) if testing else None,
        (first, per_epoch, clips_a_step),
        save_every=save_every,
        average=options.average,
        chief=chief,
    )
    if found:
        keeper.resume(found)
    callbacks = [Watch(first, len(training.labels), names), keeper]
    if chief:
        callbacks.append(Progress(clips_a_step, first, steps))
    if count > 1:
        callbacks.append(Peers(others(strategy), first, steps))
    if options.profile and chief:
        callbacks.append(Profile(run / "events", options.profile))
    for begin, end, epoch in parts(first, steps, per_epoch):
        trainer.fit(
            distributed(strategy, lambda batch, begin=begin: make(batch, begin), recipe.batch),
            initial_epoch=epoch,
            epochs=epoch + max((end - begin) // per_epoch, 1),
            steps_per_epoch=min(end - begin, per_epoch),
            callbacks=callbacks,
            shuffle=False,
            verbose=0,
        )
    if failures.rows:
        say(f"{len(failures.rows)} videos could not be read and were replaced: {run / 'unreadable.csv'}")
    return run


def parts(first, steps, per_epoch):
    """What is left of a run, (begin, end, epoch) a piece, such that a piece holds whole epochs or one part of one.

    >>> parts(0, 30, 10), parts(14, 30, 10), parts(14, 33, 10)
    ([(0, 30, 0)], [(14, 20, 1), (20, 30, 2)], [(14, 20, 1), (20, 30, 2), (30, 33, 3)])
    """
    pieces = []
    if first % per_epoch and first < steps:
        end = min((first // per_epoch + 1) * per_epoch, steps)
        pieces.append((first, end, first // per_epoch))
        first = end
    whole = steps // per_epoch * per_epoch
    if first < whole:
        pieces.append((first, whole, first // per_epoch))
        first = whole
    if first < steps:
        pieces.append((first, steps, first // per_epoch))
    return pieces


def served(data, address):
    """The same data, decoded by the machines of a tf.data service; its order is then not that of the seed."""
    service = tf.data.experimental.service
    return data.apply(service.distribute(service.ShardingPolicy.OFF, address)).prefetch(2)


def validator(recipe, options, testing, trainer=None):
    """network -> {"loss", "top1", "top5"} on one view of each test clip.

    Args:
        trainer: Evaluates instead of the network that is given, on all devices it trains on.
    """
    one = dataclasses.replace(recipe, views=1, crops=1, test_frames=None, test_size=None)

    def only(views_, label):
        return views_[0], label

    def transform(clip, label, seed):
        return only(*views.test_transform(one)(clip, label, seed))

    def validate(network):
        data = clips(
            testing,
            views.test_indices(one),
            transform,
            recipe.batch,
            training=False,
            short=recipe.short,
            workers=options.workers,
        )
        judge = trainer or network
        if trainer is None and not getattr(network, "compiled", False):
            _compile(network, "sgd", len(testing.labels), options)
        with warnings.catch_warnings():  # the number of readable videos is not known before: the data may run out
            warnings.filterwarnings("ignore", message="Your input ran out of data")
            return judge.evaluate(data, verbose=0, return_dict=True)

    return validate


def _compile(model, rule, classes, options):
    model.compile(
        rule,
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=[
            keras.metrics.SparseCategoricalAccuracy("top1"),
            keras.metrics.SparseTopKCategoricalAccuracy(min(5, classes), "top5"),
        ],
        jit_compile=True if options.xla else "auto",
        steps_per_execution=options.steps_per_execution,
    )


def _open(run, recipe, options, chief):
    """The newest state of a run to go on with, or None for a new run."""
    found = state.load(run / "checkpoints")
    if options.resume:
        if (run / "args.json").is_file():
            _same(run, recipe, options)
        return found
    if chief and (run / "args.json").is_file():
        raise InputError(f"{run} holds a run already: --resume goes on with it, another -o starts a new one")
    return None


def _same(run, recipe, options):
    """A resumed run computes what it began: other numbers would be a new run in the old one's name."""
    began = json.loads((run / "args.json").read_text())
    now = {**json.loads(json.dumps(dataclasses.asdict(recipe))), "seed": options.seed, "precision": options.precision}
    before = {**began["recipe"], "seed": began["seed"], "precision": began["precision"]}
    other = [f"{key} {before[key]} -> {now[key]}" for key in now if key in before and before[key] != now[key]]
    if other:
        raise InputError(f"{run} was begun with other settings ({'; '.join(other)}): resume with the same")


def _write_args(run, recipe, options, training, network):
    run.mkdir(parents=True, exist_ok=True)
    shown = {key: value for key, value in dataclasses.asdict(options).items() if key != "resume"}
    args = {
        "model": recipe.model,
        "labels": list(training.labels),
        "parameters": network.count_params(),
        "clips": len(training.items),
        "recipe": dataclasses.asdict(recipe),
        **shown,
        "command": " ".join(sys.argv),
        "versions": {"keras": keras.__version__, "keras_vid": _version()},
    }
    part = run / f".part.{os.getpid()}.json"
    part.write_text(json.dumps(args, indent=1) + "\n")
    os.replace(part, run / "args.json")


def _version():
    from keras_vid import __version__

    return __version__


def _say(line):
    print(line, file=sys.stderr, flush=True)
