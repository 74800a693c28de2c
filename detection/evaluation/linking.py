"""Two ways to link one class's detections in one video; the rows come by frame, the best of each frame first.

- `greedy`, frame after frame, as online methods do (Singh et al. 2017): the tubes so far, the best one first, each take
  the best-scored detection that overlaps their last box enough; what nobody takes starts a tube; a tube that
  takes nothing for some frames has ended.
- `viterbi`, over the whole video (Gkioxari & Malik 2015, Peng & Schmid 2016): the path through all frames with the
  largest sum of scores and overlaps; its boxes are taken away, and the next path is sought.
"""

import numpy as np
from keras_vid.detection.data.boxes import paired_iou


def greedy(frame, box, score, overlap=0.1, gap=5):
    """The rows of each tube.

    Args:
        overlap: Least IoU of a detection with the last box of the tube that takes it.
        gap: A tube that takes nothing in more frames than this in a row has ended.
    """
    alive, ended = [], []  # [rows, sum of their scores]
    box, score = np.asarray(box, "float64").tolist(), np.asarray(score).tolist()
    for now, rows in _by_frame(frame):
        ended += [tube for tube in alive if now - frame[tube[0][-1]] - 1 > gap]
        alive = [tube for tube in alive if now - frame[tube[0][-1]] - 1 <= gap]
        alive.sort(key=lambda tube: -tube[1] / len(tube[0]))
        free = list(rows)
        for tube in alive:
            last = box[tube[0][-1]]
            taken = next((row for row in free if _iou(last, box[row]) >= overlap), None)
            if taken is not None:
                free.remove(taken)
                tube[0].append(taken)
                tube[1] += score[taken]
        alive += [[[row], score[row]] for row in free]
    return [np.array(rows) for rows, _ in ended + alive]


def viterbi(frame, box, score, paths=3, weight=1.0):
    """The rows of each path.

    Args:
        paths: At most this many paths; there are fewer once a frame has no detection left.
        weight: Of the IoU of neighbours, beside the sum of their scores.
    """
    groups = [rows for _, rows in _by_frame(frame)]
    row_at = np.full((len(groups), max(map(len, groups))), -1)
    for step, rows in enumerate(groups):
        row_at[step, : len(rows)] = rows
    left = np.where(row_at >= 0, score[row_at], -np.inf)
    boxes = np.asarray(box, "float64")[row_at]
    near = weight * paired_iou(boxes[:-1, :, None], boxes[1:, None])
    chosen = []
    while len(chosen) < paths and np.isfinite(left).any(axis=1).all():
        path = _best_path(left, near)
        chosen.append(row_at[np.arange(len(path)), path])
        left[np.arange(len(path)), path] = -np.inf
    return chosen


def _by_frame(frame):
    """(frame, rows) of each frame of rows in the order of their frames."""
    cuts = [0, *(np.flatnonzero(np.diff(frame)) + 1).tolist(), len(frame)]
    return [(int(frame[a]), range(a, b)) for a, b in zip(cuts[:-1], cuts[1:])]


def _best_path(left, near):
    """Column of each row of scores `left` (T, R) on the path with the largest sum over its edges.

    An edge is worth the scores of both its ends and `near`.
    """
    total, back = np.zeros(left.shape[1]), []
    total[left[0] == -np.inf] = -np.inf
    for step in range(1, len(left)):
        worth = (total + left[step - 1])[:, None] + near[step - 1]
        back.append(worth.argmax(axis=0))
        total = worth.max(axis=0) + left[step]
    path = [int((total if len(left) > 1 else left[0]).argmax())]
    for pointers in reversed(back):
        path.append(int(pointers[path[-1]]))
    return np.array(path[::-1])


def _iou(a, b):
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)


LINKS = {"greedy": greedy, "viterbi": viterbi}
