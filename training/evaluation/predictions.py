"""The scores of a test: to read, to keep, to fuse with those of another network."""

import csv
import dataclasses
import os
import re
from pathlib import Path

import numpy as np
from keras_vid.training.evaluation import metrics

from keras_vid.inference.two_stream import fuse
from keras_vid.utils.errors import InputError, MissingFile
from keras_vid.utils.files import atomic, read_npz
from keras_vid.video.finding import VIDEO_SUFFIXES


@dataclasses.dataclass
class Predictions:
    """The scores of a test.

    Attributes:
        paths: Of the clips; those of a segment end with its first second.
        truth: True label numbers.
        scores: Probabilities (N, K).
        labels: Names of the classes.
        groups: The source of each clip: what the intervals are computed over.
    """

    paths: list
    truth: np.ndarray
    scores: np.ndarray
    labels: list
    groups: list

    def summary(self) -> dict:
        """The numbers of the test: keras_vid.training.evaluation.metrics.summary."""
        return metrics.summary(self.scores, self.truth, self.groups)

    def save(self, stem):
        """<stem>.csv to read, and <stem>.npz with all scores to fuse."""
        stem = Path(stem)
        arrays = {"paths": self.paths, "truth": self.truth, "scores": self.scores, "labels": self.labels}
        with atomic(stem.with_suffix(".npz")) as part:
            np.savez(part, **arrays, groups=np.array(self.groups, dtype=str))
        with atomic(stem.with_suffix(".csv")) as part, open(part, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(("path", "label", "predicted", "probability", "rank", "group"))
            for path, true, row, group in zip(self.paths, self.truth, self.scores, self.groups):
                best = int(row.argmax())
                rank = int((row > row[true]).sum()) + 1
                writer.writerow((path, self.labels[true], self.labels[best], f"{row[best]:.4f}", rank, group))

    @classmethod
    def load(cls, path) -> "Predictions":
        """From an .npz file, or from the run folder that holds predictions.npz."""
        path = Path(path)
        path = path / "predictions.npz" if path.is_dir() else path
        if not path.is_file():
            raise MissingFile(f"{path} does not exist: keras-vid evaluate writes it")
        try:
            arrays = read_npz(path)
            lists = {name: list(arrays[name]) for name in ("paths", "labels", "groups")}
            return cls(truth=arrays["truth"], scores=arrays["scores"], **lists)
        except (KeyError, TypeError) as error:
            raise InputError(f"{path} holds no predictions ({error}): keras-vid evaluate writes them") from error


def fused(paths, weights=None) -> tuple[dict, Predictions]:
    """Several networks' predictions of the same clips as one: (numbers, Predictions).

    Clips are the same by their paths; where the tables have none in common, as those of videos and of the folders of
    their flow, by their paths below the folder of each table's data, or else by label and name. `unmatched` counts the
    clips that some tables have and others have not.
    """
    tables = [Predictions.load(path) for path in paths]
    first = tables[0]
    rows = _common_rows(tables)
    if not rows or any(table.labels != first.labels for table in tables):
        raise InputError(f"{', '.join(map(str, paths))}: predictions of other clips or other labels cannot be fused")
    truth = first.truth[rows[0]]
    if any((table.truth[row] != truth).any() for table, row in zip(tables, rows)):
        raise InputError(f"{', '.join(map(str, paths))}: the same clips have other labels there")
    scores = fuse([table.scores[row] for table, row in zip(tables, rows)], weights, logits=False)
    names, groups = ([of[row] for row in rows[0]] for of in (first.paths, first.groups))
    predictions = Predictions(names, truth, scores.astype("float32"), first.labels, groups)
    numbers = {"source": [str(path) for path in paths], "weights": list(weights) if weights else [1] * len(tables)}
    numbers["unmatched"] = sum(len(table.paths) - len(names) for table in tables)
    return {**numbers, **predictions.summary()}, predictions


def _common_rows(tables):
    """For each table the rows of the clips that all tables have, in the order of the first; None without any."""
    for naming in (_by_path, _below_root, _by_label_and_name):
        indices = [{name: i for i, name in enumerate(naming(table))} for table in tables]
        common = [name for name in naming(tables[0]) if all(name in index for index in indices)]
        if common and all(len(index) == len(table.paths) for index, table in zip(indices, tables)):
            return [[index[name] for name in common] for index in indices]
    return None


def _by_path(table):
    return table.paths


def _below_root(table):
    root = os.path.commonpath([os.path.dirname(path) for path in table.paths])
    return [_without_suffix(os.path.relpath(path, root)) for path in table.paths]


def _by_label_and_name(table):
    return [(int(label), _without_suffix(os.path.basename(path))) for label, path in zip(table.truth, table.paths)]


def _without_suffix(path):
    """A clip's path without the suffix of its file; the first second of a segment stays.

    >>> _without_suffix("a.mp4"), _without_suffix("a.mp4 12.5"), _without_suffix("a")
    ('a', 'a 12.5', 'a')
    """
    path, second = re.fullmatch(r"(.*?)( \d[\d.e+]*)?", path).groups()
    stem, suffix = os.path.splitext(path)
    return (stem if suffix.lower() in VIDEO_SUFFIXES else path) + (second or "")


def averaged(many) -> dict:
    """The mean of the numbers of several tests (the three splits of UCF101 and HMDB51).

    >>> averaged([{"top1": 0.5, "loss": 1.0}, {"top1": 0.7, "loss": 2.0}])
    {'mean_of': 2, 'top1': 0.6, 'loss': 1.5}
    """
    keys = [key for key in metrics.SHARES + ("loss",) if all(key in numbers for numbers in many)]
    return {"mean_of": len(many), **{key: float(np.mean([numbers[key] for numbers in many])) for key in keys}}
