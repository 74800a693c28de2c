"""One table for ground truth and for detections.

A row is one box of one frame: frames from 0, boxes half-open pixels. Its files are read and written in `box_files.py`.
"""

from dataclasses import dataclass, field

import numpy as np

from keras_vid.utils.errors import InputError

COLUMNS = ("video", "frame", "label", "box", "score", "tube")


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
    notes: tuple = ()  # what a reader should know about the source, a sentence each

    def __len__(self):
        return len(self.box)

    def rows(self, keep):
        """The table of the rows that a mask, index or slice keeps."""
        parts = {k: getattr(self, k) for k in COLUMNS}
        parts = {k: v if v is None else v[keep] for k, v in parts.items()}
        about = {k: getattr(self, k) for k in ("frames", "size", "ignored", "notes")}
        return Table(self.videos, self.classes, **parts, **about)

    def only(self, videos):
        """The table of some videos, in that order."""
        number_of = {name: i for i, name in enumerate(videos)}
        new = np.array([number_of.get(name, -1) for name in self.videos], "int64")
        table = self.rows(new[self.video] >= 0)
        table.video, table.videos = new[table.video], list(videos)
        table.frames = {v: self.frames[v] for v in videos if v in self.frames}
        return table


def make(video, frame, label, box, score=None, tube=None, classes=None):
    """A table from columns of names and numbers.

    >>> make(["a", "a"], [0, 1], ["run", "run"], [[0, 0, 5, 5]] * 2, score=[0.9, 0.8]).classes
    ['run']
    """
    videos, video = numbered(video)
    used, label = numbered(label)
    if classes is not None:
        label = _renumbered(label, used, list(classes))
        used = list(classes)
    score = None if score is None else np.asarray(score, "float64")
    tube = None if tube is None else np.asarray(tube, "int64")
    box = np.asarray(box, "float32").reshape(-1, 4)
    return Table(videos, used, video, np.asarray(frame, "int64"), label, box, score, tube)


def from_tubes(tubes, videos, classes, frames, size=None):
    """A table from tubes (video name, label number, number in its video, frames (T,), boxes (T, 4)).

    >>> from_tubes([("a", 0, 0, [3, 4], [[0, 0, 5, 5]] * 2)], ["a"], ["run"], {"a": 9}).frame.tolist()
    [3, 4]
    """
    number_of = {v: i for i, v in enumerate(videos)}
    sizes = [len(span) for _, _, _, span, _ in tubes]
    for (video, _, number, _, box), size_ in zip(tubes, sizes):
        if len(box) != size_:
            raise InputError(f"tube {number} of {video} has {len(box)} boxes and {size_} frames")
    head = np.array([(number_of[video], label, number) for video, label, number, _, _ in tubes], "int64").reshape(-1, 3)
    video, label, tube = np.repeat(head, sizes, axis=0).T
    frame = np.concatenate([np.zeros(0, "int64"), *(np.asarray(t[3], "int64") for t in tubes)])
    box = np.concatenate([np.zeros((0, 4), "float32"), *(np.asarray(t[4], "float32") for t in tubes)])
    classes, videos = [str(c) for c in classes], [str(v) for v in videos]
    return Table(videos, classes, video, frame, label, box, None, tube, dict(frames), size)


def in_order(table):
    """The rows by video, tube and frame: two parsers of the same set then agree row by row."""
    tube = np.zeros(len(table)) if table.tube is None else table.tube
    return table.rows(np.lexsort((table.frame, tube, table.video)))


def numbered(names):
    """(sorted distinct names, the number of each name).

    >>> numbered(["b", "a", "b"])[1].tolist()
    [1, 0, 1]
    """
    names = names.tolist() if isinstance(names, np.ndarray) else list(names)
    known = sorted(set(names))
    number_of = {name: i for i, name in enumerate(known)}
    return [str(name) for name in known], np.fromiter((number_of[n] for n in names), "int64", len(names))


def _renumbered(label, used, classes):
    strange = sorted(set(used) - set(classes))
    if strange:
        raise InputError(f"class {strange[0]!r} is not among the {len(classes)} known ({classes[0]!r}, ...)")
    return np.array([classes.index(c) for c in used], "int64")[label]
