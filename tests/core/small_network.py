"""A network that tests can build, run and export in a moment."""

import keras
import numpy as np
from keras import layers

from keras_vid.layers import consensus
from keras_vid.surgery import insert


def scattered(model):
    """The network, with answers that differ from clip to clip."""
    last = [layer for layer in model.layers if layer.weights][-1]
    rng = np.random.default_rng(0)
    last.set_weights([rng.normal(0, 1, w.shape).astype("float32") for w in last.get_weights()])
    return model


def small(**edits):
    """A network of four frames of 32 x 32 and three classes, by surgery on an image network."""
    image = keras.Input((32, 32, 3))
    x = layers.Rescaling(1 / 127.5, -1)(image)
    x = layers.Conv2D(8, 5, strides=4, activation="relu", name="conv")(x)
    net = insert(keras.Model(image, layers.GlobalAveragePooling2D()(x)), frames=4, **edits)
    return scattered(keras.Model(net.input, consensus(net.output, frames=4, classes=3), name="small"))
