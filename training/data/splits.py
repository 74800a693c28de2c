"""Splits that do not leak: clips of one source (a video, a person, a camera) always stay on one side.

Every clip has a group (keras_vid/inference/groups.py); `--group-by` names others.
"""

import re
import warnings
from pathlib import Path

import numpy as np
from keras_vid.training.data.datasets import Dataset

from keras_vid.inference.groups import groups_of
from keras_vid.utils.errors import InputError


def set_groups(dataset: Dataset, group_by: str, root: str | Path) -> Dataset:
    """The same clips, grouped by the folder that they are in or by what a pattern finds in their paths.

    Args:
        group_by: "folder", or a regular expression: its first group in parentheses, if it has one, else all of it.
        root: Paths are taken relative to this folder.
    """
    paths = [_below(item.path, root) for item in dataset.items]
    if group_by == "folder":
        inside = 1 if dataset.name == "folder" else 0  # of one folder a class, the folder below it
        names = ["/".join(Path(path).parts[inside:-1]) for path in paths]
        if not any(names):
            raise InputError(f"--group-by folder: the clips of {root} are not in folders of their own below a class")
    else:
        names = [_matched(_pattern(group_by), path) for path in paths]
        if not any(names):
            text = f"--group-by {group_by}: no column of this name, and as a pattern it is in none of the paths"
            raise InputError(f"{text} of {root}, such as {paths[0]}")
    alone = sum(not name for name in names)
    note = [f"--group-by {group_by} says nothing of {alone:,} clips"] if alone else []
    items = [item._replace(group=name or None) for item, name in zip(dataset.items, names)]
    return Dataset(dataset.name, items, dataset.labels, dataset.skipped, dataset.notes + note)


def _below(path, root):
    path, root = Path(path), Path(root)
    return (path.relative_to(root) if path.is_relative_to(root) else path).as_posix()


def _pattern(text):
    try:
        return re.compile(text)
    except re.error as error:
        raise InputError(f"--group-by {text}: not a regular expression ({error})") from None


def _matched(pattern, path):
    found = pattern.search(path)
    return "" if found is None else found[1] if pattern.groups else found[0]


def held_out(labels, groups, share: float = 0.2, seed: int = 0) -> np.ndarray:
    """Which clips to hold out (a mask): whole groups, about `share` of each class, never all clips of one.

    >>> held_out([0, 0, 0, 0, 1, 1], ["a", "a", "b", "b", "c", "d"], share=0.5).astype(int).tolist()
    [1, 1, 0, 0, 1, 0]
    """
    labels, numbers = _numbered(labels, groups)
    counts = np.zeros((numbers.max() + 1, labels.max() + 1), int)  # of a group, of a class
    np.add.at(counts, (numbers, labels), 1)
    total = counts.sum(axis=0)
    goal, held, out = np.maximum(np.round(total * share), 1), np.zeros_like(total), np.zeros(len(counts), bool)
    order = np.random.default_rng(seed).permutation(len(counts))

    def take(group):
        nonlocal held
        held, out[group] = held + counts[group], True

    for group in order:
        after = held + counts[group]
        if (after < total).all(where=total > 0) and abs(after - goal).sum() < abs(held - goal).sum():
            take(group)
    for group in sorted(order, key=lambda group: counts[group].sum()):  # a class of a few large groups gives one, too
        wanted = (counts[group] > 0) & (held == 0)
        if wanted.any() and (held + counts[group] < total).all(where=total > 0):
            take(group)
    return out[numbers]


def folds(labels, groups, count: int = 5, seed: int = 0) -> np.ndarray:
    """The fold of each clip, 0 to `count` - 1: whole groups, stratified by class, shuffled by the seed.

    -1 is a clip that trains in every fold and is never tested: its group is the only source of a class. There are fewer
    folds where there are fewer groups.

    >>> sorted(folds([0, 0, 1, 1], ["a", "b", "c", "d"], count=2)[:2].tolist())  # one of each class in each fold
    [0, 1]
    """
    from sklearn.model_selection import StratifiedGroupKFold

    labels, numbers = _numbered(labels, groups)
    pairs = np.unique(np.stack([labels, numbers]), axis=1)
    only = [numbers[labels == label] for label in np.unique(labels) if (pairs[0] == label).sum() == 1]
    free = ~np.isin(numbers, np.concatenate(only)) if only else np.ones(len(labels), bool)
    count = min(count, len(np.unique(numbers[free])), max(np.bincount(labels[free]), default=0))
    if count < 2:
        raise InputError("every class comes from one source alone: nothing can be tested that was not trained on")
    for attempt in range(20):
        splitter = StratifiedGroupKFold(count, shuffle=True, random_state=seed + 1000 * attempt)
        fold = np.full(len(labels), -1)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="The least populated class")
            for number, (_, test) in enumerate(splitter.split(labels[free], labels[free], numbers[free])):
                fold[np.flatnonzero(free)[test]] = number
        bare = [_untrained(labels, fold, number) for number in range(count)]
        if not any(map(len, bare)):
            return fold
    for label in np.concatenate(bare):  # all sources of a class are in one fold: one of them always trains
        fold[numbers == numbers[labels == label][0]] = -1
    return fold


def _untrained(labels, fold, number):
    """The classes without a clip outside a fold."""
    return np.setdiff1d(labels, labels[fold != number])


def _numbered(labels, groups):
    return np.asarray(labels, int), np.unique(np.asarray(groups, dtype=object).astype(str), return_inverse=True)[1]


SKEWED = 1.5  # the largest class over the smallest one, from where on classes are called skewed


def skewed(labels) -> bool:
    """Whether classes are so unequal that training should weight them.

    >>> skewed([0, 0, 1, 1]), skewed([0, 0, 0, 0, 1])
    (False, True)
    """
    counts = np.bincount(labels)
    counts = counts[counts > 0]
    return bool(counts.max() >= SKEWED * counts.min())


def hold_out(dataset: Dataset, share: float = 0.2, seed: int = 0) -> tuple[Dataset, Dataset | None]:
    """(the rest, a held-out part of whole groups); None for a part where no class has two sources."""
    labels, groups = [item.label for item in dataset.items], groups_of(dataset.items)
    mask = held_out(labels, groups, share, seed)
    if not mask.any():
        return dataset, None
    note = (
        f"{int(mask.sum()):,} clips of {len(set(groups[mask])):,} sources are held out of {len(set(groups)):,} sources"
    )
    kept, held = ([item for item, out in zip(dataset.items, mask) if out == side] for side in (False, True))
    return (
        Dataset(dataset.name, kept, dataset.labels, dataset.skipped, [*dataset.notes, note]),
        Dataset(f"{dataset.name}, held out", held, dataset.labels),
    )


def shared_sources(one: Dataset, other: Dataset) -> list[str]:
    """The groups with clips in both of two data sets that should have none in common."""
    groups = groups_of([*one.items, *other.items])
    return sorted(set(groups[: len(one.items)]) & set(groups[len(one.items) :]))


def some_videos(items, count=96) -> dict[str, str]:
    """{path: its group} of up to `count` videos, evenly spaced in their list: what an export to int8 calibrates with.

    Clips of prepared data, which has no videos any more, are left out.
    """
    items = [item for item in items if getattr(item, "path", None)]
    videos = {str(Path(item.path).absolute()): str(group) for item, group in zip(items, groups_of(items))}
    paths = list(videos)
    step = max(1, len(paths) / count)
    return {path: videos[path] for path in (paths[int(i * step)] for i in range(min(count, len(paths))))}
