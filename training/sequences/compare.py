"""The ten classifiers of StNet's Table 1, trained and tested on one file of features."""

import logging
import sys
from pathlib import Path

import keras
import numpy as np
from keras_vid.training.data.splits import held_out
from keras_vid.training.evaluation.metrics import summary
from keras_vid.training.sequences.features import read_features

from keras_vid.inference.predict import softmax
from keras_vid.models.sequence import SEQUENCE_MODELS, SequenceModel
from keras_vid.utils.errors import InputError
from keras_vid.utils.files import as_json, read_json, settle_plan, write_whole
from keras_vid.utils.locks import held

# https://arxiv.org/abs/1811.01549, Table 1: top-1 (%) on Kinetics-400, parameters (millions) where they are given
PAPER = {
    "mean": (73.02, None),
    "txb_without_batch_norm": (73.55, None),
    "txb_without_channel_conv": (74.14, None),
    "txb_without_temporal_conv": (74.06, None),
    "txb_without_short_branch": (74.33, None),
    "txb_without_long_branch": (74.21, None),
    "temporal_conv": (74.28, 9.6),
    "lstm": (73.21, 10.9),
    "gru": (73.66, 8.3),
    "txb": (74.62, 4.6),
}


def compare(path, output, *, models=(), test=None, seeds=1, epochs=30, batch=32, rate=1e-3, share=0.2) -> list[dict]:
    """Train each model with each seed, test it, and write results.json and table.md; returns the results.

    What an earlier call with the same settings finished is kept. Channels are standardised by the training clips.

    Args:
        path: A file of `write_features`.
        output: The folder to write, or to go on with.
        models: Names of SEQUENCE_MODELS; none: all.
        test: A file to test on; None: a `share` of the clips, whole groups of each class, is held out and tested on.
        rate: Adam's learning rate, which falls to zero along a cosine.
    """
    strange = sorted(set(models) - set(SEQUENCE_MODELS))
    if strange:
        raise InputError(f"no sequence model is called {strange[0]!r}; there are: {', '.join(SEQUENCE_MODELS)}")
    if min(seeds, epochs, batch) < 1 or not rate > 0:
        raise InputError("--seeds, --epochs, -b and --lr are above 0")
    parts, classes, groups = _parts(path, test, share)
    output = Path(output)
    plan = {"features": str(path), "test": test and str(test), "share": share}
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # it warns of many networks, which is what this is about
    kept = output / "results.json"
    with held(output):
        settle_plan(output / "plan.json", {**plan, "epochs": epochs, "batch": batch, "rate": rate})
        results = _read(kept) if kept.is_file() else []
        for name in models or PAPER:
            for seed in range(seeds):
                if any((one["model"], one["seed"]) == (name, seed) for one in results):
                    continue
                scores, parameters = _train(name, seed, parts, (classes, epochs, batch, rate))
                numbers = summary(scores, parts[1][1], groups)
                results.append({"model": name, "seed": seed, "parameters": parameters, **numbers})
                write_whole(kept, as_json({"results": results}))
                print(f"{name}, seed {seed}: top-1 {100 * numbers['top1']:.1f} %", file=sys.stderr, flush=True)
        write_whole(output / "table.md", table(results))
    return results


def _read(path):
    """The results that are kept in a file."""
    results = read_json(path, {"results": list})["results"]
    fields = {"model": str, "seed": int, "parameters": int, "clips": int, "top1": float}
    if not all(isinstance(one, dict) and all(isinstance(one.get(n), k) for n, k in fields.items()) for one in results):
        raise InputError(f"{path} is damaged: choose another folder")
    return results


def _parts(path, test, share):
    """((features, numbers of labels) of training and of the test, how many classes, groups of the test)."""
    features, names, groups = read_features(path)
    labels = sorted(set(names))
    if len(labels) < 2:
        raise InputError(f"{path}: all clips have one label: a classifier needs two classes to tell apart")
    numbers = np.searchsorted(labels, names)
    if test:
        tested, test_names, test_groups = read_features(test)
        if tested.shape[1:] != features.shape[1:] or not set(test_names) <= set(labels):
            raise InputError(f"{test}: other labels, or other frames or channels, than {path}")
        training, testing = (features, numbers), (tested, np.searchsorted(labels, test_names))
    else:
        mask = held_out(numbers, groups, share)
        if not mask.any():
            raise InputError(f"{path}: nothing can be held out by group: give --test FILE")
        training, testing = (features[~mask], numbers[~mask]), (features[mask], numbers[mask])
        test_groups = groups[mask]
    mean, deviation = training[0].mean(axis=(0, 1)), training[0].std(axis=(0, 1)) + 1e-6
    parts = [((values - mean) / deviation, numbers) for values, numbers in (training, testing)]
    return parts, len(labels), test_groups


def _train(name, seed, parts, settings):
    """(scores of the test clips, number of parameters) of one model."""
    (features, labels), (tested, _) = parts
    classes, epochs, batch, rate = settings
    keras.utils.set_random_seed(seed)
    network = SequenceModel(name, classes, *features.shape[1:])
    steps = epochs * -(-len(features) // batch)
    rule = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(rate, steps))
    network.compile(rule, keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    network.fit(features, labels, batch_size=batch, epochs=epochs, verbose=0)
    return softmax(network.predict(tested, batch_size=batch, verbose=0)), network.count_params()


def table(results) -> str:
    """The results as Markdown, in the paper's order, with its numbers beside.

    >>> print(table([{"model": "lstm", "seed": 0, "parameters": 2_000_000, "top1": 0.5, "clips": 8}]).splitlines()[-1])
    | lstm | 2.00M | 50.0 % | 10.9M | 73.21 % |
    """
    several = len({one["seed"] for one in results}) > 1
    lines = [
        f"StNet, Table 1 (https://arxiv.org/abs/1811.01549; there Kinetics-400). {results[0]['clips']:,} test clips"
        + ("; mean over seeds, and the lowest and highest." if several else ", one seed."),
        "",
        "| model | parameters | top-1 | parameters in the paper | top-1 in the paper |",
        "|---|---|---|---|---|",
    ]
    for name, (accuracy, parameters) in PAPER.items():
        rows = [one for one in results if one["model"] == name]
        if rows:
            tops = [100 * one["top1"] for one in rows]
            spread = f" ({min(tops):.1f} to {max(tops):.1f})" if len(tops) > 1 else ""
            ours = f"{rows[0]['parameters'] / 1e6:.2f}M | {np.mean(tops):.1f} %{spread}"
            lines.append(f"| {name} | {ours} | {f'{parameters}M' if parameters else ''} | {accuracy} % |")
    return "\n".join(lines) + "\n"
