"""The networks' constructors."""

from keras_vid.models.inception3d import (
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
from keras_vid.models.sth import STH
from keras_vid.models.stm import STM
from keras_vid.models.stnet import StNet

__all__ = [
    "I2D",
    "I3D",
    "S3D",
    "S3DG",
    "STH",
    "STM",
    "BottomHeavyI3D",
    "BottomHeavyS3D",
    "FastS3D",
    "StNet",
    "TopHeavyI3D",
    "TopHeavyS3D",
]
