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

from detection.boxes import paired_iou

RULES = {
    "voc": ("strict", "all_points"),  # TF Object Detection API, AVA: the default
    "act": ("remaining", "trapezoid"),  # ACT, MOC
    "peng": ("remaining", "all_points"),  # Peng & Schmid
    "voc07": ("strict", "11_point"),
}


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
        precision), and the rule, threshold and frames that gave it.

    Example:

    >>> from detection import table
    >>> gt = table.make(["a"], [0], ["run"], [[0, 0, 9, 9]])
    >>> frame_map(gt, table.make(["a"], [0], ["run"], [[0, 0, 9, 8]], score=[0.9]))["map"]
    1.0
    """
    if rule not in RULES:
        raise ValueError(f"rule {rule!r}: the rules are {', '.join(RULES)}")
    match, integrate = RULES[rule]
    detections = comparable(gt, detections, frames)
    hits = match_boxes(gt, detections, threshold, match)
    totals = np.bincount(gt.label, minlength=len(gt.classes))
    order = np.argsort(-detections.score, kind="stable")  # ties keep the order of the rows
    order = order[np.argsort(detections.label[order].astype("uint16"), kind="stable")]  # 16 bits: a radix sort
    ends = np.searchsorted(detections.label[order], np.arange(len(gt.classes) + 1))
    ap, curves = {}, {}
    for label, name in enumerate(gt.classes):
        mine = hits[order[ends[label] : ends[label + 1]]] >= 0
        ap[name] = average_precision(mine, totals[label], integrate)
        right = np.cumsum(mine)
        curves[name] = (right / max(totals[label], 1), right / np.arange(1, len(mine) + 1))
    mean = float(np.mean([ap[gt.classes[i]] for i in np.flatnonzero(totals)]))
    named = {"rule": rule, "match": match, "area": integrate, "threshold": threshold, "frames": frames}
    return {"map": mean, **named, "ap": ap, "curves": curves}


COCO_THRESHOLDS = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)


def sweep(gt, detections, thresholds=COCO_THRESHOLDS, **options):
    """Frame-mAP at each IoU threshold: {threshold: mAP}."""
    return {float(t): frame_map(gt, detections, threshold=float(t), **options)["map"] for t in thresholds}


def average_precision(right, total, area="all_points"):
    """AP of one class from its detections, best score first: is each right? `total` boxes were to be found.

    >>> average_precision(np.array([True, False, True]), 2)  # precision 1, then 2/3
    0.8333333333333333
    """
    if total == 0:
        return float("nan")
    found = np.cumsum(right)
    precision = found / np.arange(1, len(found) + 1)
    if area == "trapezoid":
        before = np.concatenate([[1.0], precision[:-1]])
        return float(np.sum(right * (precision + before) / 2) / total)  # recall rises by 1 / total where right
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    if area == "all_points":
        return float(np.sum(envelope[right]) / total)
    # Recall k / 10 is reached once 10 found >= k total: whole numbers, so that no rounding moves a point.
    places = np.searchsorted(found * 10, np.arange(11) * total)
    return float(np.sum(np.append(envelope, 0.0)[places]) / 11)


def match_boxes(gt, detections, threshold=0.5, match="strict"):
    """The row of the ground truth that each detection finds, or -1. Both tables name classes and videos alike."""
    order = np.argsort(-detections.score, kind="stable")
    left, right, overlap = pairs(gt, detections.rows(order))
    hits = np.full(len(order), -1)
    keep = overlap >= threshold
    if match == "strict":
        best = np.zeros(len(order))
        np.maximum.at(best, left, overlap)
        keep &= overlap == best[left]
    left, right, overlap = left[keep], right[keep], overlap[keep]
    group = _keys(gt, by_class=True)[right]
    while len(left):
        # In each frame the best-scored detection that still has a box takes its best one.
        best = _best_pair(left, overlap)
        _, first = np.unique(group[best], return_index=True)
        taken = best[first]
        hits[left[taken]] = right[taken]
        free = ~(np.isin(right, right[taken]) | np.isin(left, left[taken]))
        left, right, overlap, group = left[free], right[free], overlap[free], group[free]
    found = np.full(len(order), -1)
    found[order] = hits
    return found


def pairs(gt, detections, by_class=True):
    """Each detection with each box of its frame (and class): rows of detections (rising), rows of gt, IoU."""
    key, wanted = _keys(gt, by_class), _keys(detections, by_class)
    order = np.argsort(key, kind="stable")
    start = np.searchsorted(key[order], wanted, "left")
    many = np.searchsorted(key[order], wanted, "right") - start
    left = np.repeat(np.arange(len(wanted)), many)
    step = np.arange(len(left)) - np.repeat(np.cumsum(many) - many, many)
    right = order[np.repeat(start, many) + step]
    return left, right, paired_iou(detections.box[left], gt.box[right])


def comparable(gt, detections, frames="all"):
    """The detections in the numbering of the ground truth; ValueError where the two do not belong together."""
    if frames not in ("annotated", "all"):
        raise ValueError(f"frames {frames!r}: annotated or all")
    if detections.score is None:
        raise ValueError("the detections have no scores")
    if not len(gt):
        raise ValueError("the ground truth has no boxes")
    for what in ("classes", "videos"):
        strange = sorted(set(getattr(detections, what)) - set(getattr(gt, what)))
        if strange:
            some = getattr(gt, what)[0]
            raise ValueError(f"{what} do not match: detections name {strange[0]!r}, the ground truth {some!r}, ...")
    if not np.isfinite(detections.score).all() or not np.isfinite(detections.box).all():
        raise ValueError("a detection has a score or a corner that is not a finite number")
    if (detections.frame < 0).any():
        raise ValueError("a detection is in a negative frame; frames count from 0")
    _same_scale(gt, detections)
    videos = np.array([gt.videos.index(v) for v in detections.videos], "int64")
    classes = np.array([gt.classes.index(c) for c in detections.classes], "int64")
    found = detections.rows(slice(None))
    found.video, found.videos = videos[found.video], gt.videos
    found.label, found.classes = classes[found.label], gt.classes
    if frames == "annotated":
        found = found.rows(np.isin(_keys(found, by_class=False), _keys(gt, by_class=False)))
    return found


def _same_scale(gt, detections):
    if not len(detections):
        return
    reach, edge = detections.box.max(), gt.box.max()
    if edge > 4 and reach <= 2:
        raise ValueError(f"detections reach x, y = {reach:.3g}: fractions, where the ground truth is in pixels")
    if gt.size:
        outside = (detections.box[:, 2:] > np.array(gt.size) * 1.1).any(axis=1).mean()
        if outside > 0.02:  # a few boxes that run over the edge are a detector's noise, many are another scale
            size = "x".join(map(str, gt.size))
            raise ValueError(f"{outside:.0%} of the detections end outside {size} pixels: scale or clip them")


def _keys(table, by_class):
    """One number a frame (and class)."""
    key = table.video.astype("int64") << 24 | table.frame
    return key << 10 | table.label if by_class else key


def _best_pair(left, overlap):
    """The place of the largest overlap of each `left` (rising), the first of equal ones."""
    order = np.lexsort((-overlap, left))
    return order[np.unique(left[order], return_index=True)[1]] if len(order) else order
