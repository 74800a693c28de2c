"""Features on disk, a small file for each clip: KERAS_VID_HOME/features/<network and view>/<clip>.npy.

What is found again depends on content, not on names: the network by its layers and weights, the view by its fields,
a video by its bytes. Files above 16 MiB are told by size, time of change, first and last MiB, for reading terabytes
to look something up would take longer than what is saved.

Every file appears whole or not at all, so that a pass that was killed goes on where it was, and several runs may read
and write the same features at once.
"""

import dataclasses
import hashlib
import io
import json
import os
from pathlib import Path

import numpy as np

from keras_vid.utils.files import as_json, atomic
from keras_vid.video.images import frame_files
from keras_vid.weights.fetch import home

WHOLE = 16 << 20  # bytes of a video that are all read
END = 1 << 20


def digest(*parts) -> str:
    """
    >>> digest("a", 1) == digest("a", 1), digest("a", 1) == digest("a", 2)
    (True, False)
    """
    found = hashlib.sha256()
    for part in parts:
        data = part if isinstance(part, (bytes, memoryview)) else json.dumps(part, sort_keys=True, default=str).encode()
        found.update(data)
        found.update(b"\0")
    return found.hexdigest()[:32]


def video_key(source) -> str:
    """The same for the same content, wherever it lies: a file, a folder of images, or an array.

    >>> video_key(np.zeros((2, 4, 4, 3), "uint8")) == video_key(np.zeros((2, 4, 4, 3), "uint8"))
    True
    """
    if isinstance(source, np.ndarray):
        return digest(source.shape, np.ascontiguousarray(source).tobytes())
    path = Path(source)
    if path.is_dir():
        stats = [(Path(file).name, Path(file).stat()) for file in frame_files(path)]
        return digest([(name, stat.st_size, stat.st_mtime_ns) for name, stat in stats])
    stat = path.stat()
    with open(path, "rb") as file:
        if stat.st_size <= WHOLE:
            return digest(file.read())
        first = file.read(END)
        file.seek(-END, os.SEEK_END)
        return digest(stat.st_size, stat.st_mtime_ns, first, file.read())


def network_key(network) -> str:
    """The same for the same layers and weights, whatever the layers are called."""
    kinds = [(type(layer).__name__, _nameless(layer.get_config())) for layer in network.layers]
    found = hashlib.sha256(digest(kinds).encode())
    for weight in network.get_weights():
        found.update(np.ascontiguousarray(weight).tobytes())
    return found.hexdigest()[:32]


def _nameless(config):
    if isinstance(config, dict):  # an initializer has a seed of its own in every process
        kept = {
            key: value for key, value in config.items() if not key.endswith(("name", "build_config", "initializer"))
        }
        return {key: _nameless(value) for key, value in kept.items()}
    return [_nameless(value) for value in config] if isinstance(config, (list, tuple)) else config


class Cache:
    """The kept features of one network and view.

    Args:
        network: The network up to the depths that are read.
        view: The ClipView by which videos are read.
        names: The depths that are read.
        folder: Where features are kept; None: below KERAS_VID_HOME.
    """

    def __init__(self, network, view, names, folder=None):
        seen = dataclasses.asdict(dataclasses.replace(view, labels=None))
        about = {"network": network.name, "depths": list(names), "view": seen}
        key = digest(network_key(network), about)
        self.folder = Path(folder or home() / "features") / f"{network.name}-{key[:16]}"
        self.folder.mkdir(parents=True, exist_ok=True)
        if not (self.folder / "about.json").is_file():
            with atomic(self.folder / "about.json", shared=True) as part:
                part.write_text(as_json(about), encoding="utf-8")

    def path(self, key, kind="vector"):
        return self.folder / key[:2] / f"{key}.{kind}.npy"

    def load(self, key, kind="vector", lazily=False):
        """The array that was kept, or None."""
        path = self.path(key, kind)
        if not path.is_file():
            return None
        try:
            return np.load(path, mmap_mode="r" if lazily else None, allow_pickle=False)
        except (ValueError, OSError, EOFError):  # not written by us: read anew
            return None

    def save(self, key, array, kind="vector"):
        path = self.path(key, kind)
        path.parent.mkdir(exist_ok=True)
        content = io.BytesIO()  # NumPy does not notice that a full disk took half of a small file
        np.save(content, array)
        with atomic(path, shared=True) as part:
            part.write_bytes(content.getbuffer())
