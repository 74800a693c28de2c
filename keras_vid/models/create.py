"""A network by its name."""

import dataclasses
import difflib
import importlib
import inspect

import keras

from keras_vid.models.variants import VARIANTS, list_models
from keras_vid.utils.errors import InputError
from keras_vid.weights.load import row_options


def create(
    name: str,
    /,
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
        **options: The network's own choices (see its constructor), and `name=`, what the Keras model is called.

    >>> create("s3d", classes=10).output_shape
    (None, 10)
    """
    if name not in VARIANTS:
        plain = name.lower().replace("-", "_")
        close = list_models(f"*{plain}*") or difflib.get_close_matches(plain, VARIANTS, 3, 0.7)
        hint = f"did you mean {' or '.join(close)}?" if close else "keras-vid list --names shows all"
        raise InputError(f"no network is called {name!r}: {hint}")
    fixed = dict(VARIANTS[name].options)
    if weights is not None:
        fixed |= row_options(name, weights)
    shape = {"classes": classes, "frames": frames, "size": size}
    fixed |= {key: value for key, value in shape.items() if value is not None}
    return constructor(name)(**{**fixed, **options}, weights=weights)


SHAPE = ("classes", "frames", "size", "channels", "weights", "name")  # of every network, given by keywords of their own


def constructor(name: str):
    """The function that builds a network of the table."""
    module, function = VARIANTS[name].constructor.split(":")
    return getattr(importlib.import_module(module), function)


def network_options(name: str) -> dict:
    """The choices that a network leaves open beside its shape, `{keyword: default}`.

    >>> network_options("tsm_resnet50")
    {'share': 8, 'dropout': 0.5}
    """
    row = VARIANTS[name]
    parameters = inspect.signature(constructor(name)).parameters.values()
    options = {p.name: p.default for p in parameters if p.kind is not p.VAR_KEYWORD}
    if any(p.kind is p.VAR_KEYWORD for p in parameters):  # the Inception family takes each field of its style
        from keras_vid.models.inception_styles import Style

        options |= {field.name: field.default for field in dataclasses.fields(Style)}
    fixed = {key: value for key, value in row.options.items() if key != "backbone"}
    return {key: value for key, value in {**options, **fixed}.items() if key not in (*SHAPE, "backbone")}
