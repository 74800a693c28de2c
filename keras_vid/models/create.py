"""A network by its name."""

import importlib

import keras

from keras_vid.models.variants import VARIANTS, list_models
from keras_vid.utils.errors import InputError
from keras_vid.weights.load import row_options


def create(
    name: str,
    classes: int | None = None,
    frames: int | None = None,
    size: int | None = None,
    weights: str | None = None,
    **options,
) -> keras.Model:
    """Build a network by name.

    Args:
        name: One of `list_models()`.
        classes: Number of labels; by default 400 (Kinetics), or what the weights were trained for. Another number than
            the weights' gives a new, untrained classifier on the trained network.
        frames, size: Frames and side of a clip. None leaves them open where the network allows it.
        weights: A name in `keras_vid.weights.WEIGHTS` (`"kinetics400"`), the path of a weights file, or None.
        **options: The network's own choices (see its constructor).

    >>> create("s3d", classes=10).output_shape
    (None, 10)
    """
    if name not in VARIANTS:
        close = list_models(f"*{name.lower().replace('-', '_')}*") or list_models()
        raise InputError(f"no network is called {name!r}; there are: {', '.join(close)}")
    row = VARIANTS[name]
    fixed = dict(row.options)
    if weights is not None:
        fixed |= row_options(name, weights)
    shape = {"classes": classes, "frames": frames, "size": size}
    fixed |= {key: value for key, value in shape.items() if value is not None}
    module, function = row.constructor.split(":")
    build = getattr(importlib.import_module(module), function)
    model = build(**{**fixed, **options}, weights=weights)
    model.name = name
    return model
