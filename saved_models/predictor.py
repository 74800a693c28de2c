"""Any kind of trained network, ready to be asked: one `Predictor`, whichever engine computes its logits."""

import dataclasses
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from keras_vid.saved_models.engines import openvino, ready
from keras_vid.saved_models.engines.flag import ENGINES
from keras_vid.saved_models.layout import saved_model_folder

from keras_vid.inference.predict import ranked, softmax
from keras_vid.utils.errors import DiskFull, InputError, VideoError
from keras_vid.utils.optional import need
from keras_vid.view import ClipView

if TYPE_CHECKING:
    import keras


@dataclasses.dataclass(frozen=True)
class Predictor:
    """A network that is loaded, with what it is shown of a video.

    Attributes:
        name: What errors call the network.
        view: Its `ClipView`, with the names of all classes.
        logits: Function of uint8 clips (B, T, H, W, C) that returns float32 logits (B, K). Clips that do not fit are an
            InputError.
        engine: What computes: "tensorflow" (and any other backend of Keras), or "openvino".
        network: The Keras network itself, where it was loaded.
        frames: How many frames of a video are read, for a network that leaves it open (`ClipView.read`).
    """

    name: str
    view: ClipView
    logits: Callable[[np.ndarray], np.ndarray]
    engine: str
    network: "keras.Model | None" = None
    frames: int | str | None = None

    def at(self, frames=None, fps=None, stride=None) -> "Predictor":
        """The same network, shown `frames` frames of a video, `fps` of each second, of these every `stride`-th."""
        self.view.check_frames(frames, self.name)
        view = dataclasses.replace(self.view, fps=fps or self.view.fps, stride=stride or self.view.stride)
        return dataclasses.replace(self, frames=frames, view=view)

    def read(self, video) -> np.ndarray:
        """The clip (T, H, W, C) of a video, as the network is shown it. May be called in threads, ahead of `label`."""
        return self.view.read(video, self.frames)

    def label(self, clip, video="the clip", top=5) -> list[tuple[str, float]]:
        """The most probable labels of a clip, `[(label, probability), ...]`; errors name the video."""
        try:
            logits = self.logits(np.asarray(clip)[None])
        except InputError as error:
            raise VideoError(f"{video}: {error}") from error
        return ranked(softmax(logits[0]), self.view.labels, top)


def open_predictor(source, weights=None, labels=None, engine="auto") -> Predictor:
    """A `Predictor` of whatever names a network.

    Args:
        source: A network's name, a run folder, a `.keras` file, a SavedModel folder of keras-vid export, or a network.
        weights: For a network's name: a name of the table, or a file.
        labels: Names of the classes, for a network that brings none.
        engine: "tensorflow"; "openvino", which makes a file of the network where there is none yet; or "auto": OpenVINO
            where it is installed and has a file of the network, else TensorFlow.

    >>> import keras_vid, numpy
    >>> predictor = open_predictor(keras_vid.create("fast_s3d", classes=2, size=32), labels=["run", "jump"])
    >>> predictor.logits(numpy.zeros((1, 16, 32, 32, 3), "uint8")).shape
    (1, 2)
    """
    if engine not in ENGINES:
        raise InputError(f"an engine is one of {', '.join(ENGINES)}, not {engine!r}")
    folder = saved_model_folder(source)
    if folder and (weights or labels):
        raise InputError(f"{source} is a SavedModel, with weights and labels of its own")
    file = folder / openvino.FILE if folder else ready.path_of(source, weights)
    if engine == "auto":
        engine = "openvino" if file and file.is_file() and openvino.is_installed() else "tensorflow"
    network = None
    if engine == "openvino":
        need("openvino", "openvino")
        if folder:
            found = openvino.of_saved_model(folder)
        elif file:
            found = openvino.of_file(file if file.is_file() else _made_ready(file, _loaded(source, weights)), labels)
        else:
            network = _loaded(source, weights)
            found = openvino.of_keras(network, labels)
    else:
        from keras_vid.saved_models.engines import tensorflow

        network = None if folder else _loaded(source, weights)
        found = tensorflow.of_saved_model(folder) if folder else tensorflow.of_keras(network, labels)
    return Predictor(*found, engine, network)


def keep_ready(predictor, source, weights=None) -> None:
    """Leave a file with which the next `open_predictor(source, weights)` neither builds the network nor imports
    TensorFlow: where OpenVINO is installed, there is none yet, and `KERAS_VID_READY` is not 0. It takes some seconds.

    Args:
        predictor: What `open_predictor(source, weights)` returned.
    """
    file = ready.path_of(source, weights)
    if predictor.network is None or file is None or file.is_file():
        return
    if openvino.is_installed() and os.environ.get("KERAS_VID_READY") != "0":
        try:
            _made_ready(file, predictor.network)
        except (InputError, RuntimeError, OSError, DiskFull) as error:  # the answers are there without it
            print(f"not kept ready: {' '.join(str(error).split())}", file=sys.stderr)


def _made_ready(file, network):
    print(f"keeping {network.name} ready for the next time in {file.parent} ...", file=sys.stderr)
    return ready.write(file, network)


def _loaded(source, weights):
    """The Keras network: the one that is given, or that is named."""
    from keras_vid.inference.load import load_model

    return load_model(source, weights=weights) if isinstance(source, (str, Path)) else source
