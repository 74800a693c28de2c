"""Lists of labelled videos: the public datasets as their users have them on disk, folder trees, CSV files.

Videos may be files or folders of frames, in any folders below a root: they are found by their names.
"""

import collections
import csv
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from keras_vid.utils.errors import InputError

VIDEOS = {".mp4", ".avi", ".webm", ".mkv", ".mov", ".m4v", ".mpg", ".mpeg", ".wmv", ".flv", ".gif", ".3gp"}
IMAGES = {".jpg", ".jpeg", ".png"}


class Item(NamedTuple):
    """One clip: a file or folder of frames, the number of its label, and its seconds if it is part of the file."""

    path: str
    label: int
    start: float | None = None
    end: float | None = None


@dataclass
class Dataset:
    """Clips, label names, and what was left out: `skipped` are (path, reason), `notes` is what looks odd."""

    name: str
    items: list
    labels: list
    skipped: list = field(default_factory=list)
    notes: list = field(default_factory=list)

    def report(self):
        """One line to show at load."""
        parts = [f"{len(self.items):,} clips, {len(self.labels)} labels"]
        if self.skipped:
            parts.append(f"{len(self.skipped):,} skipped (first: {self.skipped[0][0]}: {self.skipped[0][1]})")
        return f"{self.name}: " + "; ".join(parts + self.notes)

    def write_skipped(self, path):
        """List what was left out, a `path,reason` a line."""
        with open(path, "w", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows([("path", "reason"), *self.skipped])


def check_labels(dataset, classes, official=None):
    """Note a wrong number of labels, names that are not the official ones, and labels without a clip."""
    if len(dataset.labels) != classes:
        dataset.notes.append(f"{len(dataset.labels)} labels where {dataset.name} has {classes}")
    if official and len(dataset.labels) == classes and dataset.labels != (names := official()):
        odd = next(a for a, b in zip(dataset.labels, names) if a != b)
        dataset.notes.append(f"label {odd!r} is not one of the official names in their order")
    empty = set(range(len(dataset.labels))) - {item.label for item in dataset.items}
    if empty:
        dataset.notes.append(f"{len(empty)} labels without a clip, such as {dataset.labels[min(empty)]!r}")


def from_folder(root):
    """Any tree of one folder a class, with video files or folders of frames in it."""
    root = Path(root)
    folders = sorted(f for f in root.iterdir() if f.is_dir() and not f.name.startswith("."))
    labels, items, skipped = [f.name for f in folders], [], []
    for label, folder in enumerate(folders):
        found = sorted(videos_below(folder))
        if found == [str(folder)]:
            raise InputError(f"{folder}: frames lie directly in the folder of a class: give each clip its own folder")
        for path in found:
            (items.append(Item(path, label)) if _there(path) else skipped.append((path, "empty file")))
    if not items:
        raise InputError(f"{root}: no videos here in one folder a class")
    dataset = Dataset("folder", items, labels, skipped)
    check_labels(dataset, len(labels))
    return dataset


def from_csv(path):
    """A CSV file with the columns path,label[,start,end]; the first line may name them. Paths are relative to the
    file; start and end are seconds. Labels are numbers, or names that are numbered in alphabetical order, or in that of
    a labels.txt beside the file which has them all."""
    path = Path(path)
    with open(path, newline="", encoding="utf-8-sig") as file:
        rows = [(number, row) for number, row in enumerate(csv.reader(file), 1) if row and any(row)]
    if rows and [cell.strip().lower() for cell in rows[0][1][:2]] == ["path", "label"]:
        rows = rows[1:]
    if not rows:
        raise InputError(f"{path}: no clips in this file")
    parsed, skipped = [], []
    for number, row in rows:
        row = [cell.strip() for cell in row]
        try:
            start, end = (float(cell) if cell else None for cell in (row[2:4] + ["", ""])[:2])
        except ValueError:
            raise InputError(f"{path}, line {number}: start and end are seconds, not {','.join(row[2:4])}") from None
        if len(row) < 2 or not row[1] or (end is not None and end <= (start or 0)):
            raise InputError(f"{path}, line {number}: expected path,label[,start,end], not {','.join(row)}")
        parsed.append((row[0] if "://" in row[0] else str(path.parent / row[0]), row[1], start, end))
    names = {name for _, name, *_ in parsed}
    numeric = all(name.isdigit() for name in names)
    labels = [str(i) for i in range(max(map(int, names)) + 1)] if numeric else _in_order(names, path)
    numbers = {name: number for number, name in enumerate(labels)}
    items = []
    for video, name, start, end in parsed:
        if _there(video):
            items.append(Item(video, int(name) if numeric else numbers[name], start, end))
        else:
            skipped.append((video, "missing"))
    if not items:
        raise InputError(f"{path}: none of its {len(skipped):,} videos exists, such as {skipped[0][0]}")
    dataset = Dataset("csv", items, labels, skipped)
    check_labels(dataset, len(labels))
    return dataset


def _in_order(names, path):
    """Label names in the order of labels.txt beside the CSV file, if that is theirs, else in alphabetical order."""
    listed = path.with_name("labels.txt")
    lines = listed.read_text(encoding="utf-8").splitlines() if listed.is_file() else []
    return lines if names <= set(lines) else sorted(names)


def _there(path):
    """Whether there is something to read; remote paths are found out when they are read."""
    if "://" in path:
        return True
    path = Path(path)
    return path.is_dir() or (path.is_file() and path.stat().st_size > 0)


def videos_below(root):
    """Every video file and every folder of frames below `root`. Of a folder of frames one entry is looked at."""
    pending = [str(root)]
    while pending:
        folder = pending.pop()
        with os.scandir(folder) as entries:
            for entry in entries:
                suffix = os.path.splitext(entry.name)[1].lower()
                if entry.name.startswith("."):
                    continue
                if suffix in IMAGES and entry.is_file():
                    yield folder
                    break
                if entry.is_dir():
                    pending.append(entry.path)
                elif suffix in VIDEOS:
                    yield entry.path


class Finder:
    """Finds the video of a name anywhere below a folder. A folder of the class decides between equal names."""

    def __init__(self, root):
        self.paths = collections.defaultdict(list)
        for path in videos_below(root):
            base = os.path.basename(path)
            stem, suffix = os.path.splitext(base)
            self.paths[stem if suffix.lower() in VIDEOS else base].append(path)

    def __call__(self, name, label=None):
        """The path, or None. Of several, the one in a folder of the class; then the first in the alphabet."""
        found = sorted(self.paths.get(name, ()))
        if label is not None and len(found) > 1:
            wanted = label.replace(" ", "_")
            inside = [p for p in found if wanted in p.replace(" ", "_").split(os.sep)]
            found = inside or found
        return found[0] if found else None
