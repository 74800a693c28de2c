"""Testing by a named protocol: views of each video, their answers averaged, and what the answers say."""

import dataclasses
import sys
from pathlib import Path

import numpy as np
import tensorflow as tf
from keras_vid.saved_models.layout import saved_model_folder
from keras_vid.saved_models.predictor import open_predictor
from keras_vid.training.data import views
from keras_vid.training.data.load import aligned, datasets, load_dataset, own_videos
from keras_vid.training.data.pipeline import Failures, clips
from keras_vid.training.evaluation.predictions import Predictions
from keras_vid.training.evaluation.windowed import computed_by, why_not, windowed
from keras_vid.training.recipes.fields import MODALITIES, from_json, of_view
from keras_vid.training.run.progress import Line
from keras_vid.training.run.start import constructor_options, open_in_time, with_all_options
from keras_vid.training.run.train import Options

from keras_vid.inference.groups import groups_of
from keras_vid.inference.load import load_model
from keras_vid.models.create import create
from keras_vid.utils.errors import InputError, MissingFile
from keras_vid.utils.files import read_json
from keras_vid.view import view_of


def scores_of(network, dataset, recipe, order="forward", average="softmax", batch=None, workers=None):
    """(indices in dataset.items, probabilities (N, K), Failures) of every clip that can be read.

    A clip that is too short for the network is a failure like an unreadable one.

    Args:
        network: A Keras network, or its `Predictor` of another engine.
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
        view=views.look(recipe),
    )
    logits_of = windowed(network)
    indices, rows = [], []
    progress = Line()
    for clip, _, numbers in data:
        numbers = numbers.numpy().tolist()
        logits = logits_of(tf.reshape(clip, (-1, *tf.unstack(tf.shape(clip))[2:]))).astype("float64")
        logits = logits.reshape(len(numbers), -1, logits.shape[-1])
        merged = logits.mean(axis=1, keepdims=True) if average == "logits" else logits
        exp = np.exp(merged - merged.max(axis=-1, keepdims=True))
        scores = (exp / exp.sum(axis=-1, keepdims=True)).mean(axis=1)
        for number, row in zip(numbers, scores):
            if np.isfinite(row).all():
                indices.append(number)
                rows.append(row)
            else:
                failures.add(dataset.items[number].path, why_not(network, int(clip.shape[2])))
        progress.show(f"test: {len(indices) + len(failures.rows):,} of {len(dataset.items):,} clips")
    progress.end()
    if not indices:
        first = next(iter(failures.rows.items()), ("", "it is empty"))
        raise InputError(f"{dataset.name}: no clip could be tested, such as {first[0]}: {first[1]}")
    return indices, np.stack(rows), failures


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


def evaluate(source, changes=None, data=None, order="forward", average="softmax", workers=None, part=None):
    """Test a run folder by its recipe's protocol: (numbers, Predictions).

    Args:
        changes: Fields of the recipe that are other than in training: views, crops, test_frames, test_size.
        data: Fields of keras_vid.training.run.train.Options that say where the videos are, where they moved since, or
            under "test_data" another folder or CSV file to test on, under "engine" what computes.
        part: "test" or "validation" clips; None: the test clips, else those that chose the network, and it is said.
    """
    run = Path(source)
    recipe, args = read_args(run)
    _check_modality(run, recipe.modality, changes)
    recipe = dataclasses.replace(recipe, **(changes or {}))
    known = {field.name for field in dataclasses.fields(Options)}
    data = dict(data or {})
    other, engine = data.pop("test_data", None), data.pop("engine", "auto")
    options = Options(**{**{k: v for k, v in args.items() if k in known}, **data})
    if other:
        testing, part, how = own_videos(other, "test", options.group_by), "test", f"tested on {other}"
    else:
        parts = datasets(recipe, options)
        if "stage" in args and (parts.test is None or part == "validation"):  # of one's own videos, without a recipe
            raise InputError(f"{run} learned from all of these clips, and metrics.json has its folds: give --test-data")
        testing, part, how = _part_to_test(run, parts, part)
    network = computed_by(for_testing(load_model(run), recipe), engine)
    testing = aligned(testing, args["labels"])
    numbers, predictions = _test(network, testing, recipe, order, average, workers)
    return {"source": str(run), "part": part, "split": how, **numbers}, predictions


def _check_modality(name, modality, changes):
    asked = (changes or {}).get("modality", modality)
    if asked != modality:
        raise InputError(f"{name} reads {MODALITIES[modality]}, not {MODALITIES[asked]}: leave --modality out")


def _part_to_test(run, parts, part):
    """(Dataset, "test" or "validation", how the data was split)."""
    if part not in (None, "test", "validation"):
        raise InputError(f"the part to test is test or validation, not {part!r}")
    part = part or ("validation" if parts.test is None else "test")
    testing = getattr(parts, part)
    if testing is None:
        raise InputError(f"{run}: its data has no {part} clips; give --test-data")
    return testing, part, parts.how


def evaluate_network(
    name,
    weights,
    dataset,
    root,
    split="val",
    *,
    lists=None,
    changes=None,
    order="forward",
    average="softmax",
    workers=None,
    engine="auto",
):
    """Test published weights, or a folder of keras-vid export, on a data set:
    `evaluate_network("i3d", "kinetics400", "kinetics400", "videos")`.

    Args:
        split, lists: As of keras_vid.training.data.load.load_dataset.
        changes, order, average, workers, engine: As of `evaluate`.
    """
    exported = saved_model_folder(name)
    network, recipe = (_exported if exported else _published)(exported or name, weights, dataset, changes or {}, engine)
    labels = network.view.labels if exported else view_of(network).labels
    testing = load_dataset(dataset, root, split, lists)
    if labels:
        testing = aligned(testing, list(labels))
    elif len(testing.labels) != network.output_shape[-1]:
        raise InputError(f"{name} has {network.output_shape[-1]} classes, {dataset} has {len(testing.labels)}")
    network = network if exported else computed_by(network, engine)
    numbers, predictions = _test(network, testing, recipe, order, average, workers)
    return {"source": f"{name} {weights or ''}".strip(), "part": split, **numbers}, predictions


def _published(name, weights, dataset, changes, engine):
    """(a network by name, the recipe of its test)."""
    from keras_vid.training.recipes import recipe as find

    chosen = find(name if dataset in ("csv", "folder") else f"{name}/{dataset}")
    recipe = with_all_options(dataclasses.replace(chosen, weights=weights, **changes))
    network = load_model(name, weights=weights)
    channels = network.input_shape[-1]
    modality = "rgb" if channels == 3 else "flow"
    _check_modality(f"{name} with the weights {weights}", modality, changes)
    wants = {name: value for name in ("fps", "stride") if (value := getattr(view_of(network), name)) not in (None, 1)}
    wants = {name: value for name, value in wants.items() if name not in changes}  # of the weights
    recipe = dataclasses.replace(recipe, modality=modality, channels=channels, **wants)
    return for_testing(network, recipe), recipe


def _exported(folder, weights, dataset, changes, engine):
    """(the `Predictor` of a SavedModel folder, the recipe by which a test shows it what its view says)."""
    predictor = open_predictor(folder, weights, engine=engine)
    recipe = of_view(predictor.view, folder.parent.name, batch=1)
    _check_modality(folder, recipe.modality, changes)
    predictor.view.check_frames(changes.get("test_frames"), folder)
    if changes.get("test_size") not in (None, predictor.view.height) and predictor.view.height:
        raise InputError(f"{folder} takes clips of {predictor.view.height} rows, not of {changes['test_size']}")
    return predictor, dataclasses.replace(recipe, **changes)


def _test(network, testing, recipe, order, average, workers):
    print(testing.report(), file=sys.stderr)
    indices, scores, failures = scores_of(network, testing, recipe, order, average, workers=workers)
    items = [testing.items[i] for i in indices]
    predictions = Predictions(
        [item.path if item.start is None else f"{item.path} {item.start:g}" for item in items],
        np.array([item.label for item in items]),
        scores.astype("float32"),
        list(testing.labels),
        groups_of(items).tolist(),
    )
    for path, reason in list(failures.rows.items())[:5]:
        print(f"not tested: {path}: {reason}", file=sys.stderr)
    if len(failures.rows) > 5:
        print(f"not tested: {len(failures.rows) - 5:,} more clips", file=sys.stderr)
    numbers = {"data": testing.name, "protocol": views.protocol(recipe, order, average), **predictions.summary()}
    return {**numbers, "unreadable": len(failures.rows), "unreadable_clips": failures.rows}, predictions


def read_args(run):
    """(recipe, args.json) of a run folder."""
    path = Path(run) / "args.json"
    if not path.is_file():
        raise MissingFile(f"{run} is not a run folder: there is no args.json in it")
    args = read_json(path)
    try:
        return from_json(args["recipe"]), args
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path} is damaged (it holds no recipe): restore it, or train again") from error
