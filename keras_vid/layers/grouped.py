"""Grouped convolutions that can be trained on a CPU."""

import math

import keras
from keras import layers, ops

BLOCKS = 16  # fastest of 1 to 16 in benchmarks/grouped_forms.py; more do less in vain, in a larger graph


@keras.saving.register_keras_serializable("keras_vid")
class GroupedConv2D(layers.Conv2D):
    """`keras.layers.Conv2D` with `groups`, for TensorFlow too, which has no gradient of it on a CPU.

    Weights, configuration and numbers are Keras'. On TensorFlow the groups are computed in up to 16 blocks, each an
    ordinary convolution whose kernel is zero between groups; on a CPU that is also the faster way forward.

    Example:

    >>> tuple(GroupedConv2D(64, 3, groups=32, padding="same")(keras.random.normal((2, 14, 14, 64))).shape)
    (2, 14, 14, 64)
    """

    def convolution_op(self, inputs, kernel):
        if self.groups == 1 or keras.backend.backend() != "tensorflow":
            return super().convolution_op(inputs, kernel)
        blocks = math.gcd(self.groups, BLOCKS)
        axis = -1 if self.data_format == "channels_last" else 1
        kernels = ops.split(dense_kernel(kernel, blocks, self.groups // blocks), blocks, -1)
        convolve = super().convolution_op
        parts = [convolve(x, k) for x, k in zip(ops.split(inputs, blocks, axis), kernels)]
        return ops.concatenate(parts, axis)


def dense_kernel(kernel, blocks, groups):
    """A kernel `(h, w, C/G, C_out)` of blocks of groups, with zeros between the groups of a block, so that each block
    is a kernel of all its channels: `(h, w, C/blocks, C_out)`."""
    height, width, channels, filters = kernel.shape
    kernel = ops.reshape(kernel, (height, width, 1, channels, blocks, groups, -1))
    own = ops.reshape(ops.eye(groups, dtype=kernel.dtype), (1, 1, groups, 1, 1, groups, 1))
    return ops.reshape(kernel * own, (height, width, groups * channels, filters))
