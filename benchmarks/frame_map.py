"""Frame-mAP of full-size sets: the vectorised evaluator against a plain loop over detections, in the same run.

KERAS_VID_DATA=DIR python benchmarks/frame_map.py [ROUNDS]

JHMDB split 1 with 100 detections a frame, UCF101-24 with 50: around the real boxes, and anywhere. The two take turns
for ROUNDS rounds (3). Prints the median and range of the seconds of each, the ratio of the medians, both
answers, the peak of what the evaluation allocates (in a further, traced run) and the most memory the process held.
"""

import os
import resource
import statistics
import sys
import time
import tracemalloc
from collections import defaultdict
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from keras_vid.detection.data import ground_truth as data
from keras_vid.detection.data.table import Table
from keras_vid.detection.evaluation.frame_map import average_precision, frame_map


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
    sets = [("JHMDB split 1", data.ground_truth(folder / "JHMDB-GT.pkl"), 100)]
    ucf = data.ground_truth(folder / "pyannot_with_class_names.pkl")
    # 58 boxes are there twice, which the plain loop (always the first) and ours (a free one) count differently.
    ucf = ucf.rows(np.unique(np.column_stack([ucf.video, ucf.frame, ucf.label, ucf.box]), axis=0, return_index=True)[1])
    sets.append(("UCF101-24", ucf, 50))
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    for name, gt, each in sets:
        found = simulate(gt, each)
        ours, loop = [], []
        for _ in range(rounds):
            seconds, answer = timed(lambda gt=gt, found=found: frame_map(gt, found, frames="all")["map"])
            ours.append(seconds)
            seconds, plain = timed(lambda gt=gt, found=found: plain_loop(gt, found))
            loop.append(seconds)
        tracemalloc.start()
        frame_map(gt, found, frames="all")
        peak = tracemalloc.get_traced_memory()[1] / 2**20
        tracemalloc.stop()
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
        ratio = statistics.median(loop) / statistics.median(ours)
        print(f"{name}: {len(found):,} detections; ours {told(ours)}, plain loop {told(loop)}: {ratio:.1f}x")
        print(
            f"  mAP {answer:.6f} and {plain:.6f}; peak {peak:.0f} MiB over a table of {table_size(found):.0f} MiB",
            end="",
        )
        print(f"; process {most:.0f} MiB", flush=True)


def timed(call):
    start = time.perf_counter()
    answer = call()
    return time.perf_counter() - start, answer


def told(seconds):
    return f"{statistics.median(seconds):.2f} s ({min(seconds):.2f} to {max(seconds):.2f})"


def table_size(table):
    columns = (table.video, table.frame, table.label, table.box, table.score)
    return sum(column.nbytes for column in columns) / 2**20


if __name__ == "__main__":
    main()
