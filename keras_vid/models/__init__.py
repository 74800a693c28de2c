"""The networks' constructors. Each is loaded when it is asked for: the table of networks needs no Keras."""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keras_vid.models.inception_family import (
        I2D,
        I3D,
        S3D,
        S3DG,
        BottomHeavyI3D,
        BottomHeavyS3D,
        FastS3D,
        TopHeavyI3D,
        TopHeavyS3D,
    )
    from keras_vid.models.r2plus1d import R2Plus1DParallel, R2Plus1DSequential
    from keras_vid.models.sth import STH
    from keras_vid.models.stm import STM
    from keras_vid.models.stnet import StNet
    from keras_vid.models.tsm import TSM
    from keras_vid.models.tsn import C2D, TSN

_FILES = {
    "inception_family": "I2D I3D S3D S3DG BottomHeavyI3D BottomHeavyS3D FastS3D TopHeavyI3D TopHeavyS3D",
    "r2plus1d": "R2Plus1DParallel R2Plus1DSequential",
    "sth": "STH",
    "stm": "STM",
    "stnet": "StNet",
    "tsm": "TSM",
    "tsn": "C2D TSN",
}
_HOMES = {name: f"keras_vid.models.{file}" for file, names in _FILES.items() for name in names.split()}

__all__ = [
    "C2D",
    "I2D",
    "I3D",
    "S3D",
    "S3DG",
    "STH",
    "STM",
    "TSM",
    "TSN",
    "BottomHeavyI3D",
    "BottomHeavyS3D",
    "FastS3D",
    "R2Plus1DParallel",
    "R2Plus1DSequential",
    "StNet",
    "TopHeavyI3D",
    "TopHeavyS3D",
]


def __getattr__(name):
    if name not in _HOMES:
        raise AttributeError(f"module 'keras_vid.models' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__():
    return sorted(__all__)
