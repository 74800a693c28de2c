"""Feature maps by name."""

import keras

from keras_vid.utils.errors import InputError


def features(model, names):
    """A model that returns the named feature maps instead of the logits.

    Args:
        model: Any keras_vid network.
        names: One layer name, or a list of them: `Conv2d_1a_7x7` .. `Mixed_5c` for the Inception family, `conv2` ..
            `conv5` for residual networks, or any layer of `model.summary()`.

    >>> import keras_vid
    >>> features(keras_vid.create("s3d", classes=5), "Mixed_4e").output_shape[-1]
    528
    """
    single = isinstance(names, str)
    known = {layer.name: layer for layer in model.layers}
    wanted = [names] if single else list(names)
    for name in wanted:
        if name not in known:
            ends = [n for n in known if n.count("_") <= 2 and not n.endswith(("_conv", "_bn", "_relu", "_pad"))]
            raise InputError(f"{model.name} has no layer {name!r}; some that it has: {', '.join(ends[:24])}")
    outputs = [known[name].output for name in wanted]
    return keras.Model(model.input, outputs[0] if single else outputs, name=f"{model.name}_features")
