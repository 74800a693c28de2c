"""The scores of a test: to read, to keep, to fuse with those of another network."""

import csv
import dataclasses
from pathlib import Path

import numpy as np
from keras_vid.training.evaluation import metrics

from keras_vid.inference.two_stream import fuse
from keras_vid.utils.errors import InputError, MissingFile
from keras_vid.utils.files import atomic


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
            with np.load(path, allow_pickle=False) as file:
                lists = {name: list(file[name]) for name in ("paths", "labels", "groups")}
                return cls(truth=file["truth"], scores=file["scores"], **lists)
        except Exception as error:
            raise InputError(f"{path} holds no predictions: {error}") from error


def fused(paths, weights=None) -> tuple[dict, Predictions]:
    """Several networks' predictions of the same clips as one: (numbers, Predictions)."""
    tables = [Predictions.load(path) for path in paths]
    first = tables[0]
    indices = [{name: i for i, name in enumerate(table.paths)} for table in tables]
    common = [name for name in first.paths if all(name in index for index in indices)]
    if not common or any(table.labels != first.labels for table in tables):
        raise InputError(f"{', '.join(map(str, paths))}: predictions of other clips or other labels cannot be fused")
    rows = [[index[name] for name in common] for index in indices]
    scores = fuse([table.scores[row] for table, row in zip(tables, rows)], weights, logits=False)
    groups = [first.groups[row] for row in rows[0]]
    predictions = Predictions(common, first.truth[rows[0]], scores.astype("float32"), first.labels, groups)
    numbers = {"source": [str(path) for path in paths], "weights": list(weights) if weights else [1] * len(tables)}
    return {**numbers, **predictions.summary()}, predictions


def averaged(many) -> dict:
    """The mean of the numbers of several tests (the three splits of UCF101 and HMDB51).

    >>> averaged([{"top1": 0.5, "loss": 1.0}, {"top1": 0.7, "loss": 2.0}])
    {'mean_of': 2, 'top1': 0.6, 'loss': 1.5}
    """
    keys = [key for key in metrics.SHARES + ("loss",) if all(key in numbers for numbers in many)]
    return {"mean_of": len(many), **{key: float(np.mean([numbers[key] for numbers in many])) for key in keys}}
