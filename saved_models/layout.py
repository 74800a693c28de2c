"""Where the files of an exported network lie, and what they say of it. Needs neither Keras nor TensorFlow."""

from pathlib import Path

from keras_vid.saved_models.serving.serve_config import versions

from keras_vid.models.variants import VARIANTS
from keras_vid.utils.errors import InputError
from keras_vid.utils.files import read_json
from keras_vid.view import ClipView

METADATA = "metadata.json"


def saved_model_folder(source):
    """The folder of a SavedModel: the path itself, or its newest version; None of everything else."""
    if not isinstance(source, (str, Path)) or source in VARIANTS:
        return None
    if (Path(source) / "saved_model.pb").is_file():
        return Path(source)
    found = versions(source)
    return found[-1] if found else None


def read_metadata(folder):
    """What `metadata.json` says; nothing where there is no such file."""
    path = Path(folder) / METADATA
    return read_json(path) if path.is_file() else {}


def view_from(metadata, folder):
    """The view of an exported network, of its metadata."""
    if not isinstance(metadata, dict) or "view" not in metadata:
        raise InputError(f"{folder}: it is not known what this network is shown: export it with keras-vid export")
    try:
        return ClipView.from_dict(metadata["view"])
    except (ValueError, TypeError, AttributeError) as error:
        raise InputError(f"{folder}/{METADATA} is damaged ({error}): export the network again") from error
