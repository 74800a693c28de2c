"""Lists of labelled videos: the public datasets as their users have them on disk, folder trees, CSV files.

Videos may be files or folders of frames, in any folders below a root: they are found by their names.
"""

import collections
import csv
import math
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from keras_vid.utils.errors import InputError
from keras_vid.utils.files import atomic
from keras_vid.video.finding import VIDEO_SUFFIXES, videos_below

COLUMNS = ("path", "label", "start", "end", "group", "split")
PARTS = {"train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val"}
PARTS |= {"test": "test", "testing": "test"}


class Item(NamedTuple):
    """One clip: a file or folder of frames, the number of its label, its seconds if it is part of the file, and the
    name of its group (its source), if it was given one."""

    path: str
    label: int
    start: float | None = None
    end: float | None = None
    group: str | None = None


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
        with atomic(path) as part, open(part, "w", newline="", encoding="utf-8") as file:
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


def from_csv(path, part=None, group_by=None):
    """A CSV file with the columns path,label[,start,end][,group][,split] in any order, named by its first line.

    Without such a line the columns are path,label[,start,end]. Paths are relative to the file; start and end are
    seconds; `group` is the source of a clip (a video, a person, a camera) that no split may cut; `split` is train, val
    or test. Other columns are named in the notes and left alone. Labels are numbers, or names that are numbered in
    alphabetical order, or in that of a labels.txt beside the file which has them all.

    Args:
        part: "train", "val" or "test": only the rows of this split, where the file has the column.
        group_by: The column whose values are the groups, instead of `group`.
    """
    path = Path(path)
    rows, columns = read_table(path)
    names = {row["label"] for _, row in rows}
    numeric = all(name.isdecimal() for name in names)
    labels = [str(i) for i in range(max(map(int, names)) + 1)] if numeric else _in_order(names, path)
    numbers = {name: number for number, name in enumerate(labels)}
    items, skipped = [], []
    for number, row in rows:
        if part and "split" in columns and _part(row, path, number) != part:
            continue
        video = row["path"] if "://" in row["path"] else str(path.parent / row["path"])
        start, end = _seconds(row, path, number)
        label = int(row["label"]) if numeric else numbers[row["label"]]
        if _there(video):
            items.append(Item(video, label, start, end, row.get(group_by or "group") or None))
        else:
            skipped.append((video, "missing"))
    if not items and skipped:
        raise InputError(f"{path}: none of its {len(skipped):,} videos exists, such as {skipped[0][0]}")
    if not items:
        raise InputError(f"{path}: no line has {part} in its column split")
    dataset = Dataset("csv", items, labels, skipped, _groups_that_share_a_file(items))
    for column in columns:
        if column not in (*COLUMNS, group_by):
            dataset.notes.append(f"column {column!r} is not used (--group-by {column} splits by it)")
    check_labels(dataset, len(labels))
    return dataset


def _groups_that_share_a_file(items):
    """A note on the files whose segments name several groups, which no split can keep apart."""
    groups = {}
    for item in items:
        groups.setdefault(item.path, set()).add(item.group)
    several = {path: sorted(map(str, names)) for path, names in groups.items() if len(names) > 1}
    if not several:
        return []
    path, names = next(iter(several.items()))
    return [
        f"{len(several):,} files name several groups, such as {path} ({', '.join(names[:3])}): segments of one file "
        "stay together, and so do these groups"
    ]


def read_table(path):
    """([(line number, {column: cell})], columns) of a CSV file of clips."""
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            rows = [(number, [cell.strip() for cell in row]) for number, row in enumerate(csv.reader(file), 1)]
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 text ({error.reason}): save it as CSV UTF-8") from error
    rows = [(number, row) for number, row in rows if any(row)]
    if not rows:
        raise InputError(f"{path}: no clips in this file")
    first = [cell.lower() if cell.lower() in COLUMNS else cell for cell in rows[0][1]]
    named = bool({"path", "label"} & set(first))
    columns = first if named else COLUMNS[:4]
    for column in ("path", "label"):
        if columns.count(column) != 1:
            text = f"{path}: its first line names the columns {','.join(first)}; it needs one called {column!r}"
            raise InputError(text + (", for a clip without a label can neither train nor test" * (column == "label")))
    parsed = []
    for number, row in rows[named:]:
        if len(row) > len(columns):
            hint = "" if named else "; a first line such as path,label,group names other columns"
            raise InputError(f"{path}, line {number}: {len(row)} columns where {len(columns)} are expected{hint}")
        cells = dict(zip(columns, row + [""] * (len(columns) - len(row))))
        if not cells["path"] or not cells["label"]:
            missing = "label" if cells["path"] else "path"
            raise InputError(f"{path}, line {number}: expected path,label[,start,end], but it has no {missing}")
        parsed.append((number, cells))
    if not parsed:
        raise InputError(f"{path}: no clips in this file")
    return parsed, columns


def parts_in_table(path):
    """Which of train, val and test the column `split` of a CSV file names; empty without the column."""
    rows, columns = read_table(path)
    return {_part(row, path, number) for number, row in rows} if "split" in columns else set()


def _part(row, path, number):
    name = row["split"].lower()
    if name not in PARTS:
        raise InputError(f"{path}, line {number}: split is train, val or test, not {row['split']!r}")
    return PARTS[name]


def _seconds(row, path, number):
    """(start, end) of a row; None where its cell is empty."""
    cells = [row.get("start", ""), row.get("end", "")]
    try:
        start, end = (float(cell) if cell else None for cell in cells)
    except ValueError:
        hint = "a first line such as path,label,group names other columns"
        raise InputError(f"{path}, line {number}: start and end are seconds, not {','.join(cells)}; {hint}") from None
    low, high = start or 0, math.inf if end is None else end
    if not 0 <= low < high:  # NaN, too, is neither
        raise InputError(f"{path}, line {number}: a clip from {low:g} to {high:g} seconds has no length")
    return start, end


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


class Finder:
    """Finds the video of a name anywhere below a folder. A folder of the class decides between equal names."""

    def __init__(self, root):
        self.paths = collections.defaultdict(list)
        for path in videos_below(root):
            base = os.path.basename(path)
            stem, suffix = os.path.splitext(base)
            self.paths[stem if suffix.lower() in VIDEO_SUFFIXES else base].append(path)

    def __call__(self, name, label=None):
        """The path, or None. Of several, the one in a folder of the class; then the first in the alphabet."""
        found = sorted(self.paths.get(name, ()))
        if label is not None and len(found) > 1:
            wanted = label.replace(" ", "_")
            inside = [p for p in found if wanted in p.replace(" ", "_").split(os.sep)]
            found = inside or found
        return found[0] if found else None
