"""Shared by all tests: quiet TensorFlow, a fixed seed, and the folder of real data where there is one."""

import gc
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as the command line does: see keras_vid/cli.py
os.environ.setdefault("KERAS_VID_READY", "0")  # tests leave no ready files but where they ask for them
if "PYTEST_XDIST_WORKER_COUNT" in os.environ:  # tests that run at a time share the cores: waiting threads would spin
    share = max(1, os.cpu_count() // int(os.environ["PYTEST_XDIST_WORKER_COUNT"]))
    for name in ("TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(name, str(share))

import pytest

gc.set_threshold(5_000, 10, 5)  # Python's own 700 costs a third of the time in which networks are built


def pytest_collection_finish():
    """What imports made stays: no search for garbage needs to look at it."""
    gc.freeze()


@pytest.fixture
def data():
    """The folder of real videos, annotations and weights named by KERAS_VID_DATA."""
    folder = os.environ.get("KERAS_VID_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("KERAS_VID_DATA names no folder of real data")
    return Path(folder)


@pytest.fixture(autouse=True)
def seed():
    """Every test starts from the same random state, so that it fails alone as it fails in the suite."""
    import keras

    keras.utils.set_random_seed(0)
