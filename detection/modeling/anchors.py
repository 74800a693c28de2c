"""The boxes that region proposals start from: every size and shape, centred on every cell of a feature map."""

import numpy as np

SCALES = (0.25, 0.5, 1.0, 2.0)
RATIOS = (0.5, 1.0, 2.0)


def anchors(grid, stride, base=256, scales=SCALES, ratios=RATIOS):
    """Anchors of a map of `grid` (rows, columns), as boxes (rows * columns * A, 4) in pixels of the picture.

    As in the TF Object Detection API: the centres are at (stride * column, stride * row), not in the middle of cells;
    an anchor of scale s has the area (s * base)^2, and its ratio is width over height.

    Args:
        stride: Pixels of the picture between cells, a number or (vertical, horizontal).

    >>> anchors((1, 2), 16, base=32, scales=(1,), ratios=(1, 4)).tolist()
    [[-16.0, -16.0, 16.0, 16.0], [-32.0, -8.0, 32.0, 8.0], [0.0, -16.0, 32.0, 16.0], [-16.0, -8.0, 48.0, 8.0]]
    """
    down, right = np.broadcast_to(np.asarray(stride, "float64"), 2)
    rows, columns = np.arange(grid[0]) * down, np.arange(grid[1]) * right
    sides = [(s * base * r**0.5, s * base / r**0.5) for s in scales for r in ratios]  # width, height
    half = np.array(sides)[None, None] / 2
    centre = np.stack(np.meshgrid(columns, rows), axis=-1)[:, :, None]
    return np.concatenate([centre - half, centre + half], axis=-1).reshape(-1, 4).astype("float32")


def inside(boxes, size):
    """Which boxes lie wholly in a picture of `size` (height, width).

    >>> inside(np.array([[0, 0, 8, 4], [0, 0, 8, 5]]), (4, 8)).tolist()
    [True, False]
    """
    height, width = size
    return (boxes >= 0).all(axis=-1) & (boxes[:, 2] <= width) & (boxes[:, 3] <= height)
