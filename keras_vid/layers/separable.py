"""Convolutions over space, over time, over both at once, or over one after the other.

These are functions that put stock Keras layers into the graph, not layers that hold others: a flat graph needs no
bookkeeping for endpoints, weight conversion, counting, or folding BatchNorm before export.
"""

import keras
from keras import layers, ops

from keras_vid.layers.gating import FeatureGating
from keras_vid.utils.errors import InputError


@keras.saving.register_keras_serializable("keras_vid")
class TemporalIdentity(keras.initializers.Initializer):
    """A temporal kernel that passes its middle frame on unchanged, so that a network starts as its 2D twin.

    Of shape `(k, 1, .., C, C)`, or channel-wise `(k, 1, .., C, 1)`.

    >>> kernel = TemporalIdentity()((3, 1, 1, 4, 4))
    >>> float(kernel[1, 0, 0, 2, 2]), float(kernel[0, 0, 0, 2, 2])
    (1.0, 0.0)
    """

    def __call__(self, shape, dtype=None):
        frames, *space, channels_in, channels_out = shape
        if frames % 2 == 0 or set(space) != {1} or channels_out not in (1, channels_in):
            raise InputError(f"an identity needs a kernel of shape (odd, 1, .., C, C or 1), not {tuple(shape)}")
        eye = ops.ones(channels_in, dtype=dtype) if channels_out == 1 else ops.eye(channels_in, dtype=dtype)
        eye = ops.reshape(eye, (1, *space, channels_in, channels_out))
        return ops.pad(eye, [(frames // 2, frames // 2), *[(0, 0)] * (len(shape) - 1)])


def conv3d(x, filters, kernel, strides, style, name, **options):
    """One Conv3D, padded as TensorFlow pads ("same") or evenly on both sides as PyTorch does ("symmetric")."""
    padding = "same"
    if style.padding != "same" and max(strides) > 1:  # without a stride the two are the same
        x = layers.ZeroPadding3D(tuple(k // 2 for k in kernel), name=f"{name}_pad")(x)
        padding = "valid"
    options = {"use_bias": False, "kernel_initializer": "he_normal", **options}
    return layers.Conv3D(filters, kernel, strides, padding=padding, name=name, **options)(x)


def batch_norm(x, style, name):
    """BatchNorm as all Inception video networks have it; some learn an offset alone, without a scale."""
    return layers.BatchNormalization(epsilon=1e-3, scale=style.bn_scale, name=name)(x)


def conv_unit(x, filters, kernel, strides, kind, style, name, gate=False):
    """Convolution, BatchNorm and ReLU over space, space and time, or space then time; the last layer is called `name`.

    Args:
        kernel: (frames, side) of the kernel.
        strides: (frames, side) of the stride.
        kind: `"2d"`, `"3d"` or `"separable"`.
        style: A `keras_vid.models.inception_styles.Style`.
        gate: End in a feature gate, whatever the style says of temporal convolutions.
    """
    (depth, side), (time_stride, stride) = kernel, strides
    if kind == "separable":
        x = _conv_bn_relu(x, filters, (1, side, side), (1, stride, stride), style, f"{name}_spatial", f"{name}_spatial")
        return temporal_unit(x, filters, depth, time_stride, style, name, gate)
    depth = depth if kind == "3d" else 1
    last = f"{name}_relu" if gate else name
    x = _conv_bn_relu(x, filters, (depth, side, side), (time_stride, stride, stride), style, name, last)
    return FeatureGating(style.gate_bias, style.gate_over, name=name)(x) if gate else x


def temporal_unit(x, filters, depth, stride, style, name, gate=False):
    """The temporal half of a separable convolution: [k, 1, 1], with or without BatchNorm, ReLU, and its gate."""
    gate = gate or style.gating == "temporal"
    x = conv3d(
        x,
        filters,
        (depth, 1, 1),
        (stride, 1, 1),
        style,
        f"{name}_temporal_conv",
        use_bias=style.temporal_bias,
        kernel_initializer=TemporalIdentity(),
    )
    if style.temporal_bn:
        x = batch_norm(x, style, f"{name}_temporal_bn")
    x = layers.ReLU(name=f"{name}_relu" if gate else name)(x)
    return FeatureGating(style.gate_bias, style.gate_over, name=name)(x) if gate else x


def _conv_bn_relu(x, filters, kernel, strides, style, name, last):
    x = conv3d(x, filters, kernel, strides, style, f"{name}_conv")
    x = batch_norm(x, style, f"{name}_bn")
    return layers.ReLU(name=last)(x)
