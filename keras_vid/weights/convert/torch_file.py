"""PyTorch weight files (.pth, .pt, .safetensors) read with NumPy alone: no torch, and no code from the file is run."""

import json
import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path

import numpy as np

from keras_vid.utils.errors import InputError

SAVED = "write it with torch.save(model.state_dict(), FILE)"
TORCH_MAGIC = 0x1950A86A20F9469CFC6C
DTYPES = {
    "FloatStorage": np.float32,
    "DoubleStorage": np.float64,
    "HalfStorage": np.float16,
    "LongStorage": np.int64,
    "IntStorage": np.int32,
    "ShortStorage": np.int16,
    "CharStorage": np.int8,
    "ByteStorage": np.uint8,
    "BoolStorage": np.bool_,
    "BFloat16Storage": "bfloat16",
}
SAFETENSORS = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "U8": "u1", "BF16": "bfloat16"}


def read_torch_state(path):
    """`{name: array}` of a state dict, also inside a training checkpoint; `module.` is cut off the names."""
    path = Path(path)
    try:
        if path.suffix == ".safetensors":
            state = _read_safetensors(path)
        elif zipfile.is_zipfile(path):
            state = _read_zip(path)
        else:
            state = _read_legacy(path)
    except FileNotFoundError:
        raise
    except Exception as error:  # a damaged pickle raises almost anything
        raise InputError(f"{path} is not a PyTorch weight file: {error}") from error
    for key in ("state_dict", "model_state", "model"):
        if isinstance(state, dict) and isinstance(state.get(key), dict):
            state = state[key]
    if not isinstance(state, dict):
        raise InputError(f"{path} holds a {type(state).__name__}, not tensors by name: {SAVED}")
    arrays = {
        str(name).removeprefix("module."): array for name, array in state.items() if isinstance(array, np.ndarray)
    }
    if not arrays:
        raise InputError(f"{path} holds no tensors")
    return arrays


def _read_safetensors(path):
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    body = memoryview(data)[8 + length :]
    arrays = {}
    for name, entry in header.items():
        if name != "__metadata__":
            start, end = entry["data_offsets"]
            arrays[name] = _array(body[start:end], SAFETENSORS[entry["dtype"]]).reshape(entry["shape"])
    return arrays


def _array(data, dtype):
    if dtype == "bfloat16":  # the upper half of a float32
        return (np.frombuffer(data, "<u2").astype(np.uint32) << 16).view(np.float32)
    return np.frombuffer(data, dtype)


def _read_zip(path):
    with zipfile.ZipFile(path) as archive:
        root = next((name for name in archive.namelist() if name.endswith("data.pkl")), None)
        if root is None:
            raise InputError(f"the zip archive holds no data.pkl: {SAVED}")
        folder = root[: -len("data.pkl")]

        def storage(kind, key):
            return _array(archive.read(f"{folder}data/{key}"), DTYPES[kind])

        with archive.open(root) as file:
            return _unpickler(file, storage).load()


def _read_legacy(path):
    """The format before PyTorch 1.6: five pickles, then the storages' bytes."""
    storages = {}

    def storage(kind, key):
        return storages.setdefault(key, _Pending(DTYPES[kind]))

    with open(path, "rb") as file:
        if _unpickler(file, storage).load() != TORCH_MAGIC:
            raise InputError("it starts with neither a zip archive nor PyTorch's magic number")
        for _ in range(2):  # protocol and system, which need no look
            _unpickler(file, storage).load()
        state = _unpickler(file, storage).load()
        for key in _unpickler(file, storage).load():
            count = int.from_bytes(file.read(8), "little")
            pending = storages[key]
            size = 2 if pending.dtype == "bfloat16" else np.dtype(pending.dtype).itemsize
            pending.data = _array(file.read(count * size), pending.dtype)
    return _resolve(state)


class _Skipped:
    """Stands for an object of a class that has nothing to do with weights, whatever the file does to it."""

    def __init__(self, *args, **options):
        pass

    def __setstate__(self, state):
        pass

    def __setitem__(self, key, value):
        pass

    def append(self, item):
        pass

    def extend(self, items):
        pass


class _Pending:
    """A storage whose bytes come later in the file than the tensors that view it."""

    def __init__(self, dtype):
        self.dtype = dtype
        self.data = None


def _resolve(item):
    if isinstance(item, dict):
        return {key: _resolve(value) for key, value in item.items()}
    return item() if callable(item) else item


def _unpickler(file, storage):
    class Restricted(pickle.Unpickler):
        def find_class(self, module, name):
            if module == "collections" and name == "OrderedDict":
                return OrderedDict
            if module == "torch._utils" and name == "_rebuild_tensor_v2":
                return _tensor
            if module == "torch._utils" and name == "_rebuild_parameter":
                return lambda data, requires_grad, hooks: data
            if module == "torch" and name in DTYPES:
                return name
            if name.startswith("_rebuild"):
                raise pickle.UnpicklingError(f"refused {module}.{name}: tensors of this kind are not read")
            return _Skipped  # a configuration or an optimiser beside the weights: nothing of it is imported

        def persistent_load(self, key):
            _, kind, name, *_ = key
            return storage(kind, name)

    return Restricted(file)


def _tensor(storage, offset, shape, strides, *_):
    def view():
        data = storage.data if isinstance(storage, _Pending) else storage
        last = offset + sum((n - 1) * s for n, s in zip(shape, strides))
        if 0 not in shape and (last >= data.size or offset < 0 or min(strides, default=0) < 0):
            raise InputError("a tensor reaches past the end of its data: the file is cut off or damaged")
        return np.lib.stride_tricks.as_strided(data[offset:], shape, [s * data.itemsize for s in strides]).copy()

    return view if isinstance(storage, _Pending) else view()
