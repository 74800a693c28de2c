"""The same network in the operations that TensorFlow runs fastest on a CPU; exact, only for inference.

- A convolution, its bias and its ReLU stand together, where TensorFlow makes one kernel of them.
- Convolutions and pools that look across the image alone see frames as a batch of images.
- A max pool over space and time is one over space and one over time.
- Zeros around an image are left to the convolution that wants them.
- The kernels of a grouped convolution lie ready in the blocks in which it is computed.
"""

import math
from collections import Counter

import keras
import tensorflow as tf
from keras import activations, layers
from keras_vid.saved_models.fold import sources

from keras_vid.layers.grouped import BLOCKS, GroupedConv2D, dense_kernel
from keras_vid.utils.late import never_drawn


def faster(net):
    """A copy of a folded network with each layer in its fastest form.

    >>> import keras_vid
    >>> net = faster(keras_vid.create("i2d", classes=3))
    >>> type(net.get_layer("Conv2d_2c_3x3_conv")).__name__, type(net.get_layer("MaxPool_2a_3x3")).__name__
    ('FusedConv3D', 'SeparatePool')
    """
    joined, pads = _joined_activations(net), _joined_pads(net)
    gone = {*joined.values(), *pads.values()}

    def copy(layer):
        form = FORMS.get(type(layer), type(layer))
        config = layer.get_config()
        if layer.name in joined:
            config["activation"] = "relu6" if net.get_layer(joined[layer.name]).max_value else "relu"
        if form is BlockedConv2D:
            config["groups"] = math.gcd(layer.groups, BLOCKS)
        new = form.from_config(config)
        if layer.name in pads:
            new.zeros = net.get_layer(pads[layer.name]).padding
        return new

    def call(layer, *args, **kwargs):
        return args[0] if layer.name in gone else layer(*args, **kwargs)

    with never_drawn():
        fast = keras.models.clone_model(net, clone_function=copy, call_function=call)
    for layer in fast.layers:
        if layer.weights:
            layer.set_weights(_weights(net.get_layer(layer.name), layer))
    return fast


def _weights(layer, form):
    weights = layer.get_weights()
    if isinstance(form, BlockedConv2D):
        kernel = dense_kernel(keras.ops.convert_to_tensor(layer.kernel), form.groups, layer.groups // form.groups)
        weights[0] = keras.ops.convert_to_numpy(kernel)
    return weights


def _joined_activations(net):
    """`{convolution: the ReLU that alone reads it}`"""
    uses = _uses(net)
    pairs = {}
    for layer in net.layers:
        if type(layer) is layers.ReLU and layer.max_value in (None, 6) and not layer.negative_slope + layer.threshold:
            (name,) = sources(layer)
            before = net.get_layer(name)
            if type(before) in FORMS and uses[name] == 1 and hasattr(before, "activation"):
                if before.activation is activations.linear:
                    pairs[name] = layer.name
    return pairs


def _joined_pads(net):
    """`{convolution without padding: the zeros that it alone reads}`"""
    uses = _uses(net)
    pairs = {}
    for layer in net.layers:
        if type(layer) is layers.Conv2D and layer.padding == "valid":
            (name,) = sources(layer)
            if type(net.get_layer(name)) is layers.ZeroPadding2D and uses[name] == 1:
                pairs[layer.name] = name
    return pairs


def _uses(net):
    uses = Counter(name for layer in net.layers for name in sources(layer))
    uses.update(tensor._keras_history.operation.name for tensor in net.outputs)
    return uses


def _finish(layer, x):
    """The bias, and the activation: behind a convolution TensorFlow makes one kernel of the three."""
    if layer.use_bias:
        x = tf.nn.bias_add(x, layer.bias)
    return layer.activation(x)


def _sizes(*counts):
    """A shape of sizes of which some are tensors; one of them is left to `tf.reshape`."""
    unknown = [not isinstance(count, int) for count in counts]
    if sum(unknown) > 1:
        return tf.stack(counts)
    return [-1 if missing else count for missing, count in zip(unknown, counts)]


def _shape(x):
    """The sizes of a tensor: numbers where they are known."""
    known, actual = x.shape.as_list(), tf.shape(x)
    return [actual[i] if size is None else size for i, size in enumerate(known)]


class FusedConv2D(layers.Conv2D):
    """A Conv2D whose bias and activation follow it at once, and that brings the zeros around its image along."""

    zeros = None  # ((top, bottom), (left, right))

    def call(self, x):
        padding = self.padding.upper() if self.zeros is None else [(0, 0), *self.zeros, (0, 0)]
        return _finish(self, tf.nn.conv2d(x, self.kernel, self.strides, padding, dilations=self.dilation_rate))

    def compute_output_shape(self, shape):
        if self.zeros is not None:
            sides = [size if size is None else size + sum(zeros) for size, zeros in zip(shape[1:3], self.zeros)]
            shape = (shape[0], *sides, shape[3])
        return super().compute_output_shape(shape)


class BlockedConv2D(layers.Conv2D):
    """A grouped convolution as one ordinary convolution a block of groups."""

    def call(self, x):
        parts = zip(tf.split(x, self.groups, -1), tf.split(self.kernel, self.groups, -1))
        padding, dilation = self.padding.upper(), self.dilation_rate
        parts = [tf.nn.conv2d(part, kernel, self.strides, padding, dilations=dilation) for part, kernel in parts]
        return _finish(self, tf.concat(parts, -1))


class FusedDepthwiseConv2D(layers.DepthwiseConv2D):
    """A DepthwiseConv2D whose bias and activation follow it at once."""

    def call(self, x):
        strides, dilation = (1, *self.strides, 1), self.dilation_rate
        return _finish(self, tf.nn.depthwise_conv2d(x, self.kernel, strides, self.padding.upper(), dilations=dilation))


class FusedConv3D(layers.Conv3D):
    """A Conv3D that is computed as Conv2D on all frames where it looks at one frame at a time."""

    def call(self, x):
        padding = self.padding.upper()
        if self.kernel_size[0] > 1 or self.strides[0] > 1:
            strides, dilation = (1, *self.strides, 1), (1, *self.dilation_rate, 1)
            return _finish(self, tf.nn.conv3d(x, self.kernel, strides, padding, dilations=dilation))
        batch, frames, height, width, channels = _shape(x)
        x = tf.reshape(x, _sizes(-1, height, width, channels))
        kernel = tf.reshape(self.kernel, self.kernel.shape[1:])
        x = _finish(self, tf.nn.conv2d(x, kernel, self.strides[1:], padding, dilations=self.dilation_rate[1:]))
        _, height, width, channels = _shape(x)
        return tf.reshape(x, _sizes(batch, frames, height, width, channels))


class SeparatePool(layers.MaxPooling3D):
    """A max pool over space, and then, where it has one, over time."""

    def call(self, x):
        (depth, *window), (step, *stride), padding = self.pool_size, self.strides, self.padding.upper()
        batch, frames, height, width, channels = _shape(x)
        x = tf.nn.max_pool2d(tf.reshape(x, _sizes(-1, height, width, channels)), window, stride, padding)
        _, height, width, _ = _shape(x)
        if depth > 1 or step > 1:
            x = tf.reshape(x, _sizes(batch, frames, height * width, channels))
            x = tf.nn.max_pool2d(x, (depth, 1), (step, 1), padding)
            frames = _shape(x)[1]
        return tf.reshape(x, _sizes(batch, frames, height, width, channels))


FORMS = {
    layers.Conv2D: FusedConv2D,
    GroupedConv2D: BlockedConv2D,
    layers.DepthwiseConv2D: FusedDepthwiseConv2D,
    layers.Conv3D: FusedConv3D,
    layers.MaxPooling3D: SeparatePool,
}
