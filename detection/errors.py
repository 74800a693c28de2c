"""What the false detections are, and how much of the ground truth any detection covers."""

import numpy as np

from detection.frame_map import comparable, match_boxes, pairs

KINDS = ("right", "duplicate", "localisation", "class", "time", "other")


def analyse(gt, detections, threshold=0.5):
    """Kinds of the best detections, as many of each class as it has boxes, and the share of boxes missed.

    A false detection is the first of: "duplicate" (on a box of its class that another took), "localisation" (overlaps
    such a box by 0.1 or more, but too little), "class" (on a box of another class), "time" (its class is
    annotated in this video, but not in this frame), "other".

    Returns:
        dict: kind to share of those detections, "missed" to the share of boxes that none of all detections finds.

    >>> from detection import table
    >>> gt = table.make(["a"], [0], ["run"], [[0, 0, 9, 9]])
    >>> analyse(gt, table.make(["a"], [5], ["run"], [[0, 0, 9, 9]], score=[1]))["time"]
    1.0
    """
    found = comparable(gt, detections, frames="all")
    hits = match_boxes(gt, found, threshold)
    kind = np.full(len(found), KINDS.index("other"))
    here = _codes(gt, frame=True)
    there = np.isin(_codes(found, frame=False), _codes(gt, frame=False)) & ~np.isin(_codes(found, frame=True), here)
    kind[there] = KINDS.index("time")
    kind[_reach(gt, found, by_class=False) >= threshold] = KINDS.index("class")
    mine = _reach(gt, found, by_class=True)
    kind[mine >= 0.1] = KINDS.index("localisation")
    kind[mine >= threshold] = KINDS.index("duplicate")
    kind[hits >= 0] = KINDS.index("right")
    order = np.lexsort((-found.score, found.label))
    labels = found.label[order]
    rank = np.arange(len(order)) - np.searchsorted(labels, labels)
    top = order[rank < np.bincount(gt.label, minlength=len(gt.classes))[labels]]
    share = np.bincount(kind[top], minlength=len(KINDS)) / max(len(top), 1)
    missed = 1 - len(np.unique(hits[hits >= 0])) / len(gt)
    return dict(zip(KINDS, share.tolist())) | {"missed": missed}


def coverage(gt, detections, threshold=0.5):
    """(MABO, recall): the mean over classes of the mean best overlap of their boxes with any detection of
    the frame, whatever its label; and the share of all boxes overlapped by `threshold` or more."""
    found = comparable(gt, detections, frames="all")
    _, right, overlap = pairs(gt, found, by_class=False)
    best = np.zeros(len(gt))
    np.maximum.at(best, right, overlap)
    means = [best[gt.label == label].mean() for label in np.unique(gt.label)]
    return float(np.mean(means)), float(np.mean(best >= threshold))


def _reach(gt, found, by_class):
    left, _, overlap = pairs(gt, found, by_class)
    best = np.zeros(len(found))
    np.maximum.at(best, left, overlap)
    return best


def _codes(table, frame):
    code = table.video * 1024 + table.label
    return code << 24 | table.frame if frame else code
