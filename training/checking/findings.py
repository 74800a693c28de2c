"""What is wrong with a data set: each finding with its clips and what to do about it."""

import collections
import dataclasses

import numpy as np
from keras_vid.training.checking.looks import ALIKE, alike
from keras_vid.training.data.labels import class_factors
from keras_vid.training.data.splits import folds, held_out, shared_sources, skewed

from keras_vid.inference.groups import groups_of
from keras_vid.utils.errors import InputError


@dataclasses.dataclass(frozen=True)
class Finding:
    """One kind of trouble: a line that says what it is and what to do, and its clips as (path, detail)."""

    kind: str
    text: str
    clips: tuple = ()


def findings_of(dataset, looks, parts, network=None, seed=0) -> list[Finding]:
    """Everything that is found, the gravest first.

    Args:
        dataset: All clips; `looks` are theirs, in their order.
        parts: How training would split them: keras_vid.training.data.load.Parts, or None where it cannot.
        network: Also look for likely label errors with the features of this network.
    """
    pairs = alike(looks)
    found = [_unreadable(dataset, looks), *_two_labels(dataset, looks)]
    found += [*_leaks(dataset, parts, pairs), _by_clip(dataset, seed)]
    if network is not None:
        found.append(_label_errors(dataset, network, seed))
    found += [*_suspicious(dataset, looks), _duplicates(dataset, looks), _near_duplicates(dataset, pairs)]
    found += [_imbalance(dataset), _few(dataset), _similar_names(dataset)]
    return [finding for finding in found if finding]


def _unreadable(dataset, looks):
    clips = [(path, reason) for path, reason in dataset.skipped]
    clips += [(item.path, look.error) for item, look in zip(dataset.items, looks) if look.error]
    if clips:
        return Finding("unreadable", f"{len(clips):,} clips cannot be read: training leaves them out", tuple(clips))


def _two_labels(dataset, looks):
    """The same file, or the same content under two names, with different labels at the same seconds."""
    contents = collections.defaultdict(list)
    for item, look in zip(dataset.items, looks):
        contents[look.content or item.path].append(item)
    clips = []
    for items in contents.values():
        for i, one in enumerate(items):
            for other in items[i + 1 :]:
                if one.label != other.label and _overlap(one, other):
                    names = " and ".join(dataset.labels[item.label] for item in (one, other))
                    clips.append((one.path, f"{names}" + (f" (as {other.path})" if other.path != one.path else "")))
    if clips:
        text = f"{len(clips):,} videos have two labels: a network cannot learn both; keep one"
        yield Finding("two labels", text, tuple(clips))


def _overlap(one, other):
    starts, ends = (
        [item.start or 0 for item in (one, other)],
        [np.inf if i.end is None else i.end for i in (one, other)],
    )
    return max(starts) < min(ends)


def _leaks(dataset, parts, pairs):
    """Sources, and clips that look alike, on both sides of the split that training would make."""
    if parts is None:
        return
    side = {}
    for name in ("training", "validation", "test"):
        for item in getattr(parts, name).items if getattr(parts, name) else ():
            side[item[:4]] = name
    for name in ("validation", "test"):
        part = getattr(parts, name)
        common = shared_sources(parts.training, part) if part else []
        if common:
            text = f"{len(common):,} sources are in training and in {name}: its numbers would be too good"
            yield Finding("leak", text, tuple((source, f"in training and {name}") for source in common))
    crossing = []
    for i, j, likeness in pairs:
        one, other = dataset.items[i], dataset.items[j]
        sides = side.get(one[:4]), side.get(other[:4])
        if None not in sides and sides[0] != sides[1]:
            crossing.append((one.path, f"looks like {other.path} ({likeness:.2f}); {sides[0]}, {sides[1]}"))
    if crossing:
        text = f"{len(crossing):,} pairs of clips look alike across the split, though their groups differ: "
        yield Finding("leak by looks", text + "--group-by looks keeps them together", tuple(crossing))


def _by_clip(dataset, seed):
    """What a split clip by clip would do to this data."""
    labels, groups = [item.label for item in dataset.items], groups_of(dataset.items)
    mask = held_out(labels, range(len(labels)), seed=seed)
    beside = np.isin(groups[mask], groups[~mask]).sum()
    if beside:
        text = (
            f"a split clip by clip would put {beside:,} of {mask.sum():,} held-out clips beside clips of their source"
        )
        return Finding("sources", f"{text} in training; `keras-vid train` splits by source")


def _suspicious(dataset, looks):
    kinds = collections.defaultdict(list)
    for item, look in zip(dataset.items, looks):
        for trouble in look.trouble:
            kinds[trouble.partition(":")[0]].append((item.path, trouble))
    for kind, clips in kinds.items():
        yield Finding(kind, f"{len(clips):,} clips are {kind}: look at them", tuple(clips))


def _duplicates(dataset, looks):
    first, clips = {}, []
    for item, look in zip(dataset.items, looks):
        key = look.content, item.start, item.end
        if look.content and first.setdefault(key, item).path != item.path and first[key].label == item.label:
            clips.append((item.path, f"same content as {first[key].path}"))
    if clips:
        text = f"{len(clips):,} files are copies of others: they are one source, and count twice in training"
        return Finding("duplicates", text, tuple(clips))


def _near_duplicates(dataset, pairs):
    groups = groups_of(dataset.items)
    apart = [(i, j, likeness) for i, j, likeness in pairs if groups[i] != groups[j]]
    if apart:
        names = {name for i, j, _ in apart for name in (groups[i], groups[j])}
        clips = [(dataset.items[i].path, f"looks like {dataset.items[j].path} ({v:.2f})") for i, j, v in apart]
        text = f"{len(apart):,} pairs of clips of {len(names):,} sources look alike (correlation above {ALIKE}), as if "
        return Finding(
            "near-duplicates", text + "filmed by one camera: --group-by looks keeps them together", tuple(clips)
        )


def _imbalance(dataset):
    labels = [item.label for item in dataset.items]
    if skewed(labels):
        weights = class_factors("balanced", dataset.items, len(dataset.labels))
        counts = np.bincount(labels, minlength=len(dataset.labels))
        rows = [(dataset.labels[i], f"{counts[i]:,} clips, weight {weights[i]:.2f}") for i in np.argsort(-counts)]
        share = counts.max() / len(labels)
        text = f"classes are skewed: always saying {dataset.labels[counts.argmax()]!r} would be right for {share:.1%}"
        return Finding("imbalance", text, tuple(rows))


def _few(dataset):
    """Classes that cannot be tested, and a data set of one class."""
    groups = groups_of(dataset.items)
    sources = [
        len({g for g, item in zip(groups, dataset.items) if item.label == i}) for i in range(len(dataset.labels))
    ]
    if sum(count > 0 for count in sources) < 2:
        return Finding("one class", "all clips have one label: a classifier needs two classes to tell apart")
    rows = [(dataset.labels[i], f"{count} source{'s' * (count != 1)}") for i, count in enumerate(sources) if count < 2]
    if rows:
        text = f"{len(rows):,} classes have fewer than two sources: they cannot be trained on and tested both"
        return Finding("few sources", text, tuple(rows))


def _similar_names(dataset):
    """Labels that differ in capitals, spaces, hyphens or underscores alone."""
    names = collections.defaultdict(list)
    for label in dataset.labels:
        names["".join(label.casefold().replace("_", " ").replace("-", " ").split())].append(label)
    rows = [(repr(same[0]), f"and {', '.join(map(repr, same[1:]))}") for same in names.values() if len(same) > 1]
    if rows:
        return Finding("similar labels", f"{len(rows):,} labels are spelt in several ways", tuple(rows))


def _label_errors(dataset, network, seed):
    """Clips whose label a probe finds improbable that was trained on other sources."""
    from keras_vid.training.small.features import features_of
    from keras_vid.training.small.probe import fit_probe

    features = features_of(dataset, network)
    items = [dataset.items[i] for i in features.places]
    labels, groups = np.array([item.label for item in items]), groups_of(items)
    try:
        fold = folds(labels, groups, 5, seed)
    except InputError:
        return None
    clips, right = [], []
    for number in range(fold.max() + 1):
        train, test = fold != number, np.flatnonzero(fold == number)
        probe = fit_probe(features.vectors[train], labels[train], groups[train], len(dataset.labels), seed=seed)
        logits = probe.logits(features.middle[test])
        scores = np.exp(logits - logits.max(axis=1, keepdims=True))
        scores /= scores.sum(axis=1, keepdims=True)
        right += (scores.argmax(axis=1) == labels[test]).tolist()
        for i, row in zip(test, scores):
            if row[labels[i]] < 0.1 < 0.9 < row.max():
                line = (
                    f"labelled {dataset.labels[labels[i]]}, looks like {dataset.labels[row.argmax()]} ({row.max():.0%})"
                )
                clips.append((row[labels[i]], (items[i].path, line)))
    text = (
        f"{len(clips):,} labels may be wrong: a probe trained on other sources, {np.mean(right):.0%} of whose answers "
    )
    return Finding("labels", text + "are right, is sure of another", tuple(clip for _, clip in sorted(clips)))
