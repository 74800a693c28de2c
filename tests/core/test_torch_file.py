"""PyTorch's two file formats, written by hand: several tensors in one storage, and storages of several kinds."""

import io
import pickle
import sys
import types
import zipfile

import numpy as np
import pytest

from keras_vid.weights.convert import read_tensors

STORAGES = {"0": ("DoubleStorage", np.arange(8.0)), "1": ("HalfStorage", np.arange(3, dtype="float16"))}
# name: (storage, offset, shape, strides)
TENSORS = {"a": ("0", 0, (2,), (1,)), "b": ("0", 2, (2, 3), (1, 2)), "c": ("1", 1, (2,), (1,))}
EXPECTED = {"a": [0, 1], "b": [[2, 4, 6], [3, 5, 7]], "c": [1, 2]}


class Tensor:
    def __init__(self, key, *place):
        self.key, self.place = key, place

    def __reduce__(self):
        return sys.modules["torch._utils"]._rebuild_tensor_v2, (Storage(self.key), *self.place, False, {})


class Storage:
    def __init__(self, key):
        self.key = key


@pytest.fixture
def dumped(monkeypatch):
    """A function that pickles as torch.save does; PyTorch itself is stood in for by names."""
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    torch._utils = utils

    def _rebuild_tensor_v2():
        """Only its name is in the file."""

    _rebuild_tensor_v2.__module__, _rebuild_tensor_v2.__qualname__ = "torch._utils", "_rebuild_tensor_v2"
    utils._rebuild_tensor_v2 = _rebuild_tensor_v2
    for kind, _ in STORAGES.values():
        setattr(torch, kind, type(kind, (), {"__module__": "torch"}))
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "torch._utils", utils)

    class Pickler(pickle.Pickler):
        def persistent_id(self, item):
            if isinstance(item, Storage):
                kind, values = STORAGES[item.key]
                return "storage", getattr(torch, kind), item.key, "cpu", len(values)

    def dump(item):
        file = io.BytesIO()
        Pickler(file, 2).dump(item)
        return file.getvalue()

    return dump


def check(path):
    tensors = read_tensors(path)
    assert {name: array.tolist() for name, array in tensors.items()} == EXPECTED
    assert tensors["c"].dtype == "float16"


def test_a_zip_archive(dumped, tmp_path):
    with zipfile.ZipFile(tmp_path / "zip.pth", "w") as archive:
        archive.writestr("archive/data.pkl", dumped({name: Tensor(*place) for name, place in TENSORS.items()}))
        for key, (_, values) in STORAGES.items():
            archive.writestr(f"archive/data/{key}", values.tobytes())
    check(tmp_path / "zip.pth")


def test_the_format_before_1_6(dumped, tmp_path):
    state = {name: Tensor(*place) for name, place in TENSORS.items()}
    parts = [dumped(item) for item in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}, state, list(STORAGES))]
    parts += [len(values).to_bytes(8, "little") + values.tobytes() for _, values in STORAGES.values()]
    (tmp_path / "old.pth").write_bytes(b"".join(parts))
    check(tmp_path / "old.pth")
