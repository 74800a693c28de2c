"""A network from whatever names one."""

import dataclasses
from pathlib import Path

import keras

import keras_vid.layers  # noqa: F401  registers the layers that a .keras file may name
from keras_vid.models.create import create
from keras_vid.models.variants import VARIANTS
from keras_vid.utils.errors import InputError, MissingFile
from keras_vid.utils.late import never_drawn
from keras_vid.view import FILE, ClipView, view_of

NETWORKS = ("best.keras", "last.keras")  # of a run folder, in the order in which they are looked for


def load_model(source: str | Path, weights: str | None = None, **options) -> keras.Model:
    """A network from whatever names one: a name of `list_models()`, a run folder, or a `.keras` file.

    >>> load_model("s3d", classes=5).name
    's3d'
    """
    path = Path(source)
    if str(source) in VARIANTS:
        return create(str(source), weights=weights, **options)
    if path.is_dir():
        path = next((path / name for name in NETWORKS if (path / name).is_file()), None)
        if path is None:
            raise InputError(f"{source} is a folder without best.keras: give a run folder or a .keras file")
        return _load_file(path, ClipView.load(path.parent))
    if path.suffix == ".keras" or path.is_file():
        return _load_file(path, ClipView.load(path.parent) if (path.parent / FILE).is_file() else None)
    return create(str(source), weights=weights, **options)


def _load_file(path, view):
    if not path.is_file():
        raise MissingFile(f"{path} does not exist")
    try:
        with never_drawn():
            model = keras.models.load_model(path, compile=False)
    except Exception as error:
        raise InputError(f"{path} is not a readable .keras file: {str(error).splitlines()[0]}") from error
    if view:
        model.view = view
    return model


def open_model(model, labels=None) -> tuple[keras.Model, ClipView]:
    """The network (loaded, if it was named) and its view, in which the classes have names."""
    if isinstance(model, (str, Path)):
        model = load_model(model)
    view = view_of(model)
    return model, dataclasses.replace(view, labels=tuple(view.names(model.output_shape[-1], labels, model.name)))
