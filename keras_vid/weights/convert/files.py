"""Weight files of other libraries, whatever their format, as `{name: array}`."""

from pathlib import Path

import numpy as np

from keras_vid.utils.errors import InputError, MissingFile
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
        try:
            with np.load(path, allow_pickle=False) as archive:
                return dict(archive)
        except (OSError, ValueError) as error:
            raise InputError(f"{path} is not an .npz archive of arrays: {error}") from error
    if path.suffix in (".ckpt", ".pkl", ".pickle"):
        return dict(_flatten(load_arrays(path)))
    raise InputError(f"{path}: known weight files end in .index, .pth, .pt, .safetensors, .npz, .ckpt or .pkl")


def _read_checkpoint(path):
    tf = need("tensorflow", extra="tensorflow")  # which alone reads its checkpoints; the networks never need it

    try:
        reader = tf.train.load_checkpoint(str(path))
        return {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}
    except Exception as error:
        raise InputError(f"{path} is not a readable checkpoint: {str(error).splitlines()[0]}") from error


def _flatten(tree, prefix=""):
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from _flatten(value, f"{prefix}{key}/")
        else:
            yield f"{prefix}{key}", np.asarray(value)
