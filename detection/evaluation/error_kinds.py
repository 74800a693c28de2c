"""What the false detections are, and how much of the ground truth any detection covers."""

import numpy as np
from keras_vid.detection.evaluation.matching import comparable, frame_numbers, match_boxes, pairs, rows_by_class

KINDS = ("right", "duplicate", "localisation", "class", "time", "other")
PART = 1 << 20  # detections that are compared with all boxes of their frames at a time


def analyse(gt, detections, threshold=0.5):
    """Kinds of the best detections, as many of each class as it has boxes, and the share of boxes missed.

    A false detection is the first of: "duplicate" (on a box of its class that another took), "localisation" (overlaps
    such a box by 0.1 or more, but too little), "class" (on a box of another class), "time" (its class is
    annotated in this video, but not in this frame), "other".

    Returns:
        dict: kind to share of those detections, "missed" to the share of boxes that none of all detections finds.

    >>> from keras_vid.detection.data import table
    >>> gt = table.make(["a"], [0], ["run"], [[0, 0, 9, 9]])
    >>> analyse(gt, table.make(["a"], [5], ["run"], [[0, 0, 9, 9]], score=[1]))["time"]
    1.0
    """
    detections = comparable(gt, detections)
    hits = match_boxes(gt, detections, threshold)
    missed = 1 - len(np.unique(hits[hits >= 0])) / len(gt)
    best = _best_rows(detections, np.bincount(gt.label, minlength=len(gt.classes)))
    detections, hits = detections.rows(best), hits[best]
    kind = np.full(len(detections), KINDS.index("other"))
    annotated = np.isin(_in_video(detections), _in_video(gt)) & ~np.isin(_in_frame(gt, detections), _in_frame(gt, gt))
    kind[annotated] = KINDS.index("time")
    kind[_reach(gt, detections, by_class=False) >= threshold] = KINDS.index("class")
    overlap = _reach(gt, detections, by_class=True)
    kind[overlap >= 0.1] = KINDS.index("localisation")
    kind[overlap >= threshold] = KINDS.index("duplicate")
    kind[hits >= 0] = KINDS.index("right")
    share = np.bincount(kind, minlength=len(KINDS)) / max(len(kind), 1)
    return dict(zip(KINDS, share.tolist())) | {"missed": missed}


def coverage(gt, detections, threshold=0.5):
    """(MABO, recall): the mean over classes of the mean best overlap of their boxes with any detection of
    the frame, whatever its label; and the share of all boxes overlapped by `threshold` or more."""
    detections = comparable(gt, detections)
    best = np.zeros(len(gt))
    for start in range(0, len(detections), PART):
        _, right, overlap = pairs(gt, detections.rows(slice(start, start + PART)), by_class=False)
        np.maximum.at(best, right, overlap)
    means = [best[gt.label == label].mean() for label in np.unique(gt.label)]
    return float(np.mean(means)), float(np.mean(best >= threshold))


def _best_rows(table, counts):
    """The rows of the `counts[label]` best-scored detections of each class; ties keep the order of the rows."""
    kept = []
    for rows, count in zip(rows_by_class(table), counts):
        score = table.score[rows]
        if count < len(rows):
            edge = np.partition(score, -count)[-count] if count else np.inf
            above = score > edge
            ties = np.flatnonzero(score == edge)[: count - above.sum()]
            rows = np.concatenate([rows[above], rows[ties]])
        kept.append(rows)
    return np.concatenate(kept)


def _reach(gt, detections, by_class):
    left, _, overlap = pairs(gt, detections, by_class)
    best = np.zeros(len(detections))
    np.maximum.at(best, left, overlap)
    return best


def _in_video(table):
    return table.video * len(table.classes) + table.label


def _in_frame(gt, table):
    """Numbers of frame and class; negative in frames without any box."""
    return frame_numbers(gt, table).astype("int64") * len(table.classes) + table.label
