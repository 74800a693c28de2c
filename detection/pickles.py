"""Annotation pickles of strangers, read without running what they say."""

import pickle

# What NumPy arrays and scalars need, under the module names of NumPy 1 and 2; nothing else can be called.
ALLOWED = {
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy.core.multiarray", "scalar"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "scalar"),
}


class _ArraysOnly(pickle.Unpickler):
    def find_class(self, module, name):
        if (module, name) not in ALLOWED:
            raise ValueError(
                f"asks for {module}.{name}; annotation pickles may hold NumPy arrays and plain values only"
            )
        # NumPy 2 moved the module and warns about the old name.
        return super().find_class(module.replace("numpy.core", "numpy._core") if _numpy2() else module, name)


def load(path):
    """Read a pickle (also Python 2's) of dicts, lists, strings, numbers and NumPy arrays."""
    with open(path, "rb") as file:
        try:
            return _ArraysOnly(file, encoding="latin1").load()
        except Exception as error:  # a damaged pickle raises almost anything
            raise ValueError(f"{path}: not a pickle of plain annotations: {error}") from error


def _numpy2():
    import numpy

    return int(numpy.__version__.split(".")[0]) >= 2
