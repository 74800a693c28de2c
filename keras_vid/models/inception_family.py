"""The constructors of the Inception family: I3D, I2D, S3D, S3D-G and all between.

They take the arguments of all networks, `classes, frames, size, channels, weights, name`, then `style`, the
implementation to follow (one of `keras_vid.models.inception_styles.STYLES`), and any field of a style to change it:
`S3D(classes=10, style="torch", dropout=0.5)`. Without frames and a size they take clips of any.
"""

import keras

from keras_vid.models.inception3d import ENDPOINTS, clip_input, inception3d
from keras_vid.models.inception_styles import choose_style
from keras_vid.utils.constructor import Size, constructor
from keras_vid.utils.errors import InputError
from keras_vid.weights.load import load_weights


def kinds(below: str, above: str = "", transition: str = ENDPOINTS[0]) -> dict[str, str]:
    """The kind of convolution at every endpoint: the first below the transition, the second from there up.

    >>> list(kinds("2d", "separable", "Mixed_5b").values())[-3:]
    ['2d', 'separable', 'separable']
    """
    if transition not in ENDPOINTS:
        raise InputError(f"transition {transition!r} is none of {', '.join(ENDPOINTS)}")
    border = ENDPOINTS.index(transition)
    return {unit: below if i < border else above or below for i, unit in enumerate(ENDPOINTS)}


@constructor
def I3D(
    classes: int = 400,
    frames: int | None = None,
    size: Size = None,
    channels: int = 3,
    weights: str | None = None,
    name: str | None = None,
    *,
    style: str = "deepmind",
    **choices,
) -> keras.Model:
    """Inception with every convolution over space and time (https://arxiv.org/abs/1705.07750).

    >>> I3D(classes=10).output_shape
    (None, 10)
    """
    clip = clip_input(frames, size, channels)
    logits = inception3d(clip, kinds("3d"), choose_style(style, False, choices), classes)
    return load_weights(keras.Model(clip, logits, name=name or "i3d"), weights, "i3d")


@constructor
def I2D(
    classes: int = 400,
    frames: int | None = None,
    size: Size = None,
    channels: int = 3,
    weights: str | None = None,
    name: str | None = None,
    *,
    style: str = "paper",
    **choices,
) -> keras.Model:
    """Every convolution over space alone: frames meet only in two strided max pools, the pool branches (as TF-slim has
    them; `flat_pools=True` for the paper's 2D blocks) and the head."""
    clip = clip_input(frames, size, channels)
    logits = inception3d(clip, kinds("2d"), choose_style(style, False, choices), classes)
    return load_weights(keras.Model(clip, logits, name=name or "i2d"), weights, "i2d")


@constructor
def S3D(
    classes: int = 400,
    frames: int | None = None,
    size: Size = None,
    channels: int = 3,
    weights: str | None = None,
    name: str | None = None,
    *,
    style: str = "paper",
    **choices,
) -> keras.Model:
    """Every 3D convolution of I3D replaced by one over space and one over time."""
    clip = clip_input(frames, size, channels)
    logits = inception3d(clip, kinds("separable"), choose_style(style, False, choices), classes)
    return load_weights(keras.Model(clip, logits, name=name or "s3d"), weights, "s3d")


@constructor
def S3DG(
    classes: int = 400,
    frames: int | None = None,
    size: Size = None,
    channels: int = 3,
    weights: str | None = None,
    name: str | None = None,
    *,
    style: str = "paper",
    **choices,
) -> keras.Model:
    """S3D with feature gates; where they sit is the style's choice, or `gating=`."""
    clip = clip_input(frames, size, channels)
    logits = inception3d(clip, kinds("separable"), choose_style(style, True, choices), classes)
    return load_weights(keras.Model(clip, logits, name=name or "s3dg"), weights, "s3dg")


@constructor
def FastS3D(
    classes: int = 400,
    frames: int | None = None,
    size: Size = None,
    channels: int = 3,
    weights: str | None = None,
    name: str | None = None,
    *,
    style: str = "paper",
    transition: str = "Mixed_5b",
    **choices,
) -> keras.Model:
    """The paper's sweet spot: separable at the top two blocks, 2D below."""
    clip = clip_input(frames, size, channels)
    logits = inception3d(clip, kinds("2d", "separable", transition), choose_style(style, False, choices), classes)
    return load_weights(keras.Model(clip, logits, name=name or "fast_s3d"), weights, "fast_s3d")


@constructor
def TopHeavyI3D(
    classes: int = 400,
    frames: int | None = None,
    size: Size = None,
    channels: int = 3,
    weights: str | None = None,
    name: str | None = None,
    *,
    style: str = "paper",
    transition: str = "Mixed_4b",
    **choices,
) -> keras.Model:
    """2D below the transition, 3D from there up."""
    clip = clip_input(frames, size, channels)
    logits = inception3d(clip, kinds("2d", "3d", transition), choose_style(style, False, choices), classes)
    return load_weights(keras.Model(clip, logits, name=name or "top_heavy_i3d"), weights, "top_heavy_i3d")


@constructor
def BottomHeavyI3D(
    classes: int = 400,
    frames: int | None = None,
    size: Size = None,
    channels: int = 3,
    weights: str | None = None,
    name: str | None = None,
    *,
    style: str = "paper",
    transition: str = "Mixed_4b",
    **choices,
) -> keras.Model:
    """3D below the transition, 2D from there up."""
    clip = clip_input(frames, size, channels)
    logits = inception3d(clip, kinds("3d", "2d", transition), choose_style(style, False, choices), classes)
    return load_weights(keras.Model(clip, logits, name=name or "bottom_heavy_i3d"), weights, "bottom_heavy_i3d")


@constructor
def TopHeavyS3D(
    classes: int = 400,
    frames: int | None = None,
    size: Size = None,
    channels: int = 3,
    weights: str | None = None,
    name: str | None = None,
    *,
    style: str = "paper",
    transition: str = "Mixed_4b",
    **choices,
) -> keras.Model:
    """2D below the transition, separable from there up."""
    clip = clip_input(frames, size, channels)
    logits = inception3d(clip, kinds("2d", "separable", transition), choose_style(style, False, choices), classes)
    return load_weights(keras.Model(clip, logits, name=name or "top_heavy_s3d"), weights, "top_heavy_s3d")


@constructor
def BottomHeavyS3D(
    classes: int = 400,
    frames: int | None = None,
    size: Size = None,
    channels: int = 3,
    weights: str | None = None,
    name: str | None = None,
    *,
    style: str = "paper",
    transition: str = "Mixed_4b",
    **choices,
) -> keras.Model:
    """Separable below the transition, 2D from there up."""
    clip = clip_input(frames, size, channels)
    logits = inception3d(clip, kinds("separable", "2d", transition), choose_style(style, False, choices), classes)
    return load_weights(keras.Model(clip, logits, name=name or "bottom_heavy_s3d"), weights, "bottom_heavy_s3d")
