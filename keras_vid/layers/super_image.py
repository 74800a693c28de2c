"""Super-images: a few neighbouring frames stacked in the channels of one image (StNet).

Legend: `B` clips, `T` super-images of a clip, `N` frames of a super-image, `H W` height and width, `C` channels.
"""

import keras
from keras import layers, ops

from keras_vid.layers.frames import sizes
from keras_vid.utils.errors import InputError


@keras.saving.register_keras_serializable("keras_vid")
class SuperImage(layers.Layer):
    """Every N frames become one image of N * C channels: `(B, T*N, H, W, C)` to `(B*T, H, W, N*C)`.

    The first C channels are the first frame, so a 2D convolution on the result sees colour and short motion at once
    (https://arxiv.org/abs/1811.01549). With N = 1 it only folds.

    Args:
        length: N, the frames of one super-image.

    Example:

    >>> clip = keras.random.normal((2, 35, 56, 56, 3))  # two clips of seven super-images
    >>> tuple(SuperImage(length=5)(clip).shape)
    (14, 56, 56, 15)
    """

    def __init__(self, length, **kwargs):
        super().__init__(**kwargs)
        self.length = length

    def call(self, x):
        _, height, width, channels = sizes(x)
        x = ops.reshape(x, (-1, self.length, height, width, channels))
        x = ops.transpose(x, (0, 2, 3, 1, 4))
        return ops.reshape(x, (-1, height, width, self.length * channels))

    def compute_output_shape(self, shape):
        batch, frames, height, width, channels = shape
        if frames is not None and frames % self.length:
            raise InputError(f"{frames} frames do not divide into super-images of {self.length}")
        images = None if None in (batch, frames) else batch * frames // self.length
        return (images, height, width, self.length * channels)

    def get_config(self):
        return {**super().get_config(), "length": self.length}


def widen_stem(kernel, length, colours=True):
    """The first convolution of an image network, `(h, w, C, C_out)`, as one for super-images, `(h, w, N*C, C_out)`.

    A still super-image gives the output of its frame. With `colours`, every frame gets the image network's kernel / N,
    as I3D inflates and StNet's paper says; without, every channel gets the kernel's mean over colours / N, as the
    authors' code does, which makes the stem see grey.

    >>> tuple(widen_stem(ops.ones((7, 7, 3, 64)), length=5).shape)
    (7, 7, 15, 64)
    """
    kernel = ops.convert_to_numpy(kernel) / length
    if not colours:
        kernel = kernel.mean(2, keepdims=True).repeat(kernel.shape[2], 2)
    return ops.tile(kernel, (1, 1, length, 1))
