"""One table for ground truth and for detections, and its files.

A row is one box of one frame. In a CSV file: `video,frame,label,x1,y1,x2,y2[,score][,tube]` with a header; `frame`
is 0-based, `label` the class name, boxes half-open pixels. JSON is a list of such objects. An .npz file
holds the same columns as arrays (`video` and `label` as text, `box` as (R, 4)).
"""

import csv
import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np


@dataclass
class Table:
    """Boxes of many videos: row i is `box[i]` in frame `frame[i]` of `videos[video[i]]`, of `classes[label[i]]`."""

    videos: list
    classes: list
    video: np.ndarray
    frame: np.ndarray
    label: np.ndarray
    box: np.ndarray
    score: np.ndarray | None = None  # None: ground truth
    tube: np.ndarray | None = None  # which action instance of its video
    frames: dict = field(default_factory=dict)  # frames of each video, where known
    size: tuple | None = None  # (width, height) that the boxes are measured in, where known
    ignored: frozenset = frozenset()  # videos that the set's lists name but nobody annotated: never scored

    def __len__(self):
        return len(self.box)

    def rows(self, keep):
        """The table of the rows that a mask or index keeps."""
        parts = {k: getattr(self, k) for k in ("video", "frame", "label", "box", "score", "tube")}
        parts = {k: v if v is None else v[keep] for k, v in parts.items()}
        return Table(self.videos, self.classes, **parts, frames=self.frames, size=self.size, ignored=self.ignored)

    def only(self, videos):
        """The table of some videos, in that order."""
        place = {name: i for i, name in enumerate(videos)}
        new = np.array([place.get(name, -1) for name in self.videos], "int64")
        table = self.rows(new[self.video] >= 0)
        table.video, table.videos = new[table.video], list(videos)
        table.frames = {v: self.frames[v] for v in videos if v in self.frames}
        return table


def make(video, frame, label, box, score=None, tube=None, classes=None, videos=None):
    """A table from columns of names and numbers.

    >>> make(["a", "a"], [0, 1], ["run", "run"], [[0, 0, 5, 5]] * 2, score=[0.9, 0.8]).classes
    ['run']
    """
    label = np.asarray(label, str)
    classes = list(classes or np.unique(label).tolist())
    videos = list(videos or np.unique(np.asarray(video, str)).tolist())
    label = _places(label, classes, "class")
    score = None if score is None else np.asarray(score, "float64")
    tube = None if tube is None else np.asarray(tube, "int64")
    box = np.asarray(box, "float32").reshape(-1, 4)
    video = _places(np.asarray(video, str), videos, "video")
    return Table(videos, classes, video, np.asarray(frame, "int64"), label, box, score, tube)


def read(path, classes=None):
    """Read a .csv, .json or .npz table."""
    path = Path(path)
    kind = path.suffix.lower()
    if kind == ".npz":
        with np.load(path, allow_pickle=False) as data:
            columns = {k: data[k] for k in data.files}
    elif kind == ".csv":
        with open(path, newline="") as file:
            columns = _columns(list(csv.DictReader(file)), path)
    elif kind == ".json":
        columns = _columns(json.loads(path.read_text()), path)
    else:
        raise ValueError(f"{path}: boxes are read from .csv, .json or .npz files")
    missing = {"video", "frame", "label", "box"} - columns.keys()
    if missing:
        raise ValueError(f"{path}: no {' and no '.join(sorted(missing))}; see detection/table.py for the columns")
    known = {k: columns[k] for k in ("video", "frame", "label", "box", "score", "tube") if k in columns}
    try:
        return make(**known, classes=classes)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def write(table, path):
    """Write a table as .csv, .json or .npz; scores keep their full precision."""
    path = Path(path)
    columns = {"video": np.array(table.videos, str)[table.video], "frame": table.frame}
    columns["label"] = np.array(table.classes, str)[table.label]
    extra = {k: getattr(table, k) for k in ("score", "tube") if getattr(table, k) is not None}
    if path.suffix == ".npz":
        np.savez_compressed(path, **columns, box=table.box, **extra)
        return
    if path.suffix not in (".csv", ".json"):
        raise ValueError(f"{path}: boxes are written to .csv, .json or .npz files")
    columns |= {k: table.box[:, i].astype("float64") for i, k in enumerate(("x1", "y1", "x2", "y2"))}
    columns |= extra
    rows = zip(*(c.tolist() for c in columns.values()))
    if path.suffix == ".json":
        path.write_text(json.dumps([dict(zip(columns, row)) for row in rows]))
        return
    with open(path, "w", newline="") as file:
        csv.writer(file).writerows([list(columns), *rows])


def _columns(rows, path):
    if not rows:
        raise ValueError(f"{path}: holds no boxes")
    try:
        columns = {"video": [r["video"] for r in rows], "label": [r["label"] for r in rows]}
        columns["frame"] = [int(r["frame"]) for r in rows]
        columns["box"] = [[float(r[k]) for k in ("x1", "y1", "x2", "y2")] for r in rows]
        for name, kind in (("score", float), ("tube", int)):
            if name in rows[0]:
                columns[name] = [kind(r[name]) for r in rows]
    except KeyError as error:
        raise ValueError(f"{path}: no column {error}; see detection/table.py for the columns") from error
    return columns


def _places(names, known, what):
    place = {name: i for i, name in enumerate(known)}
    strange = sorted(set(names.tolist()) - place.keys())
    if strange:
        raise ValueError(f"{what} {strange[0]!r} is not among the {len(known)} of the ground truth ({known[0]!r}, ...)")
    return np.array([place[n] for n in names.tolist()], "int64")
