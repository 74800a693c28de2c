"""Frame-mAP, with its rule named in the result.

Every peer computes a slightly different number. A rule here is a way to match and a way to integrate:

- match "strict" (VOC): a detection belongs to the box of its class and frame that it overlaps most; if another
  detection took that box before, it is false. Of boxes that it overlaps exactly alike it takes a free one: UCF101-24
  has boxes that are there twice (58 in the test set), and code that always takes the first, as VOC's own does, gives
  its ground truth 0.997 against itself. "remaining": it may take the best of the boxes not yet taken.
- area "all_points" (VOC 2010 on): under the monotone envelope of the precision-recall curve. "trapezoid": under the raw
  curve, from recall 0 and precision 1. "11_point" (VOC 2007): mean envelope at recall 0, 0.1, ..., 1.

The mean is over the classes that have ground truth; one that is never detected counts 0. Equal scores keep
the order of the rows, so the same table always gives the same number.
"""

import numpy as np
from keras_vid.detection.evaluation.matching import comparable, frame_numbers, pairs, rows_by_class, take

from keras_vid.utils.errors import InputError

RULES = {
    "voc": ("strict", "all_points"),  # TF Object Detection API, AVA: the default
    "act": ("remaining", "trapezoid"),  # ACT, MOC
    "peng": ("remaining", "all_points"),  # Peng & Schmid
    "voc07": ("strict", "11_point"),
}
COCO_THRESHOLDS = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)


def frame_map(gt, detections, rule="voc", threshold=0.5, frames="annotated"):
    """Mean average precision over frames.

    Args:
        gt: Table of ground truth.
        detections: Table with scores.
        rule: A name of `RULES`.
        threshold: A detection is right from this IoU on.
        frames: "annotated" ignores detections in frames without any ground truth; "all" counts them as false.

    Returns:
        dict with "map", "ap" (class name to AP, NaN without ground truth), "curves" (class name to recall and
        precision at each right detection and at the end), and the rule, threshold and frames that gave it.

    Example:

    >>> from keras_vid.detection.data import table
    >>> gt = table.make(["a"], [0], ["run"], [[0, 0, 9, 9]])
    >>> frame_map(gt, table.make(["a"], [0], ["run"], [[0, 0, 9, 8]], score=[0.9]))["map"]
    1.0
    """
    return frame_maps(gt, detections, (threshold,), rule, frames)[0]


def sweep(gt, detections, thresholds=COCO_THRESHOLDS, **options):
    """Frame-mAP at each IoU threshold: {threshold: mAP}."""
    results = frame_maps(gt, detections, tuple(float(t) for t in thresholds), **options)
    return {result["threshold"]: result["map"] for result in results}


def frame_maps(gt, detections, thresholds, rule="voc", frames="annotated"):
    """`frame_map` at several thresholds, with the overlaps and the order of the scores found once."""
    if frames not in ("annotated", "all"):
        raise InputError(f"frames {frames!r}: annotated or all")
    match, area = named_rule(rule)
    detections = comparable(gt, detections)
    if frames == "annotated":  # the others go to a class without a name: cheaper than a copy of the rest
        detections.label = np.where(frame_numbers(gt, detections) >= 0, detections.label, len(gt.classes))
    near = pairs(gt, detections)
    matches = [take(near, detections.score, threshold, match)[0] for threshold in thresholds]
    ranks = ranks_in_class(detections, np.concatenate(matches))
    named = {"rule": rule, "match": match, "area": area, "frames": frames}
    return [
        average(gt, detections, matched, ranks[matched], area) | named | {"threshold": t}
        for t, matched in zip(thresholds, matches)
    ]


def named_rule(rule):
    """(match, area) of a rule's name."""
    if rule not in RULES:
        raise InputError(f"rule {rule!r}: the rules are {', '.join(RULES)}")
    return RULES[rule]


def average(gt, detections, right, ranks, area):
    """AP of every class and their mean, from the rows of the right detections and their ranks in their class."""
    totals = np.bincount(gt.label, minlength=len(gt.classes))
    counts = np.bincount(detections.label, minlength=len(gt.classes))
    labels = detections.label[right]
    ap, curves = {}, {}
    for label, name in enumerate(gt.classes):
        own_ranks = np.sort(ranks[labels == label])
        ap[name] = area_under(own_ranks, totals[label], area)
        curves[name] = _curve(own_ranks, totals[label], counts[label])
    mean = float(np.mean([ap[gt.classes[i]] for i in np.flatnonzero(totals)]))
    return {"map": mean, "ap": ap, "curves": curves}


def ranks_in_class(table, rows):
    """The rank (from 1) of some rows among all rows of their class, best score first; ties keep the order of the rows.

    An array over all rows that is filled at `rows`. Only the scores' values are sorted, not the rows.
    """
    ranks = np.zeros(len(table), "int64")
    wanted = np.zeros(len(table), bool)
    wanted[rows] = True
    for rows_of_class in rows_by_class(table):
        score, positions = table.score[rows_of_class], np.flatnonzero(wanted[rows_of_class])
        if not len(positions):
            continue
        rising = np.sort(score)
        value = score[positions]
        above = len(rows_of_class) - np.searchsorted(rising, value, "right")
        equal = len(rows_of_class) - above - np.searchsorted(rising, value, "left")
        ranks[rows_of_class[positions]] = above + 1 + (_earlier(score, positions, equal) if (equal > 1).any() else 0)
    return ranks


def average_precision(right, total, area="all_points"):
    """AP of one class from its detections, best score first: is each right? `total` boxes were to be found.

    >>> average_precision(np.array([True, False, True]), 2)  # precision 1, then 2/3
    0.8333333333333333
    """
    return area_under(np.flatnonzero(right) + 1, total, area)


def area_under(ranks, total, area="all_points"):
    """AP of one class from the ranks (from 1, rising) of its right detections. `total` boxes were to be found."""
    if total == 0:
        return float("nan")
    matched = np.arange(1, len(ranks) + 1)
    precision = matched / ranks
    if area == "trapezoid":  # from the precision just before each right detection; the curve starts at 1
        before = np.divide(matched - 1, ranks - 1, out=np.ones(len(ranks)), where=ranks > 1)
        return float(np.sum((precision + before) / 2) / total)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]  # wrong detections only lower it: no need of them
    if area == "all_points":
        return float(np.sum(envelope) / total)
    # Recall k / 10 is reached once 10 matched >= k total: whole numbers, so that no rounding moves a point.
    points = np.searchsorted(matched * 10, np.arange(11) * total)
    return float(np.sum(np.append(envelope, 0.0)[points]) / 11)


def _curve(ranks, total, count):
    right = np.arange(1, len(ranks) + 1)
    if count > (ranks[-1] if len(ranks) else 0):  # wrong ones follow the last right one
        right, ranks = np.append(right, len(ranks)), np.append(ranks, count)
    return right / max(total, 1), right / ranks


def _earlier(score, asked, equal):
    """Of the rows with the score of each asked row, how many come before it."""
    tied = np.unique(score[asked[equal > 1]])
    near = np.minimum(np.searchsorted(tied, score), len(tied) - 1)
    rows = np.flatnonzero(tied[near] == score)
    order = rows[np.argsort(score[rows], kind="stable")]
    value = score[order]
    before = np.zeros(len(score), "int64")
    before[order] = np.arange(len(order)) - np.searchsorted(value, value, "left")
    return before[asked]
