"""From a folder of videos to a classifier that can be trusted: look, plan, read once, judge by folds, keep the best."""

import contextlib
import dataclasses
import sys
import time

import numpy as np
from keras_vid.training.data.labels import flip_swap
from keras_vid.training.data.splits import skewed
from keras_vid.training.evaluation.metrics import interval
from keras_vid.training.run.folder import RunFolder
from keras_vid.training.small.choose import Choices
from keras_vid.training.small.features import Reading, features_of, read_clip
from keras_vid.training.small.judge import Learner, judge
from keras_vid.training.small.look import look_at, own_data, with_background
from keras_vid.training.small.plan import clock, make_plan
from keras_vid.training.small.probe import fit_probe, probe_network
from keras_vid.training.small.result import Result, write_run
from keras_vid.training.small.tune import combined_network, tuned_network

from keras_vid.inference.groups import groups_of
from keras_vid.inference.predict import softmax
from keras_vid.utils.errors import InputError
from keras_vid.utils.locks import held


def plan_folder(data, *, group_by=None, **choices):
    """(what will be done, the clips, the test clips or None): what `keras-vid train --data DIR --plan` prints.

    Takes the arguments of `fit_folder` that decide what is done.
    """
    choices = Choices(**choices)
    dataset, test = own_data(data, group_by)
    if choices.background:
        dataset = with_background(dataset)
    if len({item.label for item in dataset.items}) < 2:
        raise InputError(
            f"{data}: all clips are of one class, {dataset.labels[dataset.items[0].label]!r}: two are needed"
        )
    if choices.mirrored and -1 in (swap := flip_swap(dataset.labels)):
        label = repr(dataset.labels[swap.index(-1)])
        raise InputError(f"--mirrored: {label} names a direction, which a mirror turns round: leave it out")
    return make_plan(look_at(dataset), choices), dataset, test


def fit_folder(data, output=None, *, group_by=None, seed=0, workers=None, say=None, **choices) -> Result:
    """A classifier of one's own videos, from one pass over them.

    Args:
        data: A folder with one folder a class, or a CSV file path,label[,start,end][,group][,split].
        output: The run folder; None writes none.
        group_by: What no split may cut: a column, "folder", or a pattern in the paths.
        seed: Of the folds and of tuning.
        workers: Videos decoded at a time.
        say: Called with each line of the report; None prints to stderr.
        **choices: The fields of keras_vid.training.small.choose.Choices, by default all chosen by the plan.

    >>> import tempfile
    >>> from keras_vid.video.synthetic import write_dataset
    >>> folder = tempfile.mkdtemp()
    >>> _ = write_dataset(folder, clips=3, frames=8, size=48, classes=("red_shirt", "green_shirt"))
    >>> result = fit_folder(folder, model="tsm_resnet14", weights="none", frames=4, size=64, say=lambda line: None)
    >>> result.labels
    ['green_shirt', 'red_shirt']
    """
    say = say or (lambda line: print(line, file=sys.stderr, flush=True))
    started = time.monotonic()
    settings, choices = {"group_by": group_by, "seed": seed}, Choices(**choices)
    folder = RunFolder(output) if output else None
    with held(output) if folder else contextlib.nullcontext():
        if folder and folder.holds_a_run():
            raise InputError(f"{output} holds a run already: give another -o")
        result = _fit(data, settings, workers, say, choices)
        result.seconds = time.monotonic() - started
        if folder:
            write_run(folder, result, data, settings, choices)
    say(f"done after {clock(result.seconds)}")
    return result


def _fit(data, settings, workers, say, choices):
    """The `Result`, of which nothing is written yet."""
    plan, dataset, test = plan_folder(data, group_by=settings["group_by"], **vars(choices))
    say(dataset.report())
    say(plan.text())
    features = features_of(dataset, plan.network, plan.reading, workers=workers)
    _tell_features(features, say)
    items = [dataset.items[place] for place in features.places]
    labels, groups = np.array([item.label for item in items]), groups_of(items)
    learner = Learner(plan, features, labels, groups, list(dataset.labels), settings["seed"])
    _tell_classes(dataset, labels, say)
    judged = judge(learner)
    _tell_untested(dataset, labels, judged, say)
    network, stage = _final(learner, judged, dataset.labels)
    result = Result(network, list(dataset.labels), plan, stage, judged, items, groups, features.failures)
    if judged and choices.control:
        result.table.append(_control(dataset, learner, judged, workers))
    if test:
        result.test = _test(network, plan.reading.view, test, say)
    return result


def _tell_features(features, say):
    kept = len(features.places) * features.vectors.shape[1] - features.computed
    text = f"; {kept:,} were kept from before" if kept else ""
    say(f"features of {len(features.places):,} clips in {clock(features.seconds)}{text}")
    if features.failures:
        path, reason = next(iter(features.failures.items()))
        say(f"{len(features.failures):,} clips cannot be read and are left out, such as {path}: {reason}")


def _tell_classes(dataset, labels, say):
    counts = np.bincount(labels, minlength=len(dataset.labels))
    if np.count_nonzero(counts) < 2:
        raise InputError(f"only clips of {dataset.labels[int(labels[0])]!r} can be read: two classes are needed")
    for name in (name for name, count in zip(dataset.labels, counts) if not count):
        say(f"no clip of {name!r} can be read: the network will never say so")
    alone = [name for name, count in zip(dataset.labels, counts) if count == 1]
    if alone:
        say(f"one clip alone of {', '.join(map(repr, alone))}: it is learned from, and never tested")
    if skewed(labels):
        say(f"classes are skewed ({counts[counts > 0].min():,} to {counts.max():,} clips): rare ones weigh more")


def _tell_untested(dataset, labels, judged, say):
    """Classes of which no clip could be tested: the accuracy is that of the others."""
    if judged is None:
        return
    names = [dataset.labels[i] for i in np.setdiff1d(labels, labels[judged.tested])]
    if names:
        say(f"{', '.join(map(repr, names))}: all clips come from one source and train in every fold: never tested")


def _final(learner, judged, labels):
    """(the network that is kept, its stage), trained on every clip."""
    plan = learner.plan
    stage = judged.chosen if judged else plan.stages[0]
    every, view = np.arange(len(learner.labels)), plan.reading.view
    probe_model = None
    if stage in ("probe", "combine"):
        probe_model = probe_network(plan.network, plan.reading.depths, learner.probe(every), labels, view)
    if stage == "probe":
        return probe_model, stage
    settings = plan.settings
    if judged and settings.patience:  # as long as the folds found best: every clip is learned from now
        settings = dataclasses.replace(settings, epochs=max(int(np.median(judged.epochs)), 1), patience=0)
    tuner = learner.tuner(settings)
    learner.tune(tuner, every)
    part = tuner.part
    if stage == "tune":
        return tuned_network(plan.network, plan.below, part, labels, view), stage
    return combined_network(plan.network, probe_model, plan.below, part, labels, view), stage


def _control(dataset, learner, judged, workers):
    """The row of a probe that sees one frame of each clip in place of all, on the same folds."""
    reading = learner.plan.reading
    frozen = features_of(
        dataset, learner.plan.network, Reading(reading.view, frozen=True, depths=reading.depths), workers=workers
    )
    if len(frozen.places) != len(learner.labels):
        raise InputError("a clip that could be read before cannot be read now")
    right = np.zeros(len(learner.labels), bool)
    for number in range(judged.fold.max() + 1):
        train, test = judged.fold != number, judged.fold == number
        args = frozen.vectors[train], learner.labels[train], learner.groups[train], learner.classes
        right[test] = fit_probe(*args, seed=learner.seed).logits(frozen.middle[test]).argmax(1) == learner.labels[test]
    low, high = interval(right[judged.tested], learner.groups[judged.tested])
    return {"stage": "probe of one frozen frame", "top1": float(right[judged.tested].mean()), "low": low, "high": high}


def _test(network, view, test, say):
    """The part that was set aside, by the network that is kept: {"clips", "top1", "low", "high", "notes"}."""
    right, items = [], []
    for item in test.items:
        try:
            clip = read_clip(item, view)
        except (ValueError, OSError, MemoryError) as error:
            say(f"a test clip cannot be read and is left out: {error}")
            continue
        right.append(int(softmax(network.predict_on_batch(clip[None])[0]).argmax()) == item.label)
        items.append(item)
    if not items:
        raise InputError(f"none of the {len(test.items):,} test clips can be read")
    low, high = interval(right, groups_of(items))
    return {"clips": len(items), "top1": float(np.mean(right)), "low": low, "high": high, "notes": test.notes}
