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

__all__ = [
    "I2D",
    "I3D",
    "S3D",
    "S3DG",
    "BottomHeavyI3D",
    "BottomHeavyS3D",
    "FastS3D",
    "TopHeavyI3D",
    "TopHeavyS3D",
]
