"""Pickles of strangers: arrays and plain values come out whole, everything else is refused by name."""

import os
import pickle

import numpy as np
import pytest

from keras_vid.weights.convert.pickles import load_arrays


class Evil:
    def __reduce__(self):
        return (os.getcwd, ())


@pytest.mark.parametrize("protocol", range(6))
def test_arrays_and_scalars_come_out_whole(tmp_path, protocol):
    value = {"a": np.arange(3, dtype="uint8"), "n": np.uint16(700), "f": np.float32(0.5), "t": ["b", (1, None)]}
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(value, protocol))
    again = load_arrays(tmp_path / "a.pkl")
    assert again["a"].tolist() == [0, 1, 2] and again["a"].dtype == "uint8"
    assert again["n"] == 700 and again["n"].dtype == "uint16" and again["f"] == 0.5 and again["t"] == value["t"]


def test_what_python_2_wrote(tmp_path):
    """numpy.uint16(700) as Python 2 pickled it: the two bytes are a string there."""
    dtype = "cnumpy\ndtype\n(S'u2'\nI0\nI1\ntR(I3\nS'<'\nNNNI-1\nI-1\nI0\ntb"
    (tmp_path / "two.pkl").write_text(f"cnumpy.core.multiarray\nscalar\n({dtype}S'\\xbc\\x02'\ntR.")
    assert load_arrays(tmp_path / "two.pkl", encoding="latin1") == 700


def test_calls_are_refused_not_run(tmp_path):
    path = tmp_path / "evil.pkl"
    path.write_bytes(pickle.dumps({"a": Evil()}))
    with pytest.raises(ValueError, match="evil.pkl.*refused posix.getcwd"):
        load_arrays(path)


def test_damage_is_one_error(tmp_path):
    whole = pickle.dumps({"a": np.arange(30.0), "n": np.uint16(7)})
    path = tmp_path / "damaged.pkl"
    for cut in range(0, len(whole) - 1, 7):
        path.write_bytes(whole[:cut])
        with pytest.raises(ValueError, match="damaged.pkl"):
            load_arrays(path)
    with pytest.raises(FileNotFoundError):
        load_arrays(tmp_path / "nowhere.pkl")
