"""Datasets, input pipelines and training of keras_vid's networks, on TensorFlow.

`fit_folder` makes a classifier of one's own videos; `features_of` and `folds` are its parts.
"""

import importlib

_HOMES = {
    "fit_folder": "keras_vid.training.small.fit",
    "plan_folder": "keras_vid.training.small.fit",
    "features_of": "keras_vid.training.small.features",
    "embed": "keras_vid.training.small.embed",
    "folds": "keras_vid.training.data.splits",
}

__all__ = list(_HOMES)


def __getattr__(name):
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'keras_vid.training' has no attribute {name!r}")


def __dir__():
    return sorted(__all__)
