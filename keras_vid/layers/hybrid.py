"""The spatio-temporal hybrid convolution of STH (https://arxiv.org/abs/2003.08042).

One layer in which some of the kernels look across the image and the others along time. Legend: `B` clips, `T` frames
of a clip, `H W` height and width, `C` channels; every map is folded, `(B*T, H, W, C)`.
"""

import keras
import numpy as np
from keras import initializers, layers, ops

from keras_vid.layers.frames import over_time, sizes
from keras_vid.utils.errors import InputError


@keras.saving.register_keras_serializable("keras_vid")
class HybridConv(layers.Layer):
    """A convolution that sees a share of its input channels along time and the others across the image.

    The outputs stand in G = 1 / `proportion` groups, and each group takes another slice of the input channels along
    time, so that all channels are seen both ways (STH_hybrid). With `merge` all outputs take the same, first, slice
    along time (STH_merge). Only the kernels that exist are stored: `(1 - p) C_in x 9` across and `p C_in x 3` along
    time for each output, without a zero.

    A group is computed by itself, from a copy of the channels that it sees: that is exact, does no multiplication
    by zero, and was the fastest of the forms compared in `benchmarks/hybrid_forms.py`.

    Args:
        filters: Channels that come out.
        frames: T, the frames of one clip.
        proportion: p, the share of input channels seen along time: 1 / a whole number that divides the channels.
        merge: All outputs see the same channels along time.
        strides, padding: As in `keras.layers.Conv2D`; where the image is strided, time is seen at the kernel's middle.
        dilation_rate: Of the kernels, along time and across the image; across only where there is no stride.
        use_bias: Whether a bias is added.
        separate: Return `[temporal, spatial]` instead of their sum.

    Example:

    >>> x = keras.random.normal((2 * 8, 14, 14, 64))  # two clips of eight frames
    >>> tuple(HybridConv(64, frames=8)(x).shape)
    (16, 14, 14, 64)
    """

    def __init__(
        self,
        filters,
        frames,
        proportion=1 / 4,
        merge=False,
        strides=1,
        padding="same",
        dilation_rate=1,
        use_bias=False,
        separate=False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.filters = filters
        self.frames = frames
        self.proportion = proportion
        self.merge = merge
        self.strides = strides
        self.padding = padding
        self.dilation_rate = dilation_rate
        self.use_bias = use_bias
        self.separate = separate

    def build(self, shape):
        channels = shape[-1]
        self.slice = _slice(channels, self.filters, self.proportion, self.name)
        glorot = initializers.GlorotUniform
        shape = (3, 3, channels - self.slice, self.filters)
        self.spatial_kernel = self.add_weight(name="spatial_kernel", shape=shape, initializer=glorot())
        shape = (3, 1, self.slice, self.filters)
        self.temporal_kernel = self.add_weight(name="temporal_kernel", shape=shape, initializer=glorot())
        self.bias = self.add_weight(name="bias", shape=(self.filters,)) if self.use_bias else None

    def groups(self):
        """`[(first input channel seen along time, first output, one past the last output)]`."""
        if self.merge:
            return [(0, 0, self.filters)]
        count = round(1 / self.proportion)
        width = self.filters // count
        return [(group * self.slice, group * width, (group + 1) * width) for group in range(count)]

    def call(self, x):
        dilation = self._spatial_dilation()
        borders = [self.slice] if self.merge else x.shape[-1] // self.slice
        parts = ops.split(x, borders, axis=-1)  # cheaper to go back through than slices
        temporal, spatial = [], []
        for group, (_, first, last) in enumerate(self.groups()):
            centre = _centres(parts[group], dilation, self.strides, self.padding)
            kernel = self.temporal_kernel[..., first:last]
            temporal.append(_along_time(centre, kernel, self.dilation_rate, self.frames))
            others = parts[:group] + parts[group + 1 :]
            others = others[0] if len(others) == 1 else ops.concatenate(others, -1)
            kernel = self.spatial_kernel[..., first:last]
            spatial.append(ops.conv(others, kernel, self.strides, self.padding, dilation_rate=dilation))
        if not self.separate:
            sums = [t + s for t, s in zip(temporal, spatial)]
            x = ops.concatenate(sums, -1) if len(sums) > 1 else sums[0]
            return x if self.bias is None else x + ops.cast(self.bias, x.dtype)
        temporal, spatial = (ops.concatenate(parts, -1) for parts in (temporal, spatial))
        return [temporal, spatial if self.bias is None else spatial + ops.cast(self.bias, x.dtype)]

    def _spatial_dilation(self):
        return self.dilation_rate if self.strides == 1 else 1

    def adopt(self, kernel, bias=None):
        """Take the spatial kernels, `(3, 3, C_in, C_out)`, and the bias of an image network's convolution."""
        kernel = ops.convert_to_numpy(kernel)
        parts = [
            np.delete(kernel[..., first:last], slice(start, start + self.slice), axis=2)
            for start, first, last in self.groups()
        ]
        self.spatial_kernel.assign(np.concatenate(parts, -1))
        if self.bias is not None and bias is not None:
            self.bias.assign(bias)

    def macs(self, input_shape, output_shape):
        """Multiply-adds of one call."""
        shape = self.compute_output_shape(input_shape)
        batch, height, width, filters = shape[0] if self.separate else shape
        return batch * height * width * filters * (9 * (input_shape[-1] - self.slice) + 3 * self.slice)

    def compute_output_shape(self, shape):
        size = _output_size(shape, self._spatial_dilation(), self.strides, self.padding)
        shape = (shape[0], *size, self.filters)
        return [shape, shape] if self.separate else shape

    def get_config(self):
        names = "filters frames proportion merge strides padding dilation_rate use_bias separate"
        return {**super().get_config(), **{name: getattr(self, name) for name in names.split()}}


@keras.saving.register_keras_serializable("keras_vid")
class DepthwiseHybridConv(layers.Layer):
    """The hybrid convolution where every channel has one kernel: a share of them look along time, the rest across.

    What STH becomes in a network of depthwise convolutions such as MobileNet: the first `proportion` of the channels
    keep their place in the image and mix three frames, the others are convolved with 3x3 kernels as before.

    Args:
        frames: T, the frames of one clip.
        proportion: p, the share of channels seen along time.
        strides, padding: As in `keras.layers.DepthwiseConv2D`.
        dilation_rate: As in `HybridConv`.
        use_bias: Whether a bias is added.

    Example:

    >>> x = keras.random.normal((2 * 8, 14, 14, 64))  # two clips of eight frames
    >>> tuple(DepthwiseHybridConv(frames=8)(x).shape)
    (16, 14, 14, 64)
    """

    def __init__(self, frames, proportion=1 / 4, strides=1, padding="same", dilation_rate=1, use_bias=False, **kwargs):
        super().__init__(**kwargs)
        self.frames = frames
        self.proportion = proportion
        self.strides = strides
        self.padding = padding
        self.dilation_rate = dilation_rate
        self.use_bias = use_bias

    def build(self, shape):
        channels = shape[-1]
        self.slice = _slice(channels, channels, self.proportion, self.name)
        glorot = initializers.GlorotUniform
        shape = (3, 3, channels - self.slice, 1)
        self.spatial_kernel = self.add_weight(name="spatial_kernel", shape=shape, initializer=glorot())
        shape = (3, 1, self.slice, 1)
        self.temporal_kernel = self.add_weight(name="temporal_kernel", shape=shape, initializer=glorot())
        self.bias = self.add_weight(name="bias", shape=(channels,)) if self.use_bias else None

    def call(self, x):
        dilation = self.dilation_rate if self.strides == 1 else 1
        moving, still = ops.split(x, [self.slice], axis=-1)
        centre = _centres(moving, dilation, self.strides, self.padding)
        temporal = over_time(
            lambda line: ops.depthwise_conv(
                line, self.temporal_kernel, 1, "same", dilation_rate=(self.dilation_rate, 1)
            ),
            centre,
            self.frames,
        )
        spatial = ops.depthwise_conv(still, self.spatial_kernel, self.strides, self.padding, dilation_rate=dilation)
        x = ops.concatenate([temporal, spatial], -1)
        return x if self.bias is None else x + ops.cast(self.bias, x.dtype)

    def adopt(self, kernel):
        """Take the 3x3 kernels, `(3, 3, C, 1)`, of an image network's depthwise convolution."""
        self.spatial_kernel.assign(kernel[:, :, self.slice :])

    def macs(self, input_shape, output_shape):
        """Multiply-adds of one call."""
        batch, height, width, channels = output_shape
        return batch * height * width * (9 * (channels - self.slice) + 3 * self.slice)

    def compute_output_shape(self, shape):
        dilation = self.dilation_rate if self.strides == 1 else 1
        return (shape[0], *_output_size(shape, dilation, self.strides, self.padding), shape[-1])

    def get_config(self):
        names = "frames proportion strides padding dilation_rate use_bias"
        return {**super().get_config(), **{name: getattr(self, name) for name in names.split()}}


def _slice(channels, filters, proportion, name):
    """Input channels seen along time."""
    groups = round(1 / proportion)
    if abs(groups * proportion - 1) > 1e-6 or channels % groups or filters % groups or groups < 2:
        raise InputError(
            f"{name}: proportion {proportion} of {channels} channels into {filters} is not possible: give 1 over a "
            "whole number that divides both"
        )
    return channels // groups


def _along_time(x, kernel, dilation, frames):
    return over_time(lambda line: ops.conv(line, kernel, 1, "same", dilation_rate=(dilation, 1)), x, frames)


def _centres(x, dilation, stride, padding):
    """The pixels on which the middles of 3x3 kernels come to lie."""
    if padding == "same" and stride == 1:
        return x
    starts, stops = [], []
    for size in sizes(x)[:2]:
        if padding == "valid":
            starts.append(dilation)
            stops.append(size - dilation)
        else:  # all that is missing is added, less of it in front
            missing = (-(-size // stride) - 1) * stride + 2 * dilation + 1 - size
            starts.append(dilation - missing // 2)
            stops.append(size)
    return x[:, starts[0] : stops[0] : stride, starts[1] : stops[1] : stride]


def _output_size(shape, dilation, stride, padding):
    lost = 2 * dilation if padding == "valid" else 0
    return tuple(None if size is None else -(-(size - lost) // stride) for size in shape[1:3])
