"""Networks to look into: trained ones, from whatever names them."""

from pathlib import Path

import keras

from keras_vid.inference.load import load_model
from keras_vid.models.variants import VARIANTS
from keras_vid.utils.errors import InputError
from keras_vid.weights.table import names as weights_of


def open_trained(source, weights=None) -> keras.Model:
    """A network with trained weights: a run folder, a `.keras` file, or a name with weights (default: Kinetics-400)."""
    if str(source) in VARIANTS:
        if weights is None and "kinetics400" not in weights_of(str(source)):
            raise InputError(f"{source} has no trained weights of its own: give --weights FILE, or a run folder")
        return load_model(source, weights=weights or "kinetics400")
    folder = Path(source)
    if (folder / "saved_model.pb").is_file() or any(folder.glob("*/saved_model.pb")):
        raise InputError(
            f"{source} is a SavedModel, whose feature maps are sealed: give the run folder it was made from"
        )
    return load_model(source, weights=weights)
