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
from keras_vid.models.r2plus1d import R2Plus1DParallel, R2Plus1DSequential
from keras_vid.models.sth import STH
from keras_vid.models.stm import STM
from keras_vid.models.stnet import StNet
from keras_vid.models.tsm import TSM
from keras_vid.models.tsn import C2D, TSN
from keras_vid.models.two_stream import fuse

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
    "fuse",
]
