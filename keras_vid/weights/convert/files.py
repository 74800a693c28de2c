"""Weight files of other libraries, whatever their format, as `{name: array}`."""

from pathlib import Path

import numpy as np

from keras_vid.utils.errors import InputError, MissingFile
from keras_vid.utils.files import read_npz
from keras_vid.utils.optional import need
from keras_vid.weights.convert.pickles import load_arrays
from keras_vid.weights.convert.torch_file import read_torch_state


def read_tensors(path):
    """All tensors of a TF checkpoint (its path without `.index`), .pth, .safetensors, .npz, or pickle of arrays."""
    path = Path(path)
    checkpoint = path.with_name(path.name.removesuffix(".index"))
    if checkpoint.with_name(checkpoint.name + ".index").is_file():
        return _read_checkpoint(checkpoint)
    if not path.is_file():
        raise MissingFile(f"{path} does not exist")
    if path.stat().st_size == 0:
        raise InputError(f"{path} is empty")
    if path.suffix in (".pth", ".pt", ".tar", ".safetensors"):
        return read_torch_state(path)
    if path.suffix == ".npz":
        return read_npz(path)
    if path.suffix in (".ckpt", ".pkl", ".pickle"):
        tree = load_arrays(path)
        if not isinstance(tree, dict):
            raise InputError(f"{path} holds a {type(tree).__name__}: weights are a dict of arrays by name")
        return dict(_flatten(tree, path))
    raise InputError(f"{path}: known weight files end in .index, .pth, .pt, .safetensors, .npz, .ckpt or .pkl")


def _read_checkpoint(path):
    tf = need("tensorflow", extra="tensorflow")  # which alone reads its checkpoints; the networks never need it

    try:
        reader = tf.train.load_checkpoint(str(path))
        return {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}
    except Exception as error:
        raise InputError(f"{path} is not a readable checkpoint: {str(error).splitlines()[0]}") from error


def _flatten(tree, path, prefix=""):
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from _flatten(value, path, f"{prefix}{key}/")
            continue
        try:
            array = np.asarray(value)
        except ValueError as error:  # lists of different lengths
            raise InputError(f"{path}: {prefix}{key} is not an array: {error}") from error
        yield f"{prefix}{key}", array
