"""Regions of a feature map as little maps of one size, at the same place on all time steps."""

import keras
import tensorflow as tf
from keras_vid.detection.modeling.box_ops import yxyx

from keras_vid.utils.errors import InputError


def crop_and_resize(maps, boxes, picture, size=7):
    """Region pooling as in the TF Object Detection API: a bilinear crop of twice the size, then a 2x2 max pool.

    Its corners sit on the corner cells of the map: what a box names at the picture's left edge is read half a cell
    further right, and outside the map there are zeros.

    Args:
        maps: (B, H, W, C).
        boxes: (B, R, 4) in pixels of a `picture` (height, width).

    Returns:
        (B * R, size, size, C).
    """
    crops = _sample(maps, yxyx(boxes, picture), 2 * size)
    return tf.nn.max_pool2d(crops, 2, 2, "VALID")


def roi_align(maps, boxes, picture, size=7):
    """Region pooling that reads exactly where the box is (Mask R-CNN): the mean of 2x2 bilinear samples a cell.

    Cell i of a map stands for the pixels around (i + 0.5) strides; beyond the edge the map goes on as it ends.
    Arguments and result as of `crop_and_resize`.
    """
    maps = tf.convert_to_tensor(maps)
    height, width = tf.unstack(tf.cast(tf.shape(maps)[1:3], tf.float32))
    points = 2 * size
    # The samples in cells of the map padded by one all round, where a cell's centre has a whole number.
    cells = yxyx(boxes, picture) * tf.stack([height, width, height, width]) + 0.5
    step = (cells[..., 2:] - cells[..., :2]) / points
    corners = tf.concat([cells[..., :2] + step / 2, cells[..., 2:] - step / 2], axis=-1)
    padded = tf.pad(maps, [[0, 0], [1, 1], [1, 1], [0, 0]], "SYMMETRIC")
    last = tf.stack([height + 1, width + 1, height + 1, width + 1])
    return tf.nn.avg_pool2d(_sample(padded, corners / last, points), 2, 2, "VALID")


def _sample(maps, fractions, points):
    """(B * R, points, points, C): the corner samples lie on the corners of each box."""
    count = tf.shape(fractions)[1]
    which = tf.repeat(tf.range(tf.shape(maps)[0]), count)
    return tf.image.crop_and_resize(maps, tf.reshape(fractions, (-1, 4)), which, (points, points))


METHODS = {"crop": crop_and_resize, "align": roi_align}


@keras.saving.register_keras_serializable("keras_vid")
class RegionPool(keras.layers.Layer):
    """Regions of a clip's feature map: (B, T, H, W, C) and (B, R, 4) -> (B * R, T, size, size, C).

    Every region is pooled at the same place on all time steps, which for that are folded into the channels.

    Args:
        picture: (height, width) in whose pixels the boxes are.
        size: Rows and columns of a pooled region.
        method: "crop" (the TF Object Detection API's) or "align" (RoIAlign).

    >>> RegionPool((64, 64))(tf.zeros((2, 3, 4, 4, 8)), tf.zeros((2, 5, 4))).shape
    TensorShape([10, 3, 7, 7, 8])
    """

    def __init__(self, picture, size=7, method="crop", **kwargs):
        super().__init__(**kwargs)
        if method not in METHODS:
            raise InputError(f"region pooling {method!r}: the methods are {', '.join(METHODS)}")
        self.picture, self.size, self.method = tuple(picture), size, method
        self.supports_jit = False  # XLA has no crop_and_resize
        self.autocast = False  # boxes in 16 bits would be off by a pixel

    def call(self, maps, boxes):
        frames, height, width, channels = maps.shape[1:]
        frames = frames or tf.shape(maps)[1]
        folded = tf.reshape(tf.transpose(maps, (0, 2, 3, 1, 4)), (-1, height, width, frames * channels))
        pooled = METHODS[self.method](tf.cast(folded, tf.float32), boxes, self.picture, self.size)
        pooled = tf.reshape(pooled, (-1, self.size, self.size, frames, channels))
        return tf.cast(tf.transpose(pooled, (0, 3, 1, 2, 4)), self.compute_dtype)

    def compute_output_shape(self, maps, boxes):
        return (None, maps[1], self.size, self.size, maps[4])

    def get_config(self):
        config = {"picture": self.picture, "size": self.size, "method": self.method}
        return {**super().get_config(), **config}
