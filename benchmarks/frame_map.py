"""Frame-mAP of full-size sets: the vectorised evaluator against a plain loop over detections, in the same run.

KERAS_VID_DATA=DIR python benchmarks/frame_map.py [--loop]

JHMDB split 1 with 100 detections a frame, UCF101-24 with 50: around the real boxes, and anywhere. Prints seconds,
the ratio, both answers, and the peak of what the evaluation allocates (in a second, traced run).
"""

import os
import sys
import time
import tracemalloc
from collections import defaultdict
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from detection import data
from detection.frame_map import average_precision, frame_map
from detection.table import Table


def simulate(gt, each, seed=0):
    """`each` detections in every frame: a few near its boxes with scores to match, the others anywhere."""
    rng = np.random.default_rng(seed)
    video = np.repeat(np.arange(len(gt.videos)), [gt.frames[v] for v in gt.videos])
    frame = np.concatenate([np.arange(gt.frames[v]) for v in gt.videos])
    spare = each * len(video) - 3 * len(gt)
    pick = rng.integers(0, len(video), spare)
    corner = rng.uniform(0, 200, (spare, 2))
    box = np.hstack([corner, corner + rng.uniform(20, 110, (spare, 2))])
    near = np.repeat(gt.box, 3, axis=0) + rng.normal(0, 10, (3 * len(gt), 4))
    label = np.concatenate([np.repeat(gt.label, 3), rng.integers(0, len(gt.classes), spare)])
    score = np.concatenate([rng.beta(4, 2, 3 * len(gt)), rng.beta(1, 4, spare)])
    video, frame = (np.concatenate([np.repeat(a, 3), b[pick]]) for a, b in ((gt.video, video), (gt.frame, frame)))
    box = np.clip(np.vstack([near, box]), 0, [320, 240, 320, 240]).astype("float32")
    return Table(gt.videos, gt.classes, video, frame, label, box, score)


def plain_loop(gt, found):
    """VOC frame-mAP as it is usually written: a dictionary of frames and a loop over the sorted detections."""
    aps = []
    for label in np.unique(gt.label):
        wanted = defaultdict(list)
        for row in np.flatnonzero(gt.label == label):
            wanted[gt.video[row], gt.frame[row]].append(gt.box[row].astype("float64"))
        wanted = {key: np.array(boxes) for key, boxes in wanted.items()}
        taken = {key: np.zeros(len(boxes), bool) for key, boxes in wanted.items()}
        mine = np.flatnonzero(found.label == label)
        right = np.zeros(len(mine), bool)
        for place, row in enumerate(mine[np.argsort(-found.score[mine], kind="stable")]):
            key = found.video[row], found.frame[row]
            if key not in wanted:
                continue
            boxes, box = wanted[key], found.box[row].astype("float64")
            ends, starts = np.minimum(boxes[:, 2:], box[2:]), np.maximum(boxes[:, :2], box[:2])
            shared = np.maximum(ends - starts, 0).prod(axis=1)
            areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
            overlap = shared / (areas + (box[2] - box[0]) * (box[3] - box[1]) - shared)
            best = overlap.argmax()
            if overlap[best] >= 0.5 and not taken[key][best]:
                taken[key][best] = right[place] = True
        aps.append(average_precision(right, (gt.label == label).sum()))
    return np.mean(aps)


def main():
    folder = Path(os.environ["KERAS_VID_DATA"]) / "detection"
    sets = [("JHMDB split 1", data.jhmdb(folder / "JHMDB-GT.pkl"), 100)]
    ucf = data.ucf24(folder / "pyannot_with_class_names.pkl", folder / "testlist01.txt")
    # 58 boxes are there twice, which the plain loop (always the first) and ours (a free one) count differently.
    ucf = ucf.rows(np.unique(np.column_stack([ucf.video, ucf.frame, ucf.label, ucf.box]), axis=0, return_index=True)[1])
    sets.append(("UCF101-24", ucf, 50))
    for name, gt, each in sets:
        found = simulate(gt, each)
        start = time.perf_counter()
        ours = frame_map(gt, found, frames="all")["map"]
        seconds = time.perf_counter() - start
        line = f"{name}: {len(found):,} detections, {seconds:.2f} s, mAP {ours:.6f}"
        if "--loop" in sys.argv:
            start = time.perf_counter()
            plain = plain_loop(gt, found)
            loop = time.perf_counter() - start
            line += f"; plain loop {loop:.2f} s ({loop / seconds:.1f}x), mAP {plain:.6f}"
        tracemalloc.start()
        frame_map(gt, found, frames="all")
        peak = tracemalloc.get_traced_memory()[1] / 2**20
        tracemalloc.stop()
        print(f"{line}; peak {peak:.0f} MiB over {found.box.nbytes / 2**20:.0f} MiB of boxes", flush=True)


if __name__ == "__main__":
    main()
