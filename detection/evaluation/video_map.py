"""Video-mAP: mean average precision over tubes.

A tube is right if it overlaps an annotated tube of its class and video by `threshold` or more; each annotated
tube is found once; the rules of `frame_map` say which one a tube takes and how the area is taken. The overlap is the
mean IoU of the boxes in the frames that both have, times the share of these frames in all that either has.
"""

import numpy as np
from keras_vid.detection.data.boxes import paired_iou
from keras_vid.detection.data.table import Table
from keras_vid.detection.evaluation.frame_map import COCO_THRESHOLDS, average, named_rule, ranks_in_class
from keras_vid.detection.evaluation.matching import comparable, take
from keras_vid.detection.evaluation.tubes import link, named_tubes, trim

THRESHOLDS = (0.2, 0.5, 0.75)


def video_map(gt, detections, method=None, switch_cost=None, rule="voc", **options):
    """Video-mAP from a table of detections in single frames.

    Args:
        gt: Table of ground truth with tubes.
        detections: Table with scores.
        method: How detections are linked: "greedy" or "viterbi"; "column" takes the tubes that the detections name in
            their column `tube`. None: "column" where there is one, else "greedy".
        switch_cost: What a change costs when tubes are trimmed in time; None leaves them whole.
        rule: A name of `frame_map.RULES`.
        options: Those of `tubes.link`.

    Returns:
        dict with "map" (threshold to mAP, "0.50:0.95" is the mean of ten), "ap" at 0.5, and what gave them.

    >>> from keras_vid.detection.data import table
    >>> columns = (["a"] * 20, range(20), ["run"] * 20, [[0, 0, 9, 9]] * 20)
    >>> gt = table.make(*columns, tube=[0] * 20)
    >>> video_map(gt, table.make(*columns, score=[0.9] * 20))["map"]["0.50:0.95"]
    1.0
    """
    method = method or ("greedy" if detections.tube is None else "column")
    known = comparable(gt, detections)
    tubes = named_tubes(known) if method == "column" else link(known, method, **options)
    tubes = tubes if switch_cost is None else trim(tubes, switch_cost)
    results = tube_maps(gt, tubes, (*THRESHOLDS, *COCO_THRESHOLDS), rule)
    maps = {f"{t:.2f}": result["map"] for t, result in zip(THRESHOLDS, results)}
    maps["0.50:0.95"] = float(np.mean([result["map"] for result in results[len(THRESHOLDS) :]]))
    ap = results[THRESHOLDS.index(0.5)]["ap"]
    named = {"rule": rule, "link": method, "switch_cost": switch_cost, "tubes": len(tubes)}
    return {"map": maps, "ap": {name: None if np.isnan(value) else value for name, value in ap.items()}} | named


def tube_maps(gt, tubes, thresholds=THRESHOLDS, rule="voc"):
    """Video-mAP at each threshold, of tubes that number videos and classes as the ground truth does."""
    match, area = named_rule(rule)
    wanted = named_tubes(gt)
    near = tube_pairs(wanted, tubes)
    true, predicted = _heads(wanted, gt), _heads(tubes, gt)
    matches = [take(near, predicted.score, threshold, match)[0] for threshold in thresholds]
    ranks = ranks_in_class(predicted, np.concatenate(matches))
    return [
        average(true, predicted, matched, ranks[matched], area) | {"threshold": t}
        for t, matched in zip(thresholds, matches)
    ]


def tube_pairs(wanted, tubes):
    """Each tube with each annotated one of its video and class: both numbers (the tubes' rising), and the overlap."""
    annotated = {}
    for number, tube in enumerate(wanted):
        annotated.setdefault((tube.video, tube.label), []).append(number)
    overlaps = [
        (number, other, tube_iou(tube, wanted[other]))
        for number, tube in enumerate(tubes)
        for other in annotated.get((tube.video, tube.label), [])
    ]
    left, right, overlap = zip(*overlaps) if overlaps else ((), (), ())
    return np.array(left, "int64"), np.array(right, "int64"), np.array(overlap, "float64")


def tube_iou(a, b):
    """Spatio-temporal overlap of two tubes: 0 without a common frame.

    >>> from keras_vid.detection.evaluation.tubes import Tube
    >>> a, b = (Tube(0, 0, start, np.tile([0, 0, 8, 8], (4, 1)), np.ones(4), 1.0) for start in (0, 2))
    >>> tube_iou(a, b)  # the same box in 2 of 6 frames
    0.3333333333333333
    """
    first, last = max(a.start, b.start), min(a.end, b.end)
    if first >= last:
        return 0.0
    shared = paired_iou(a.boxes[first - a.start : last - a.start], b.boxes[first - b.start : last - b.start])
    return float(shared.mean() * (last - first) / (max(a.end, b.end) - min(a.start, b.start)))


def _heads(tubes, gt):
    """A table with a row a tube, for the parts of frame-mAP that see no frames; a tube's first box stands for it."""
    head = np.array([(t.video, t.start, t.label) for t in tubes], "int64").reshape(-1, 3)
    box = np.array([t.boxes[0] for t in tubes], "float32").reshape(-1, 4)
    return Table(gt.videos, gt.classes, *head.T, box, np.array([t.score for t in tubes], "float64"))
