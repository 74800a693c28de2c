"""Image networks turned into video networks: layers put in, taken out, exchanged, or inflated."""

from keras_vid.surgery.inflate import inflate
from keras_vid.surgery.insert import carry_weights, insert

__all__ = ["carry_weights", "inflate", "insert"]
