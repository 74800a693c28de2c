"""Weights of other implementations, carried into our networks.

>>> from keras_vid.weights.convert import find_layout
>>> find_layout({"base.0.conv_s.weight": None})
'kylemin'
"""

from keras_vid.weights.convert.assign import assign, find_layout, layout_options
from keras_vid.weights.convert.files import read_tensors

__all__ = ["assign", "find_layout", "layout_options", "read_tensors"]
