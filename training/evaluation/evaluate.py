"""Testing by a named protocol: views of each video, their answers averaged, and what the answers say."""

import csv
import dataclasses
import json
import os
import sys
from pathlib import Path

import numpy as np
import tensorflow as tf
from keras_vid.training.data import views
from keras_vid.training.data.load import aligned, datasets, load_dataset
from keras_vid.training.data.pipeline import Failures, clips
from keras_vid.training.evaluation import metrics
from keras_vid.training.recipes.fields import from_json
from keras_vid.training.run.start import constructor_options, open_in_time, with_all_options
from keras_vid.training.run.train import Options

from keras_vid.inference.load import load_model
from keras_vid.models.create import create
from keras_vid.models.two_stream import fuse
from keras_vid.utils.errors import InputError, MissingFile
from keras_vid.view import view_of


def scores_of(network, dataset, recipe, order="forward", average="softmax", batch=None, workers=None):
    """(places in dataset.items, probabilities (N, K), Failures) of every clip that can be read.

    Args:
        order: "forward", "reverse", "shuffle" or "freeze": the frames of each clip, as controls.
        average: "softmax" or "logits": what is averaged over the views of a clip.
        batch: Clips at a time; by default the recipe's.
    """
    if average not in ("softmax", "logits"):
        raise InputError(f"--average is softmax or logits, not {average!r}")
    failures = Failures()
    several = max(recipe.views, 1) * recipe.crops
    data = clips(
        dataset,
        views.test_indices(recipe),
        views.test_transform(recipe, order),
        max((batch or recipe.batch) // several, 1) if views.test_frames(recipe) else 1,
        training=False,
        short=recipe.short,
        workers=workers,
        failures=failures,
        numbered=True,
    )
    answer = _answers(network)
    places, rows = [], []
    progress = _Counter(len(dataset.items))
    for clip, _, numbers in data:
        logits = answer(tf.reshape(clip, (-1, *tf.unstack(tf.shape(clip))[2:]))).numpy().astype("float64")
        logits = logits.reshape(len(numbers), -1, logits.shape[-1])
        merged = logits.mean(axis=1, keepdims=True) if average == "logits" else logits
        exp = np.exp(merged - merged.max(axis=-1, keepdims=True))
        rows.append((exp / exp.sum(axis=-1, keepdims=True)).mean(axis=1))
        places += numbers.numpy().tolist()
        progress.show(len(places) + len(failures.rows))
    progress.end()
    if not places:
        first = next(iter(failures.rows.items()), ("", "it is empty"))
        raise InputError(f"{dataset.name}: no clip could be read, such as {first[0]}: {first[1]}")
    return places, np.concatenate(rows), failures


def _answers(network):
    """The network as one graph, for clips of any length where it takes them."""
    signature = tf.TensorSpec(network.input_shape, tf.uint8)
    return tf.function(lambda clip: network(clip, training=False), input_signature=[signature])


def for_testing(network, recipe):
    """The same weights in a network for the frames and size of the test, where they are not those of training."""
    size, frames = recipe.test_size or recipe.size, views.test_frames(recipe)
    fixed = network.input_shape[1]
    if (fixed is None or fixed == frames) and network.input_shape[2] in (None, size):
        return network
    frames = None if open_in_time(recipe.model) else frames
    options = constructor_options(recipe)
    other = create(recipe.model, classes=network.output_shape[-1], frames=frames, size=size, **options)
    other.set_weights(network.get_weights())
    return other


def evaluate(source, changes=None, data=None, order="forward", average="softmax", workers=None):
    """Test a run folder by its recipe's protocol: (numbers, Predictions).

    Args:
        changes: Fields of the recipe that are other than in training: views, crops, test_frames, test_size.
        data: Fields of keras_vid.training.run.train.Options that say where the videos are, where they moved since.
    """
    run = Path(source)
    recipe, args = read_args(run)
    recipe = dataclasses.replace(recipe, **(changes or {}))
    known = {field.name for field in dataclasses.fields(Options)}
    options = Options(**{**{k: v for k, v in args.items() if k in known}, **(data or {})})
    parts = datasets(recipe, options)
    testing = parts.test or parts.validation
    if testing is None:
        raise InputError(f"{run}: its data has no test clips; give --val-data")
    network = for_testing(load_model(run), recipe)
    testing = aligned(testing, args["labels"])
    return _test(network, testing, recipe, order, average, workers, str(run))


def evaluate_network(name, weights, dataset, root, split="val", **options):
    """Test published weights on a data set: `evaluate_network("i3d", "kinetics400", "kinetics400", "videos")`.

    Options: lists, changes (fields of the recipe), order, average, workers.
    """
    from keras_vid.training.recipes import recipe as find

    chosen = find(name if dataset in ("csv", "folder") else f"{name}/{dataset}")
    recipe = with_all_options(dataclasses.replace(chosen, weights=weights, **(options.pop("changes", None) or {})))
    network = for_testing(load_model(name, weights=weights), recipe)
    testing = load_dataset(dataset, root, split, options.pop("lists", None))
    labels = view_of(network).labels
    if labels:
        testing = aligned(testing, list(labels))
    elif len(testing.labels) != network.output_shape[-1]:
        raise InputError(f"{name} tells {network.output_shape[-1]} classes apart, {dataset} has {len(testing.labels)}")
    return _test(
        network,
        testing,
        recipe,
        options.get("order", "forward"),
        options.get("average", "softmax"),
        options.get("workers"),
        f"{name} {weights}",
    )


def _test(network, testing, recipe, order, average, workers, source):
    print(testing.report(), file=sys.stderr)
    places, scores, failures = scores_of(network, testing, recipe, order, average, workers=workers)
    items = [testing.items[i] for i in places]
    predictions = Predictions(
        [item.path if item.start is None else f"{item.path} {item.start:g}" for item in items],
        np.array([item.label for item in items]),
        scores.astype("float32"),
        list(testing.labels),
    )
    numbers = {"source": source, "data": testing.name, "protocol": views.protocol(recipe, order, average)}
    numbers |= metrics.summary(scores, predictions.truth)
    numbers["unreadable"] = len(failures.rows)
    return numbers, predictions


def read_args(run):
    """(recipe, args.json) of a run folder."""
    path = Path(run) / "args.json"
    if not path.is_file():
        raise MissingFile(f"{run} is not a run folder: there is no args.json in it")
    args = json.loads(path.read_text())
    return from_json(args["recipe"]), args


@dataclasses.dataclass
class Predictions:
    """The scores of a test: paths, true label numbers, probabilities (N, K), label names."""

    paths: list
    truth: np.ndarray
    scores: np.ndarray
    labels: list

    def save(self, stem):
        """<stem>.csv to read, and <stem>.npz with all scores to fuse."""
        stem = Path(stem)
        part = stem.with_name(f".part.{os.getpid()}.npz")
        arrays = {"paths": self.paths, "truth": self.truth, "scores": self.scores, "labels": self.labels}
        np.savez(part, **arrays)
        os.replace(part, stem.with_suffix(".npz"))
        with open(part, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(("path", "label", "predicted", "probability", "rank"))
            for path, true, row in zip(self.paths, self.truth, self.scores):
                best = int(row.argmax())
                rank = int((row > row[true]).sum()) + 1
                writer.writerow((path, self.labels[true], self.labels[best], f"{row[best]:.4f}", rank))
        os.replace(part, stem.with_suffix(".csv"))

    @classmethod
    def load(cls, path):
        path = Path(path)
        path = path / "predictions.npz" if path.is_dir() else path
        if not path.is_file():
            raise MissingFile(f"{path} does not exist: keras-vid evaluate writes it")
        try:
            with np.load(path, allow_pickle=False) as file:
                return cls(list(file["paths"]), file["truth"], file["scores"], list(file["labels"]))
        except Exception as error:
            raise InputError(f"{path} holds no predictions: {error}") from error


def fused(paths, weights=None):
    """Several networks' predictions of the same clips as one: (numbers, Predictions)."""
    tables = [Predictions.load(path) for path in paths]
    first = tables[0]
    places = [{name: i for i, name in enumerate(table.paths)} for table in tables]
    common = [name for name in first.paths if all(name in place for place in places)]
    if not common or any(table.labels != first.labels for table in tables):
        raise InputError(f"{', '.join(map(str, paths))}: predictions of other clips or other labels cannot be fused")
    rows = [[place[name] for name in common] for place in places]
    scores = fuse([table.scores[row] for table, row in zip(tables, rows)], weights, logits=False)
    predictions = Predictions(common, first.truth[rows[0]], scores.astype("float32"), first.labels)
    named = [str(p) for p in paths]
    numbers = {"source": named, "weights": list(weights) if weights else [1] * len(tables)}
    return {**numbers, **metrics.summary(scores, predictions.truth)}, predictions


def averaged(many):
    """The mean of the numbers of several tests (the three splits of UCF101 and HMDB51)."""
    keys = ("top1", "top5", "mean_class_accuracy", "loss", "calibration_error")
    return {"mean_of": len(many), **{key: float(np.mean([numbers[key] for numbers in many])) for key in keys}}


class _Counter:
    """How many clips are done, on a terminal."""

    def __init__(self, total):
        self.total, self.live = total, sys.stderr.isatty()

    def show(self, done):
        if self.live:
            sys.stderr.write(f"\r{done:,} of {self.total:,} clips\x1b[K")
            sys.stderr.flush()

    def end(self):
        if self.live:
            sys.stderr.write("\r\x1b[K")
