"""Shifts and pools along time, without weights, on folded maps."""

import keras
from keras import layers, ops

from keras_vid.layers.frames import over_time


@keras.saving.register_keras_serializable("keras_vid")
class TemporalShift(layers.Layer):
    """Some channels come from the next frame and as many from the one before, at no multiply-adds.

    The shift of TSM (https://arxiv.org/abs/1811.08383). What would come from outside of the clip is zero.

    Args:
        frames: T, the frames of one clip.
        share: One part in `share` of the channels moves each way.

    Example:

    >>> x = keras.random.normal((2 * 8, 14, 14, 64))  # two clips of eight frames
    >>> tuple(TemporalShift(frames=8)(x).shape)
    (16, 14, 14, 64)
    """

    def __init__(self, frames, share=8, **kwargs):
        super().__init__(**kwargs)
        self.frames = frames
        self.share = share

    def call(self, x):
        return over_time(self._shift, x, self.frames)

    def _shift(self, x):  # B, T, H*W, C
        fold = x.shape[-1] // self.share
        edge = ops.zeros_like(x[:, :1, :, :fold])
        from_next = ops.concatenate([x[:, 1:, :, :fold], edge], axis=1)
        from_last = ops.concatenate([edge, x[:, :-1, :, fold : 2 * fold]], axis=1)
        return ops.concatenate([from_next, from_last, x[..., 2 * fold :]], axis=-1)

    def compute_output_shape(self, shape):
        return shape

    def get_config(self):
        return {**super().get_config(), "frames": self.frames, "share": self.share}


@keras.saving.register_keras_serializable("keras_vid")
class TemporalPool(layers.Layer):
    """The maximum over three neighbouring frames, at every second one: half as many frames come out.

    Args:
        frames: T, the frames of one clip.

    Example:

    >>> x = keras.random.normal((2 * 8, 14, 14, 64))  # two clips of eight frames
    >>> tuple(TemporalPool(frames=8)(x).shape)
    (8, 14, 14, 64)
    """

    def __init__(self, frames, **kwargs):
        super().__init__(**kwargs)
        self.frames = frames

    def call(self, x):
        return over_time(self._pool, x, self.frames)

    def _pool(self, x):  # B, T, H*W, C
        return ops.max_pool(x, (3, 1), (2, 1), "same", data_format="channels_last")

    def compute_output_shape(self, shape):
        batch = None if shape[0] is None else shape[0] // self.frames * -(-self.frames // 2)
        return (batch, *shape[1:])

    def get_config(self):
        return {**super().get_config(), "frames": self.frames}
