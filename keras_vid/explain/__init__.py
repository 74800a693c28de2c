"""What a network costs and what it sees: multiply-adds, feature maps, class activation, the papers' figures.

>>> import keras_vid
>>> keras_vid.explain.activations is not None
True
"""

from keras_vid.explain.class_activation import Activation, activations

__all__ = ["Activation", "activations"]
