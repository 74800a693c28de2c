"""Any kind of trained network, ready to be asked: one `Predictor`, whichever engine computes its logits."""

import dataclasses
from collections.abc import Callable

import numpy as np
from keras_vid.saved_models.engines.flag import ENGINES
from keras_vid.saved_models.layout import saved_model_folder

from keras_vid.inference.predict import ranked, softmax
from keras_vid.utils.errors import InputError, VideoError
from keras_vid.view import ClipView


@dataclasses.dataclass(frozen=True)
class Predictor:
    """A network that is loaded, with what it is shown of a video.

    Attributes:
        name: What errors call the network.
        view: Its `ClipView`, with the names of all classes.
        engine: What computes: "tensorflow" (any backend of Keras).
        logits: Function of uint8 clips (B, T, H, W, C) that returns float32 logits (B, K). Clips that do not fit are an
            InputError.
        frames: How many frames of a video are looked at, for a network that leaves it open (`ClipView.read`).
    """

    name: str
    view: ClipView
    engine: str
    logits: Callable[[np.ndarray], np.ndarray]
    frames: int | str | None = None

    def at(self, frames=None, fps=None) -> "Predictor":
        """The same network, shown another number of frames of a video, or so many frames a second."""
        self.view.check_frames(frames, self.name)
        return dataclasses.replace(self, frames=frames, view=dataclasses.replace(self.view, fps=fps or self.view.fps))

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
        engine: "tensorflow", or "auto": the fastest that is ready.

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
    from keras_vid.saved_models.engines import tensorflow as engine_of

    if folder:
        name, view, logits = engine_of.of_saved_model(folder)
    else:
        name, view, logits = engine_of.of_keras(source, weights, labels)
    return Predictor(name, view, "tensorflow", logits)
