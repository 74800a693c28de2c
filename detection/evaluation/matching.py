"""Detections beside the boxes of their frames: which belong together, how much they overlap, which is matched to which.

Everything is flat arrays over all frames at once. A data set has millions of detections but few that lie in a
frame with a box of their class, so the others leave early and nothing here sorts them.
"""

import numpy as np
from keras_vid.detection.data.boxes import paired_iou

from keras_vid.utils.errors import InputError


def comparable(gt, detections):
    """The detections in the numbering of the ground truth; InputError where the two do not belong together."""
    if detections.score is None:
        raise InputError("the detections have no scores")
    if not len(gt):
        raise InputError("the ground truth has no boxes")
    renumbered = detections.rows(slice(None))
    if gt.ignored and not gt.ignored.isdisjoint(renumbered.videos):
        renumbered = renumbered.only([v for v in renumbered.videos if v not in gt.ignored])
    for what, numbers in (("classes", renumbered.label), ("videos", renumbered.video)):
        names, known = getattr(renumbered, what), getattr(gt, what)
        strange = {names[i] for i in np.flatnonzero(np.bincount(numbers, minlength=len(names)))} - set(known)
        if strange:
            raise InputError(
                f"{what} do not match: detections name {min(strange)!r}, the ground truth {known[0]!r}, ..."
            )
    if not np.isfinite(renumbered.score).all() or not np.isfinite(renumbered.box).all():
        raise InputError("a detection has a score or a corner that is not a finite number")
    renumbered.video = _renumbered(renumbered.video, renumbered.videos, gt.videos)
    renumbered.label = _renumbered(renumbered.label, renumbered.classes, gt.classes)
    renumbered.videos, renumbered.classes = gt.videos, gt.classes
    if len(renumbered):
        _same_scale(gt, renumbered)
        _same_first_frame(gt, renumbered)
    return renumbered


def frame_numbers(gt, table):
    """For each row of a table, the number of its frame among the frames of `gt` that have boxes, or -1."""
    length = np.zeros(len(gt.videos), "int64")
    np.maximum.at(length, gt.video, gt.frame + 1)
    start = np.concatenate([[0], np.cumsum(length)])
    number = np.full(start[-1] + 1, -1, "int32")  # the last entry is for all frames past a video's last box
    number[start[gt.video] + gt.frame] = 0
    annotated = np.flatnonzero(number == 0)
    number[annotated] = np.arange(len(annotated))
    return number[np.where(table.frame < length[table.video], start[table.video] + table.frame, start[-1])]


def pairs(gt, detections, by_class=True):
    """Each detection with each box of its frame (and class): rows of detections (rising), rows of gt, IoU."""
    detection_frame, box_frame = frame_numbers(gt, detections), frame_numbers(gt, gt)
    rows = np.flatnonzero(detection_frame >= 0)
    groups = detection_frame[rows]
    if by_class:
        rows, groups, box_frame = _narrow(rows, groups, detections.label, box_frame, gt.label)
    order = np.argsort(box_frame, kind="stable")
    start = np.searchsorted(box_frame[order], np.arange(box_frame.max() + 2))
    counts = np.diff(start)[groups]
    left = np.repeat(rows, counts)
    step = np.arange(len(left)) - np.repeat(np.cumsum(counts) - counts, counts)
    right = order[np.repeat(start[groups], counts) + step]
    return left, right, paired_iou(detections.box[left], gt.box[right])


def take(near, score, threshold=0.5, match="strict"):
    """Detections, the best scored first, take boxes: rows of the detections that get one, and the rows of those boxes.

    Args:
        near: What `pairs` returns.
        score: Scores of all detections; equal ones take in the order of their rows.
        threshold: Least IoU.
        match: "strict" or "remaining", as in `frame_map`.
    """
    left, right, overlap = near
    keep = overlap >= threshold
    if match == "strict" and len(left):
        first = np.flatnonzero(np.diff(left, prepend=-1))
        best = np.maximum.reduceat(overlap, first)
        keep &= overlap == np.repeat(best, np.diff(first, append=len(left)))
    left, right, overlap = left[keep], right[keep], overlap[keep]
    order = np.argsort(-score[left], kind="stable")
    if match == "remaining":
        order = np.lexsort((-overlap, left, -score[left]))
    left, right = left[order], right[order]  # the pairs of one detection are neighbours
    contested = _contested(left, right)
    taken = np.full(right.max(initial=-1) + 1, -1)
    easy = np.flatnonzero(~contested)[::-1]
    taken[right[easy]] = left[easy]  # of several detections the last one written, the best one, stays
    served = -1
    for row, box in zip(left[contested].tolist(), right[contested].tolist()):
        if row != served and taken[box] < 0:
            taken[box] = served = row
    boxes = np.flatnonzero(taken >= 0)
    return taken[boxes], boxes


def match_boxes(gt, detections, threshold=0.5, match="strict"):
    """The row of the ground truth that each detection is matched to, or -1. Both tables have the same names."""
    hits = np.full(len(detections), -1)
    rows, boxes = take(pairs(gt, detections), detections.score, threshold, match)
    hits[rows] = boxes
    return hits


def rows_by_class(table):
    """The rows of each class, as they come."""
    many = np.bincount(table.label, minlength=len(table.classes))
    order = np.argsort(table.label.astype(np.min_scalar_type(len(many))), kind="stable")  # few bits: a radix sort
    ends = np.cumsum(many)
    return np.split(order, ends[:-1])


def _contested(left, right):
    """Which pairs are with a box that is wanted by a detection which also wants another box."""
    same = left[1:] == left[:-1]
    several = np.append(same, False) | np.append(False, same) if len(left) else np.zeros(0, bool)
    boxes = np.zeros(right.max(initial=-1) + 1, bool)
    boxes[right[several]] = True
    return boxes[right]


def _narrow(rows, groups, label, box_frame, box_label):
    """From groups that are frames to groups that are classes of a frame: `rows`, `groups` and `box_frame` anew."""
    class_count = int(box_label.max()) + 1
    cells, box_frame = np.unique(box_frame.astype("int64") * class_count + box_label, return_inverse=True)
    frames, labels = np.divmod(cells, class_count)
    start = np.searchsorted(frames, np.arange(frames[-1] + 2))
    found_rows, found_groups = [], []
    cell, own_label = start[groups], label[rows]
    last = start[groups + 1]
    while len(rows):  # the first class of each frame, then the second, ... : most frames have one
        same = labels[cell] == own_label
        found_rows.append(rows[same])
        found_groups.append(cell[same])
        more = ~same & (cell + 1 < last)
        rows, cell, own_label, last = rows[more], cell[more] + 1, own_label[more], last[more]
    rows, groups = (np.concatenate([np.zeros(0, "int64"), *parts]) for parts in (found_rows, found_groups))
    order = np.argsort(rows, kind="stable")
    return rows[order], groups[order], box_frame


def _renumbered(numbers, names, known):
    if names == known:
        return numbers
    number_of = {name: i for i, name in enumerate(known)}
    return np.array([number_of.get(name, -1) for name in names], "int64")[numbers]  # names without rows may be unknown


def _same_scale(gt, detections):
    reach, edge = detections.box.max(), gt.box.max()
    if edge > 4 and reach <= 2:
        raise InputError(f"detections reach x, y = {reach:.3g}: fractions, where the ground truth is in pixels")
    if gt.size:
        outside = ((detections.box[:, 2] > gt.size[0] * 1.1) | (detections.box[:, 3] > gt.size[1] * 1.1)).mean()
        if outside > 0.02:  # a few boxes that run over the edge are a detector's noise, many are another scale
            size = "x".join(map(str, gt.size))
            raise InputError(f"{outside:.0%} of the detections end outside {size} pixels: scale or clip them")


def _same_first_frame(gt, detections):
    first = detections.frame.min()
    if first < 0:
        raise InputError("a detection is in a negative frame; frames count from 0")
    if first > 0 and gt.frames:
        length = np.array([gt.frames.get(v, 1 << 40) for v in gt.videos])
        late = np.flatnonzero(detections.frame >= length[detections.video])
        if len(late):
            video = gt.videos[detections.video[late[0]]]
            raise InputError(
                f"no detection is in a frame 0 and one is in frame {detections.frame[late[0]]} of {video}, which has "
                f"{gt.frames[video]} frames: frames count from 0"
            )
