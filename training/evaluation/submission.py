"""What a network says of a benchmark's test list, whose labels are secret, in the form that the benchmark wants."""

import dataclasses
import sys
from pathlib import Path

import numpy as np
from keras_vid.training.data.official import TEST_LISTS, unlabelled
from keras_vid.training.evaluation.evaluate import for_testing, read_args, scores_of

from keras_vid.inference.load import load_model
from keras_vid.utils.errors import InputError
from keras_vid.utils.files import write_whole

BEST = {"something_v2": 5}  # labels a clip, as numbers; the other benchmarks want the name of the best one


def submit(run, path, changes=None, data=None, lists=None, average="softmax", workers=None) -> int:
    """Classify the official test list of a run's data set and write the submission file; returns how many lines it has.

    Args:
        changes: Fields of the recipe that are other than in training: views, crops, test_frames, test_size.
        data, lists: Where the videos and the official lists are; by default where they were in training.
    """
    recipe, args = read_args(run)
    recipe = dataclasses.replace(recipe, **(changes or {}))
    if recipe.dataset not in TEST_LISTS:
        raise InputError(f"{run} was trained on {recipe.dataset}: submission files are for {', '.join(TEST_LISTS)}")
    root = Path(data or args["data"])
    dataset = unlabelled(recipe.dataset, root, Path(lists or args.get("lists") or root))
    strange = sorted(set(args["labels"]) ^ set(dataset.labels))
    if strange:
        raise InputError(f"{run}: its labels are not those of the official list, such as {strange[0]!r}")
    print(dataset.report(), file=sys.stderr)
    network = for_testing(load_model(run), recipe)
    indices, scores, failures = scores_of(network, dataset, recipe, average=average, workers=workers)
    official = [dataset.labels.index(label) for label in args["labels"]]
    lines = []
    for index, row in zip(indices, scores):
        best = [official[i] for i in np.argsort(-row, kind="stable")[: BEST.get(recipe.dataset, 1)]]
        answer = best if recipe.dataset in BEST else [dataset.labels[best[0]]]
        lines.append(";".join([Path(dataset.items[index].path).stem, *map(str, answer)]))
    write_whole(Path(path), "\n".join(lines) + "\n")
    left = len(failures.rows) + len(dataset.skipped)
    if left:
        first = next(iter([*failures.rows.items(), *dataset.skipped]))
        print(f"{left:,} clips of the list have no line: {first[0]}: {first[1]}", file=sys.stderr)
    return len(lines)
