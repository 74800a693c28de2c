"""What there is to learn from: clips, classes, sources, lengths, rates and sizes, from a list and a sample of files."""

import collections
import dataclasses
import os
from pathlib import Path

import numpy as np
from keras_vid.training.data.datasets import Dataset
from keras_vid.training.data.load import PARTS, load_dataset
from keras_vid.training.data.pipeline import probe_once, times_once
from keras_vid.training.data.splits import shared_sources

from keras_vid.inference.groups import groups_of
from keras_vid.utils.errors import InputError
from keras_vid.video import frame_rate

SAMPLE = 12  # files that are opened
LARGE = 64 << 20  # bytes from where on a file is not decoded just to count its frames
BACKGROUND = "background"


@dataclasses.dataclass
class Facts:
    """Counts of a data set; frames, rate and size are medians of a sample, None where nothing told them."""

    clips: int
    counts: dict
    groups: int
    frames: float | None
    rate: float | None
    rates: tuple
    side: float | None


def own_data(data, group_by=None) -> tuple[Dataset, Dataset | None]:
    """(clips to learn from, test clips or None) of a folder of one folder a class, or of a CSV file.

    What is named for validation is learned from, too: folds validate. A part `test` is not touched.
    """
    root = Path(data)
    if not root.exists():
        raise InputError(f"{root}: no such file or folder")
    name = "csv" if root.suffix == ".csv" else "folder"
    every = load_dataset(name, root, None, group_by=group_by) if not _parts(root, name) else None
    if every is not None:
        return every, None
    parts = {part: load_dataset(name, root, part, group_by=group_by) for part in sorted(_parts(root, name))}
    test = parts.pop("test", None)
    if not parts:
        raise InputError(f"{root} has clips to test on alone, and none to learn from")
    labels = sorted({label for part in parts.values() for label in part.labels})
    learned = Dataset(name, [], labels)
    for part in parts.values():
        learned.items += _numbered(part, labels)
        learned.skipped += part.skipped
        learned.notes += part.notes
    if test:
        strange = {item.label for item in test.items if test.labels[item.label] not in labels}
        if strange:
            raise InputError(f"{root}: test clips of {test.labels[min(strange)]!r}, which no other part has")
        test = Dataset(f"{name}, test", _numbered(test, labels), labels, test.skipped)
        if common := shared_sources(learned, test):
            leak = f"leak: {len(common):,} sources of the test part are learned from, too, such as {common[0]}"
            test.notes.append(leak)
            learned.notes.append(leak)
    return learned, test


def _parts(root, name):
    from keras_vid.training.data.datasets import parts_in_table

    if name == "csv":
        return parts_in_table(root)
    return {PARTS[f.name.lower()] for f in root.iterdir() if f.is_dir() and f.name.lower() in PARTS}


def _numbered(dataset, labels):
    return [item._replace(label=labels.index(dataset.labels[item.label])) for item in dataset.items]


def with_background(dataset) -> Dataset:
    """A class more: what the files with segments show outside of them, in pieces as long as the segments."""
    if BACKGROUND in dataset.labels:
        raise InputError(f"there is a class {BACKGROUND!r} in the data already: leave --background out")
    segments = collections.defaultdict(list)
    for item in dataset.items:
        if item.start is not None or item.end is not None:
            segments[item.path].append(item)
    if not segments:
        raise InputError("--background is the rest of files of which segments are named: the data has no start,end")
    spans = [item.end - (item.start or 0) for items in segments.values() for item in items if item.end is not None]
    long = float(np.median(spans)) if spans else 2.0
    rest = []
    for path, items in segments.items():
        length = float(times_once(path)[-1])
        taken = [(item.start or 0.0, length if item.end is None else item.end) for item in items]
        group = items[0].group
        rest += [
            items[0]._replace(label=len(dataset.labels), start=start, end=end, group=group)
            for start, end in gaps(taken, length, long)
        ]
    if not rest:
        raise InputError("--background: the segments leave no gap as long as they are")
    note = f"{len(rest):,} clips of {BACKGROUND} from between the segments"
    return Dataset(
        dataset.name,
        [*dataset.items, *rest],
        [*dataset.labels, BACKGROUND],
        dataset.skipped,
        [*dataset.notes, note],
    )


def gaps(taken, length, long):
    """Pieces of `long` seconds of [0, length] that none of the intervals `taken` touches.

    >>> gaps([(2.0, 4.0), (5.0, 6.0)], 9.0, 2.0)
    [(0.0, 2.0), (6.0, 8.0)]
    """
    pieces, start = [], 0.0
    for low, high in [*sorted(taken), (length, length)]:
        while start + long <= low:
            pieces.append((start, start + long))
            start += long
        start = max(start, high)
    return pieces


def look_at(dataset) -> Facts:
    """Count, and open a few files that are spread over the list."""
    labels = collections.Counter(dataset.labels[item.label] for item in dataset.items)
    step = max(len(dataset.items) // SAMPLE, 1)
    seen = [found for item in dataset.items[::step][:SAMPLE] if (found := _opened(item))]
    frames = [frames for frames, *_ in seen if frames]
    rates = [rate for _, rate, _ in seen if rate]
    sides = [side for *_, side in seen if side]
    return Facts(
        clips=len(dataset.items),
        counts=dict(labels),
        groups=len(set(groups_of(dataset.items))),
        frames=float(np.median(frames)) if frames else None,
        rate=float(np.median(rates)) if rates else None,
        rates=(min(rates), max(rates)) if rates else (),
        side=float(np.median(sides)) if sides else None,
    )


def _opened(item):
    """(frames, rate, short side) of one clip, each None where that would cost too much; None for an unreadable one."""
    try:
        rate = frame_rate(item.path)
        if item.end is not None and rate:
            return (item.end - (item.start or 0)) * rate, rate, None
        if not hasattr(item.path, "shape") and os.path.getsize(item.path) > LARGE:
            return None, rate, None
        info = probe_once(item.path)
        return info["frames"], rate, min(info["height"], info["width"])
    except (ValueError, OSError):
        return None
