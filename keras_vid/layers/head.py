"""From the last feature map to the vectors that are classified."""

from keras import initializers, layers, ops, saving

from keras_vid.layers.frames import Unfold, sizes
from keras_vid.utils.errors import InputError


@saving.register_keras_serializable("keras_vid")
class WindowedMean(layers.Layer):
    """The mean over every pair of neighbouring feature frames and over all windows in space.

    I3D ends in a 2 x 7 x 7 average pool of stride 1, classifies each of its T-1 outputs, and averages the logits. That
    is not global average pooling: the first and the last feature frame count half. This layer gives the same on maps of
    any height and width: smaller maps shrink the window, larger ones average over all of its places, without computing
    the windows one by one.

    Args:
        window: Side of the window in space.

    Example:

    >>> import keras
    >>> tuple(WindowedMean()(keras.random.normal((2, 8, 7, 7, 64))).shape)
    (2, 7, 64)
    """

    def __init__(self, window=7, **kwargs):
        super().__init__(**kwargs)
        self.window = window

    def call(self, x):
        rows = self._weights(x, axis=2)  # H
        columns = self._weights(x, axis=3)  # W
        x = ops.sum(x * ops.reshape(rows, (1, 1, -1, 1, 1)), axis=2)  # B, T, W, C
        x = ops.sum(x * ops.reshape(columns, (1, 1, -1, 1)), axis=2)  # B, T, C
        return (x[:, :-1] + x[:, 1:]) / 2

    def _weights(self, x, axis):
        """In how many of the windows each place along an axis lies, as shares that add up to one."""
        size = sizes(x)[axis - 1]
        window = ops.minimum(self.window, size)
        places = size - window + 1
        index = ops.arange(size)
        inside = ops.minimum(ops.minimum(index + 1, size - index), ops.minimum(window, places))
        return ops.cast(inside, x.dtype) / ops.cast(window * places, x.dtype)

    def compute_output_shape(self, shape):
        batch, frames, _, _, channels = shape
        if frames is not None and frames < 2:
            raise InputError(f"the clip has too few frames: {frames} is left at {self.name!r}, which needs 2")
        return (batch, frames if frames is None else frames - 1, channels)

    def get_config(self):
        return {**super().get_config(), "window": self.window}


def consensus(x, frames, classes, dropout=0.5):
    """Every frame is classified, and the clip gets the mean of the logits: `(B*T, C)` to float32 `(B, K)`.

    The segment consensus of TSN (https://arxiv.org/abs/1608.00859). With 0 classes, the clip's mean features.

    >>> import keras
    >>> tuple(consensus(keras.random.normal((16, 2048)), frames=8, classes=10).shape)
    (2, 10)
    """
    x = Unfold(frames, name="unfold")(x)  # B, T, C
    if not classes:
        return layers.GlobalAveragePooling1D(name="features")(x)
    x = layers.Dropout(dropout, name="dropout")(x)
    small = initializers.RandomNormal(stddev=0.001)
    x = layers.Dense(classes, kernel_initializer=small, dtype="float32", name="classifier")(x)
    return layers.GlobalAveragePooling1D(dtype="float32", name="logits")(x)
