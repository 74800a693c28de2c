"""Published weights: a table of what there is, and how it gets into a network."""

from keras_vid.weights.table import WEIGHTS, best_start, labels, names

__all__ = ["WEIGHTS", "best_start", "labels", "names"]
