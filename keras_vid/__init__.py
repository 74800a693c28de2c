"""Video action recognition in Keras 3.

>>> import keras_vid
>>> model = keras_vid.create("s3d", classes=10)
>>> keras_vid.macs(model, frames=16, size=64) > 0
True
"""

import importlib

__version__ = "0.1.0"

# Importing keras_vid imports no Keras, so that the command line answers at once: each name is loaded when asked for.
_HOMES = {
    "create": "keras_vid.zoo",
    "list_models": "keras_vid.zoo",
    "features": "keras_vid.endpoints",
    "macs": "keras_vid.counts",
    "predict": "keras_vid.recognise",
    "stream": "keras_vid.streaming",
    "load_model": "keras_vid.zoo",
}
_MODULES = ("layers", "models", "video", "weights", "surgery", "backbones", "convert")

__all__ = ["__version__", *_HOMES, *_MODULES]


def __getattr__(name):
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    if name in _MODULES:
        return importlib.import_module(f"keras_vid.{name}")
    raise AttributeError(f"module 'keras_vid' has no attribute {name!r}")


def __dir__():
    return sorted(__all__)
