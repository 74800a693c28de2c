"""An image network made 3D: every layer over (H, W) becomes the same layer over (T, H, W)."""

import keras
import numpy as np
from keras import layers

from keras_vid.utils.errors import InputError

# Layers over (H, W) and what they become; every other layer works on any number of axes, or cannot be inflated.
POOLS = {
    layers.MaxPooling2D: layers.MaxPooling3D,
    layers.AveragePooling2D: layers.AveragePooling3D,
}
GLOBAL_POOLS = {
    layers.GlobalAveragePooling2D: layers.GlobalAveragePooling3D,
    layers.GlobalMaxPooling2D: layers.GlobalMaxPooling3D,
}
ANY_SHAPE = (
    layers.Activation,
    layers.Add,
    layers.Average,
    layers.BatchNormalization,
    layers.Concatenate,
    layers.Dense,
    layers.Dropout,
    layers.Identity,
    layers.LeakyReLU,
    layers.Maximum,
    layers.Multiply,
    layers.Normalization,
    layers.ReLU,
    layers.Rescaling,
    layers.Subtract,
)


def inflate(net, frames, kernel=3, start="repeat"):
    """A 3D network of clips made of a network of images, as I3D was made of Inception.

    Convolutions over more than one pixel see `kernel` frames, pools see one, and time keeps its length until the global
    pool. Depthwise convolutions stay depthwise (as grouped 3D ones).

    Args:
        net: A flat functional Keras model with one input.
        frames: T, the frames of one clip, or None for any number.
        kernel: Frames that a convolution sees, an odd number.
        start: `"repeat"`: the image kernel at every time, divided by their number (I3D); or `"centre"`: the image
            kernel in the middle and zeros around it, with which a still clip gets exactly the output of its frame.

    >>> from keras import applications
    >>> net = applications.VGG16(weights=None, include_top=False, input_shape=(32, 32, 3), pooling="avg")
    >>> inflate(net, frames=8).input_shape
    (None, 8, 32, 32, 3)
    """
    if kernel % 2 == 0:
        raise InputError(f"a kernel of {kernel} frames has no middle: give an odd number")
    if start not in ("repeat", "centre"):
        raise InputError(f"start {start!r} is none of 'repeat', 'centre'")
    if not isinstance(net, keras.Model) or isinstance(net, keras.Sequential) or len(net.inputs) != 1:
        raise InputError(f"{getattr(net, 'name', net)!r} is not a functional Keras model of one image")
    clip = keras.Input((frames, *net.input_shape[1:]), name="clip")
    video = keras.models.clone_model(
        net, input_tensors=clip, clone_function=lambda layer: _deeper(layer, kernel), call_function=_call
    )
    for layer in net.layers:
        twin = video.get_layer(layer.name) if layer.weights else None
        if twin is not None:
            twin.set_weights([_spread(w, v, start) for w, v in zip(layer.get_weights(), twin.weights)])
    return video


def _deeper(layer, kernel):
    """The 3D layer that takes a layer's place, with its name."""
    if isinstance(layer, ANY_SHAPE) or _sums(layer):
        config = layer.get_config()
        if config.get("axis") in (3, [3], (3,)):  # the channels, which keras.applications counts from the front
            config["axis"] = -1
        return layer.__class__.from_config(config)
    if isinstance(layer, (layers.Conv2D, layers.DepthwiseConv2D)):
        return _convolution(layer, kernel if max(layer.kernel_size) > 1 else 1)
    for flat, deep in POOLS.items():
        if isinstance(layer, flat):
            shape = {"pool_size": (1, *layer.pool_size), "strides": (1, *layer.strides), "padding": layer.padding}
            return deep(**shape, name=layer.name, dtype=layer.dtype_policy)
    for flat, deep in GLOBAL_POOLS.items():
        if isinstance(layer, flat):
            return deep(keepdims=layer.keepdims, name=layer.name, dtype=layer.dtype_policy)
    if isinstance(layer, layers.ZeroPadding2D):
        return layers.ZeroPadding3D(((0, 0), *layer.padding), name=layer.name)
    if isinstance(layer, layers.Cropping2D):
        return layers.Cropping3D(((0, 0), *layer.cropping), name=layer.name)
    if (
        isinstance(layer, layers.Reshape) and len(layer.target_shape) == 3 and layer.target_shape[:2] == (1, 1)
    ):  # squeeze and excite
        return layers.Reshape((1, *layer.target_shape), name=layer.name)
    raise InputError(f"layer {layer.name!r} is a {type(layer).__name__}, for which there is no 3D layer")


def _sums(layer):
    """Whether a layer without weights merges maps of one shape, as the scaled sums of Inception-ResNet do."""
    maps = layer.input
    return isinstance(maps, list) and not layer.weights and {m.shape for m in maps} == {layer.output.shape}


def _call(layer, *args, **kwargs):
    """Time keeps its length through convolutions that do not pad."""
    frames = layer.kernel_size[0] if isinstance(layer, layers.Conv3D) else 1
    if frames > 1 and layer.padding == "valid":
        args = (layers.ZeroPadding3D((frames // 2, 0, 0), name=f"{layer.name}_time_pad")(args[0]),)
    return layer(*args, **kwargs)


def _convolution(layer, frames):
    depthwise = isinstance(layer, layers.DepthwiseConv2D)
    channels = layer.input.shape[-1]
    return layers.Conv3D(
        channels * layer.depth_multiplier if depthwise else layer.filters,
        (frames, *layer.kernel_size),
        (1, *layer.strides),
        padding=layer.padding,
        dilation_rate=(1, *layer.dilation_rate),
        groups=channels if depthwise else layer.groups,
        activation=layer.activation,
        use_bias=layer.use_bias,
        name=layer.name,
        dtype=layer.dtype_policy,
    )


def _spread(value, variable, start):
    """An image kernel over the frames of a video kernel; other weights as they are."""
    if len(variable.shape) != 5:
        return value
    if value.shape[-2:] != tuple(variable.shape[-2:]):  # depthwise (h, w, C, m) as grouped (h, w, 1, C * m)
        value = value.reshape(*value.shape[:2], 1, -1)
    frames = variable.shape[0]
    shares = np.full(frames, 1 / frames) if start == "repeat" else np.eye(frames)[frames // 2]
    return shares[:, None, None, None, None].astype(value.dtype) * value[None]
