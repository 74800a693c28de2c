"""What all constructors of networks have in common: misspelt options are refused, and weights are drawn late."""

import difflib
import functools
import inspect
from collections.abc import Callable, Iterable
from typing import ParamSpec

import keras

from keras_vid.utils.errors import InputError
from keras_vid.utils.late import drawn_fast, drawn_late

P = ParamSpec("P")
Size = int | tuple[int | None, int | None] | None  # a side, (height, width), or any

# What other libraries call it: what to write here.
HINTS = {
    "num_classes": "classes=",
    "n_classes": "classes=",
    "nb_classes": "classes=",
    "num_labels": "classes=",
    "include_top": "classes=0, which ends the network in its features",
    "pooling": "classes=0, which ends the network in its mean features",
    "pretrained": 'weights="kinetics400", or another name of `keras-vid list`',
    "input_shape": "frames=, size= and channels=",
    "num_frames": "frames=",
    "num_segments": "frames=",
    "clip_len": "frames=",
    "image_size": "size=",
    "input_size": "size=",
    "crop_size": "size=",
    "in_channels": "channels=",
    "num_channels": "channels=",
    "drop_rate": "dropout=",
    "dropout_rate": "dropout=",
    "dropout_ratio": "dropout=",
    "shift_div": "share=",
}


def constructor(build: Callable[P, keras.Model]) -> Callable[P, keras.Model]:
    """Decorates a function that builds a network.

    >>> @constructor
    ... def Nothing(classes=400, weights=None):
    ...     return keras.Sequential(name="nothing")
    >>> Nothing(num_classes=10)
    Traceback (most recent call last):
    keras_vid.utils.errors.InputError: Nothing has no option 'num_classes': use classes=
    """
    signature = inspect.signature(build)
    known = [name for name, parameter in signature.parameters.items() if parameter.kind is not parameter.VAR_KEYWORD]

    @functools.wraps(build)
    def checked(*args: P.args, **options: P.kwargs) -> keras.Model:
        if len(known) == len(signature.parameters):  # others check their further options themselves
            refuse_unknown(build.__name__, options, known)
        dropout = options.get("dropout")
        if isinstance(dropout, int | float) and not 0 <= dropout < 1:
            raise InputError(f"dropout={dropout}: the share of features that are dropped, from 0 to below 1")
        weights = signature.bind(*args, **options).arguments.get("weights")
        with drawn_fast() if weights is None else drawn_late():
            return build(*args, **options)

    return checked


def refuse_unknown(name: str, options: Iterable[str], known: Iterable[str]) -> None:
    """One line for the first option that a network does not have, with what was probably meant."""
    known = list(known)
    for option in options:
        if option not in known:
            close = difflib.get_close_matches(option, known, 1)
            hint = HINTS.get(option) or (f"{close[0]}=" if close else "")
            use = f"use {hint}" if hint else f"the options are {', '.join(known)}"
            raise InputError(f"{name} has no option {option!r}: {use}")
