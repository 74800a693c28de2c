"""Boxes in TensorFlow: IoU, clipping, and their code relative to an anchor. All (..., 4), x1 y1 x2 y2."""

import math

import tensorflow as tf

SCALE = (10.0, 10.0, 5.0, 5.0)  # of the deltas dx dy dw dh, so that all of them are learnt alike
LARGEST = math.log(1000 / 16)  # of dw and dh: no box grows by more than 62 times, and none to infinity


def encode(boxes, anchors, scale=SCALE):
    """What leads from anchors to boxes: shift of the centre in anchor sides, logarithm of the growth; times `scale`.

    >>> encode([[5.0, 0.0, 15.0, 20.0]], [[0.0, 0.0, 10.0, 10.0]]).numpy().astype(float).round(4).tolist()
    [[5.0, 5.0, 0.0, 3.4657]]
    """
    (centre, sides), (middle, extent) = _centre(boxes), _centre(anchors)
    deltas = tf.concat([(centre - middle) / extent, tf.math.log(sides / extent)], axis=-1)
    return deltas * scale


def decode(deltas, anchors, scale=SCALE):
    """The boxes that deltas lead to; undoes `encode`.

    >>> decode([[5.0, 5.0, 0.0, 3.4657359]], [[0.0, 0.0, 10.0, 10.0]]).numpy().round(4).tolist()
    [[5.0, 0.0, 15.0, 20.0]]
    """
    middle, extent = _centre(anchors)
    deltas = deltas / tf.constant(scale)
    centre = middle + deltas[..., :2] * extent
    half = extent * tf.exp(tf.minimum(deltas[..., 2:], LARGEST)) / 2
    return tf.concat([centre - half, centre + half], axis=-1)


def clip(boxes, size):
    """Boxes cut off at the edges of a picture of `size` (height, width).

    >>> clip([[-3.0, 2.0, 9.0, 9.0]], (4, 8)).numpy().tolist()
    [[0.0, 2.0, 8.0, 4.0]]
    """
    height, width = size
    return tf.clip_by_value(boxes, 0.0, tf.cast([width, height, width, height], tf.float32))


def iou(a, b):
    """IoU of every box of `a` with every box of `b`: (..., R, 4), (..., S, 4) -> (..., R, S); 0 for empty boxes.

    >>> iou([[0.0, 0, 2, 2], [1, 1, 1, 1]], [[1.0, 0, 3, 2]]).numpy().astype(float).round(4).tolist()
    [[0.3333], [0.0]]
    """
    a, b = tf.expand_dims(a, -2), tf.expand_dims(b, -3)
    overlap = tf.minimum(a[..., 2:], b[..., 2:]) - tf.maximum(a[..., :2], b[..., :2])
    shared = tf.reduce_prod(tf.maximum(overlap, 0.0), axis=-1)
    return tf.math.divide_no_nan(shared, area(a) + area(b) - shared)


def area(boxes):
    """Areas; a box with its ends swapped has none."""
    return tf.reduce_prod(tf.maximum(boxes[..., 2:] - boxes[..., :2], 0.0), axis=-1)


def yxyx(boxes, size=(1, 1)):
    """Boxes as tf.image wants them: y1 x1 y2 x2, in fractions of a `size` (height, width)."""
    x1, y1, x2, y2 = tf.unstack(boxes, axis=-1)
    return tf.stack([y1 / size[0], x1 / size[1], y2 / size[0], x2 / size[1]], axis=-1)


def _centre(boxes):
    """Centres and sides; a side counts at least a thousandth of a pixel, so that its logarithm is a number."""
    boxes = tf.convert_to_tensor(boxes, tf.float32)
    return (boxes[..., :2] + boxes[..., 2:]) / 2, tf.maximum(boxes[..., 2:] - boxes[..., :2], 1e-3)
