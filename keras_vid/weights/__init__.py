"""Published weights: a table of what there is, and how it gets into a network."""

from keras_vid.weights.table import WEIGHTS, labels, names

__all__ = ["WEIGHTS", "labels", "names"]
