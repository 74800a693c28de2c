"""Video action recognition in Keras 3.

>>> import keras_vid
>>> model = keras_vid.create("s3d", classes=10)
>>> keras_vid.macs(model, frames=16, size=64) > 0
True
"""

import importlib
from typing import TYPE_CHECKING

from keras_vid.utils.registration import register_layers

if TYPE_CHECKING:
    from keras_vid import backbones, detection, layers, models, saved_models, surgery, training, video, weights  # type: ignore[attr-defined]  # folders of their own
    from keras_vid.explain.features import features
    from keras_vid.explain.macs import macs
    from keras_vid.inference.load import load_model
    from keras_vid.inference.predict import predict
    from keras_vid.inference.stream import stream
    from keras_vid.inference.timeline import timeline
    from keras_vid.inference.two_stream import fuse
    from keras_vid.models.create import create
    from keras_vid.models.variants import list_models

__version__ = "0.1.0"

# Importing keras_vid imports no Keras, so that the command line starts at once: each name is loaded when asked for.
_HOMES = {
    "create": "keras_vid.models.create",
    "list_models": "keras_vid.models.variants",
    "features": "keras_vid.explain.features",
    "macs": "keras_vid.explain.macs",
    "predict": "keras_vid.inference.predict",
    "stream": "keras_vid.inference.stream",
    "timeline": "keras_vid.inference.timeline",
    "fuse": "keras_vid.inference.two_stream",
    "load_model": "keras_vid.inference.load",
}
_MODULES = (
    "layers",
    "models",
    "video",
    "weights",
    "surgery",
    "backbones",
    "explain",
    "training",
    "detection",
    "saved_models",
)

register_layers()

__all__ = [
    "__version__",
    "backbones",
    "create",
    "detection",
    "features",
    "fuse",
    "layers",
    "list_models",
    "load_model",
    "macs",
    "models",
    "predict",
    "saved_models",
    "stream",
    "surgery",
    "timeline",
    "training",
    "video",
    "weights",
]


def __getattr__(name):
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    if name in _MODULES:
        return importlib.import_module(f"keras_vid.{name}")
    raise AttributeError(f"module 'keras_vid' has no attribute {name!r}")


def __dir__():
    return sorted(__all__)
