"""Tubes: one actor's boxes through time, linked from the detections of single frames.

The order of the detections' rows changes nothing: equal scores are ordered by their boxes.
"""

from dataclasses import dataclass

import numpy as np
from keras_vid.detection.evaluation.linking import LINKS

from keras_vid.utils.errors import InputError


@dataclass
class Tube:
    """`boxes[t]` in frame `start + t` of a video; `score` is the mean over the detections that it was linked from."""

    video: int
    label: int
    start: int
    boxes: np.ndarray  # (T, 4)
    scores: np.ndarray  # (T,)
    score: float

    @property
    def end(self):
        return self.start + len(self.boxes)


def link(detections, method="greedy", min_score=0.01, max_per_frame=10, min_length=15, **options):
    """Tubes of all videos and classes of a table of detections.

    Args:
        method: "greedy" or "viterbi".
        min_score: Detections with a lower score are left out.
        max_per_frame: Of each class and frame, this many best detections are kept.
        min_length: Tubes of fewer frames are dropped.
        options: `overlap` and `gap` of `linking.greedy`; `paths` and `weight` of `linking.viterbi`.

    Frames that a tube passes over get boxes and scores between those of its neighbours.

    >>> from keras_vid.detection.data import table
    >>> rows = table.make(["a"] * 2, [0, 2], ["run"] * 2, [[0, 0, 9, 9], [2, 0, 11, 9]], score=[0.9, 0.7])
    >>> link(rows, min_length=1)[0].boxes[:, 0].tolist()
    [0.0, 1.0, 2.0]
    """
    if method not in LINKS:
        raise InputError(f"link {method!r}: {' or '.join(LINKS)}")
    sequence = detections.rows(_kept(detections, min_score, max_per_frame))
    key = sequence.video * len(sequence.classes) + sequence.label
    tubes = []
    for part in np.split(np.arange(len(sequence)), np.flatnonzero(np.diff(key)) + 1):
        if len(part):
            sequence_rows = slice(part[0], part[-1] + 1)
            paths = LINKS[method](
                sequence.frame[sequence_rows], sequence.box[sequence_rows], sequence.score[sequence_rows], **options
            )
            span = sequence.frame[sequence_rows]
            tubes += [_tube(sequence, part[p]) for p in paths if span[p[-1]] - span[p[0]] + 1 >= min_length]
    return tubes


def trim(tubes, switch_cost=3.0):
    """The parts of tubes in which the action takes place, as tubes.

    Each frame is labelled action, worth its score, or not, worth 1 - score; every change of label costs `switch_cost`;
    the labels of the highest total are kept (the smoothing of Saha et al. 2016).

    >>> tube = Tube(0, 0, 5, np.zeros((6, 4)), np.array([0.1, 0.9, 0.9, 0.9, 0.1, 0.1]), 0.5)
    >>> [(part.start, part.end) for part in trim([tube], switch_cost=0.5)]
    [(6, 9)]
    """
    parts = []
    for tube in tubes:
        action = np.concatenate([[0], _smooth(tube.scores, switch_cost), [0]])
        for first, last in np.flatnonzero(np.diff(action)).reshape(-1, 2).tolist():
            scores = tube.scores[first:last]
            parts.append(
                Tube(tube.video, tube.label, tube.start + first, tube.boxes[first:last], scores, float(scores.mean()))
            )
    return parts


def named_tubes(table):
    """The tubes of a table, ground truth or detections, by its column `tube`."""
    if table.tube is None:
        raise InputError("the table does not say which boxes make a tube: it needs a column tube")
    order = np.lexsort((table.frame, table.label, table.tube, table.video))
    heads = np.column_stack([table.video, table.tube, table.label])[order]
    cuts = np.flatnonzero(np.any(np.diff(heads, axis=0), axis=1)) + 1
    return [_tube(table, rows) for rows in np.split(order, cuts)]


def _tube(table, rows):
    """Rows in the order of their frames as one tube, gaps filled between the neighbours."""
    frames, first = table.frame[rows], rows[0]
    score = np.ones(len(rows)) if table.score is None else table.score[rows]
    every = np.arange(frames[0], frames[-1] + 1)
    if len(every) == len(rows):
        boxes, scores = table.box[rows], score
    else:
        boxes = np.column_stack([np.interp(every, frames, table.box[rows, i]) for i in range(4)])
        scores = np.interp(every, frames, score)
    return Tube(
        int(table.video[first]), int(table.label[first]), int(frames[0]), boxes, scores, float(score.sum() / len(score))
    )


def _kept(table, min_score, max_per_frame):
    """The best rows of each frame and class; by video, class, frame and score."""
    rows = np.flatnonzero(table.score >= min_score)
    key = (table.video[rows] * len(table.classes) + table.label[rows]) << 32 | table.frame[rows]
    order = np.lexsort((*table.box[rows].T, -table.score[rows], key))
    rows, key = rows[order], key[order]
    return rows[np.arange(len(rows)) - np.searchsorted(key, key) < max_per_frame]


def _smooth(score, switch_cost):
    """1 where the action is, 0 elsewhere: the labels of the highest total when every change costs `switch_cost`."""
    on, off, back = 0.0, 0.0, []
    for value in score.tolist():
        back.append((on >= off - switch_cost, off >= on - switch_cost))
        on, off = value + max(on, off - switch_cost), 1 - value + max(off, on - switch_cost)
    label, labels = int(on >= off), []
    for stay_on, stay_off in reversed(back):
        labels.append(label)
        label = int(stay_on) if label else int(not stay_off)
    return labels[::-1]
