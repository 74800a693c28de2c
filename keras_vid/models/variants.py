"""All networks by name: a plain table. `keras_vid.create` builds one of them."""

import fnmatch
from typing import NamedTuple

DENSE, SEGMENTS, SUPER_IMAGES = "dense", "segments", "super_images"


class Variant(NamedTuple):
    """One row: which function builds the network, with which of its options, and which frames it takes.

    Attributes:
        constructor: "module:function".
        options: Keyword arguments that make this network of the function.
        sampling: `DENSE`, neighbouring frames of a clip whose length stays open (the Inception family); `SEGMENTS`, one
            frame of each part of the video; or `SUPER_IMAGES`, a few neighbouring frames of each part (StNet).
    """

    constructor: str
    options: dict
    sampling: str


def _inception(function):
    return Variant(f"keras_vid.models.inception_family:{function}", {}, DENSE)


def _on(backbones, prefix, constructor, sampling=SEGMENTS, **options):
    return {f"{prefix}_{b}": Variant(constructor, {"backbone": b, **options}, sampling) for b in backbones.split()}


RESIDUAL = "resnet50 resnet101 se_resnext101"
ALL = f"resnet14 {RESIDUAL} inception_resnet_v2 mobilenet_v2 vgg16"

# A name says which network and nothing of frames, sizes or datasets.
VARIANTS = {
    "i3d": _inception("I3D"),
    "i2d": _inception("I2D"),
    "s3d": _inception("S3D"),
    "s3dg": _inception("S3DG"),
    "fast_s3d": _inception("FastS3D"),
    "top_heavy_i3d": _inception("TopHeavyI3D"),
    "bottom_heavy_i3d": _inception("BottomHeavyI3D"),
    "top_heavy_s3d": _inception("TopHeavyS3D"),
    "bottom_heavy_s3d": _inception("BottomHeavyS3D"),
    **_on(ALL, "tsn", "keras_vid.models.tsn:TSN"),
    **_on(RESIDUAL, "c2d", "keras_vid.models.tsn:C2D"),
    **_on(ALL, "tsm", "keras_vid.models.tsm:TSM"),
    **_on(ALL, "r2plus1d_sequential", "keras_vid.models.r2plus1d:R2Plus1DSequential"),
    **_on(ALL, "r2plus1d_parallel", "keras_vid.models.r2plus1d:R2Plus1DParallel"),
    **_on(
        f"resnet14 {RESIDUAL} se_resnext101_32x6d inception_resnet_v2 mobilenet_v2",
        "stnet",
        "keras_vid.models.stnet:StNet",
        SUPER_IMAGES,
    ),
    **_on("resnet14 resnet50 resnet101", "stm", "keras_vid.models.stm:STM"),
    **_on("resnet14 resnet50 resnet101", "sth", "keras_vid.models.sth:STH"),
    **_on("mobilenet_v2", "sth", "keras_vid.models.sth:STH", attention=False),
    **_on("vgg16", "sth", "keras_vid.models.sth:STH"),
}


def list_models(pattern: str | None = None) -> list[str]:
    """Names of all networks, or of those that match a pattern.

    >>> list_models("fast*")
    ['fast_s3d']
    """
    return [name for name in VARIANTS if fnmatch.fnmatch(name, pattern or "*")]
