"""Parameters and multiply-adds of a network, a layer at a time, in the conventions of the papers."""

import math

import keras
from keras import layers

from keras_vid.utils.errors import InputError

# What the papers call FLOPs. S3D, StNet and STH count multiply-adds of convolutions and dense layers; STM adds
# BatchNorm (one multiplication and one addition an element); others count a multiply-add as two operations.
CONVENTIONS = ("conv", "conv_bn", "flops")


def macs(model, frames=None, size=None, convention="conv"):
    """Multiply-adds of one clip through a network.

    Args:
        model: A keras_vid network or any functional Keras model.
        frames, size: Frames and side (or (height, width)) of the clip, where the network leaves them open; by default
            64 and 224.
        convention: `"conv"` (convolutions, dense layers), `"conv_bn"` (plus BatchNorm) or `"flops"` (twice `"conv"`).

    >>> import keras_vid
    >>> keras_vid.macs(keras_vid.create("s3d"), frames=64, size=224)
    71916314624
    """
    return sum(count for _, _, count in layer_macs(model, frames, size, convention))


def layer_macs(model, frames=None, size=None, convention="conv"):
    """`[(layer name, output shape, multiply-adds)]` in the order of the graph; the batch is one clip."""
    if convention not in CONVENTIONS:
        raise InputError(f"convention {convention!r} is none of {', '.join(CONVENTIONS)}")
    rows = []
    _walk(model, [_input(tensor, frames, size) for tensor in model.inputs], convention, rows)
    return rows


def parameters(model):
    """Trainable parameters: what the papers count (BatchNorm's running statistics are not learned).

    >>> import keras_vid
    >>> parameters(keras_vid.create("i3d"))
    12689984
    """
    return sum(math.prod(weight.shape) for weight in model.trainable_weights)


def _input(tensor, frames, size):
    shape = list(tensor.shape)
    height, width = size if isinstance(size, (tuple, list)) else (size, size)
    for axis, asked, usual in zip((1, 2, 3), (frames, height, width), (64, 224, 224)):
        if axis >= len(shape) - 1:
            continue
        if shape[axis] is None:
            shape[axis] = asked or usual
        elif asked and asked != shape[axis]:
            raise InputError(f"this network was built for clips of shape {tuple(tensor.shape[1:])}, not for {asked}")
    return keras.KerasTensor((1, *shape[1:]), dtype=tensor.dtype)


def _walk(model, inputs, convention, rows):
    """Send shapes through the graph and note what every layer costs."""

    def measured(layer):
        def call(*args, **kwargs):
            if isinstance(layer, keras.Model):  # a network within the network
                return _walk(layer, list(args), convention, rows)
            kwargs = {name: value for name, value in kwargs.items() if name not in ("training", "mask")}
            output = layer.compute_output_spec(*args, **kwargs)
            shape = tuple(getattr(output, "shape", ()))
            rows.append((layer.name, shape, _count(layer, args, shape, convention)))
            return output

        return call

    structure = inputs[0] if len(inputs) == 1 else inputs
    return model._run_through_graph(structure, operation_fn=measured)  # the one traversal that Keras offers


def _count(layer, args, shape, convention):
    if isinstance(layer, layers.BatchNormalization):
        return 2 * math.prod(shape) if convention == "conv_bn" else 0
    if hasattr(layer, "macs"):
        count = layer.macs(tuple(args[0].shape), shape)
    elif isinstance(layer, (layers.LSTM, layers.GRU, layers.SimpleRNN)):
        cell = layer.cell
        steps = math.prod(args[0].shape[:2])
        count = steps * (math.prod(cell.kernel.shape) + math.prod(cell.recurrent_kernel.shape))
    else:
        kernels = [getattr(layer, name, None) for name in ("kernel", "_kernel", "depthwise_kernel", "pointwise_kernel")]
        kernels = {id(kernel): kernel for kernel in kernels if kernel is not None}.values()
        count = sum(math.prod(shape[:-1]) * math.prod(kernel.shape) for kernel in kernels)
    return 2 * count if convention == "flops" else count
