"""One run, from a recipe and a folder of videos to a run folder."""

import dataclasses
import sys
from pathlib import Path

import keras
from keras_vid.training.data.pipeline import Failures
from keras_vid.training.data.splits import some_videos
from keras_vid.training.run import callbacks, optimizer, state
from keras_vid.training.run.batch_norm import fuse_batch_norm
from keras_vid.training.run.distribution import choose, position, set_precision
from keras_vid.training.run.folder import RunFolder
from keras_vid.training.run.inputs import compile_for, example_like, inputs, loss_of, open_data, validator, watch
from keras_vid.training.run.loop import Plan, StopSignals, fit
from keras_vid.training.run.progress import Profile
from keras_vid.training.run.start import build, set_batch_norm, with_all_options
from keras_vid.training.run.trainer import Trainer

COLUMNS = callbacks.columns(("top1", "top5"), ("loss", "top1", "top5"))


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
    devices: int | None = None
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


def train(recipe, options: Options, output) -> Path:
    """Train, validate after every epoch, and leave everything in the run folder `output`; returns its path.

    Started again with `resume` after whatever stopped it, a run goes on at the exact step, and ends in the weights of
    a run that nothing stopped.
    """
    # the folder
    recipe = with_all_options(recipe)
    number, _ = position(options.strategy, options.cluster, options.task)
    folder = RunFolder(output, writes=number == 0)
    say = _say if folder.writes else _say_nothing
    with folder.opened(options.resume) as found:
        # the data
        training, validation = open_data(recipe, options, say)

        # the network and its optimizer
        strategy = choose(options.strategy, options.devices, options.cluster, options.task)
        keras.utils.set_random_seed(options.seed)
        set_precision(options.precision, say)
        plan = plan_of(recipe, options, training, strategy)
        settings = settings_of(recipe, options, training, plan)
        grown = folder.check_same(settings) if options.resume else {}
        with strategy.scope():
            trainer, plan = make_trainer(recipe, options, training, plan, found, say)
            if found:
                plan = go_on(trainer, plan, found, folder, say)
        network = network_to_save(trainer, recipe, options, training.labels)
        say_longer(recipe, grown, trainer.optimizer, plan, say)
        folder.write_settings(described(recipe, options, training, network, settings), network)

        # the callbacks
        failures = Failures(folder.path / "unreadable.csv" if folder.writes else None)
        validate = validator(recipe, options, validation, trainer) if validation else None
        command = f"keras-vid train --resume -o {folder.path}"
        outputs = callbacks.Outputs(folder, network, COLUMNS, "top1", validate, command, options.save_every)
        with StopSignals() as stop:
            chain = [watch(plan, training, options.seed), *callbacks.standard(trainer, plan, outputs, stop, found)]
            chain += [Profile(folder.events, options.profile)] if options.profile and folder.writes else []

            # fit
            fit(trainer, plan, inputs(recipe, options, training, strategy, failures), chain, failures)

        # finish
        list_left_out(folder, training, failures, say)
    return folder.path


def plan_of(recipe, options, training, strategy):
    """Steps and clips of an epoch; `make_trainer` adds the length of the run."""
    clips_a_step = recipe.batch * strategy.num_replicas_in_sync
    k = options.steps_per_execution
    return Plan(0, max(len(training.items) // clips_a_step // k * k, k), clips_a_step)


def settings_of(recipe, options, training, plan):
    """All that the numbers of a run depend on: a resumed run must have the same."""
    decisive = {name: getattr(options, name) for name in ("seed", "precision", "accumulate", "average")}
    decisive |= {"clips": len(training.items), "labels": list(training.labels)}
    decisive |= {"clips_a_step": plan.clips, "steps_per_epoch": plan.per_epoch}
    return {**dataclasses.asdict(recipe), **decisive}


def make_trainer(recipe, options, training, plan, found, say):
    """(the compiled trainer, the plan with the length of the run), within the scope of the strategy."""
    network, report = build(recipe, training.labels, None if found else recipe.weights)
    for line in report if not found else ():
        say(line)
    set_batch_norm(network, recipe)
    if options.precision == "float32":
        fuse_batch_norm(network)
    rule, steps, note = optimizer.make(recipe, plan.clips * options.accumulate, plan.per_epoch, options.accumulate)
    if options.average:
        rule.use_ema, rule.ema_momentum = True, options.average
    replicas = plan.clips // recipe.batch
    say(f"{note}; {steps:,} steps of {recipe.batch} x {replicas} clips, {plan.per_epoch:,} an epoch")
    classes = len(training.labels)
    trainer = Trainer(network, example_like(recipe, network, classes))
    compile_for(trainer, rule, classes, options, loss_of(recipe, training))
    trainer._maybe_symbolic_build()
    return trainer, dataclasses.replace(plan, steps=steps)


def go_on(trainer, plan, found, folder, say):
    """Put a saved state back, and return the plan of what is left."""
    first = state.restore(trainer, found, folder.path)
    if first >= plan.steps:
        say(f"this run is complete: all its {plan.steps:,} steps are made; a higher number of them goes on")
    else:
        say(f"goes on at step {first:,} of {plan.steps:,}")
    return dataclasses.replace(plan, first=first)


def say_longer(recipe, grown, rule, plan, say):
    """Say what a run that became longer does with its learning rate."""
    if "length" not in grown:
        return
    before, now = grown["length"]
    rate = f"the rate goes on at {float(rule.learning_rate):.3g}"
    if recipe.schedule == "cosine":
        meaning = f"its cosine is stretched to the new end: {rate}, and falls to zero there"
    else:
        meaning = f"the rate drops where it did before ({', '.join(f'{place:g}' for place in recipe.drops)}): {rate}"
    say(f"longer than before: {now:g} {recipe.unit} instead of {before:g}; {meaning}")


def network_to_save(trainer, recipe, options, labels):
    """The trained network itself, or where that lives on several devices or is averaged, a plain one beside it."""
    if trainer.distribute_strategy.num_replicas_in_sync == 1 and not options.average:
        return trainer.network
    network, _ = build(recipe, labels)
    set_batch_norm(network, recipe)
    return network


def described(recipe, options, training, network, settings):
    """What args.json holds."""
    from keras_vid import __version__

    shown = {name: value for name, value in dataclasses.asdict(options).items() if name != "resume"}
    shown |= {name: settings[name] for name in ("clips", "clips_a_step", "steps_per_epoch")}
    return {
        "model": recipe.model,
        "labels": list(training.labels),
        "parameters": network.count_params(),
        "recipe": dataclasses.asdict(recipe),
        **shown,
        "training_videos": some_videos(training.items),
        "command": " ".join(sys.argv),
        "versions": {"keras": keras.__version__, "keras_vid": __version__},
    }


def list_left_out(folder, training, failures, say):
    """Write which clips the data set could not use, and say how many could not be read on the way."""
    if folder.writes and training.skipped:
        training.write_skipped(folder.path / "skipped.csv")
    if failures.rows:
        say(f"{len(failures.rows)} videos could not be read and were replaced: {folder.path / 'unreadable.csv'}")


def _say(line):
    print(line, file=sys.stderr, flush=True)


def _say_nothing(line):
    """What a worker that is not the chief says."""
