"""Boxes: float32 (R, 4), x1 y1 x2 y2, half-open pixels (x2 is the right edge), so a box is x2 - x1 wide.

In this form plain IoU equals the "+1 pixel" IoU of inclusive boxes, and the question of inclusive ends disappears.
"""

import numpy as np


def from_inclusive(boxes):
    """Boxes whose x2 y2 are the last pixel inside, 0-based.

    >>> from_inclusive([[0, 0, 9, 19]]).tolist()
    [[0.0, 0.0, 10.0, 20.0]]
    """
    return _floats(boxes) + np.float32([0, 0, 1, 1])


def from_xywh(boxes, first=1):
    """Boxes as x y width height whose first pixel is number `first`; any dtype, cast before adding.

    >>> from_xywh(np.uint8([[201, 1, 100, 240]])).tolist()  # 201 + 100 overflows in uint8
    [[200.0, 0.0, 300.0, 240.0]]
    """
    boxes = _floats(boxes)
    corner = boxes[:, :2] - np.float32(first)
    return np.concatenate([corner, corner + boxes[:, 2:]], axis=1)


def area(boxes):
    """Areas in float64; a box with its ends swapped has none."""
    boxes = np.asarray(boxes, "float64")
    return np.maximum(boxes[..., 2] - boxes[..., 0], 0) * np.maximum(boxes[..., 3] - boxes[..., 1], 0)


def paired_iou(a, b):
    """IoU of a[i] with b[i], over any leading axes that broadcast; two empty boxes have 0.

    >>> paired_iou([[0, 0, 2, 2]], [[1, 0, 3, 2]]).round(4).tolist()
    [0.3333]
    """
    a, b = np.asarray(a), np.asarray(b)
    width, height = (
        np.maximum(np.minimum(a[..., i + 2], b[..., i + 2]) - np.maximum(a[..., i], b[..., i], dtype="float64"), 0)
        for i in (0, 1)
    )
    shared = width * height
    union = area(a) + area(b) - shared
    return np.divide(shared, union, out=np.zeros_like(union), where=union > 0)


def iou(a, b):
    """IoU of every box of `a` with every box of `b`: (R, 4), (S, 4) -> (R, S).

    >>> iou([[0, 0, 2, 2]], [[0, 0, 2, 2], [5, 5, 6, 6]]).tolist()
    [[1.0, 0.0]]
    """
    return paired_iou(np.asarray(a)[:, None], np.asarray(b)[None])


def _floats(boxes):
    return np.asarray(boxes).astype("float32").reshape(-1, 4)
