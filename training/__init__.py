"""Datasets, input pipelines and training of keras_vid's networks, on TensorFlow."""
