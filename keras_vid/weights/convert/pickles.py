"""Pickle files read without running what is in them: only NumPy arrays and plain containers come out."""

import pickle
from pathlib import Path

import numpy as np

from keras_vid.utils.errors import InputError


def load_arrays(path, encoding="ASCII"):
    """Unpickle a file that holds NumPy arrays in dicts and lists; anything else in it is refused by name.

    Args:
        encoding: How to read strings that Python 2 wrote; such files want `"latin1"`.
    """
    try:
        with open(path, "rb") as file:
            return _ArraysOnly(file, encoding=encoding).load()
    except OSError:
        raise
    except Exception as error:  # a damaged pickle raises almost anything
        raise InputError(f"{Path(path)} is not a pickle of NumPy arrays: {error}") from error


def _reconstruct(subtype, shape, dtype):
    if subtype is not np.ndarray:
        raise pickle.UnpicklingError(f"refused to build a {subtype}")
    return np.ndarray(shape, dtype)


def _scalar(dtype, data):
    data = data.encode("latin1") if isinstance(data, str) else data  # Python 2's bytes
    return np.frombuffer(data, dtype)[0]


def _from_buffer(data, dtype, shape, order):
    return np.frombuffer(data, dtype).reshape(shape, order=order)


class _ArraysOnly(pickle.Unpickler):
    """Knows the names that NumPy arrays and scalars are made of, under their old and new module paths."""

    KNOWN = {
        "_reconstruct": _reconstruct,
        "scalar": _scalar,
        "_frombuffer": _from_buffer,  # protocol 5
        "ndarray": np.ndarray,
        "dtype": np.dtype,
    }
    MODULES = ("numpy", *(f"numpy.{core}.{part}" for core in ("core", "_core") for part in ("multiarray", "numeric")))

    def find_class(self, module, name):
        if module in self.MODULES and name in self.KNOWN:
            return self.KNOWN[name]
        if (module, name) == ("_codecs", "encode"):  # how protocol 2 writes bytes
            return lambda text, encoding: text.encode("latin1")
        raise pickle.UnpicklingError(f"refused {module}.{name}: a file of arrays has no need of it")
