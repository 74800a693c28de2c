"""The logits of a test: by Keras or another engine, of clips of any length."""

import functools

import numpy as np
import tensorflow as tf
from keras_vid.saved_models.predictor import Predictor, open_predictor
from keras_vid.training.data import views

from keras_vid.utils.errors import InputError


def computed_by(network, engine):
    """The network itself, whose graph TensorFlow computes, or its `Predictor` where another engine is asked for."""
    return network if engine in ("auto", "tensorflow") else open_predictor(network, engine=engine)


def windowed(network):
    """clips -> logits, as one graph for clips of any length where the network takes them.

    A clip of more than views.WINDOW frames goes through in windows of equal length, for the memory that the first maps
    take grows with the frames; its logits are the mean over all frames, as those of these networks' own heads are. A
    clip that is too short for the network has NaN.

    Args:
        network: A Keras network, or a `Predictor` of another engine or of an exported network.
    """
    ready = isinstance(network, Predictor)
    graph = network.logits if ready else _graph(network)
    frames_of_all, classes = _frames_of(network), len(network.view.labels) if ready else network.output_shape[-1]
    fits = functools.lru_cache(lambda frames: ready or _fits(network, frames))

    def logits_of(clip):
        frames = int(clip.shape[1])
        if frames_of_all is None and not fits(frames):
            return np.full((len(clip), classes), np.nan)
        try:
            if frames_of_all is not None or frames <= views.WINDOW:
                return np.asarray(graph(clip))
            windows = np.array_split(np.arange(frames), -(-frames // views.WINDOW))
            parts = [np.asarray(graph(clip[:, part[0] : part[-1] + 1])) * len(part) for part in windows]
        except InputError:  # of a Predictor
            if frames_of_all is not None:
                raise
            return np.full((len(clip), classes), np.nan)
        return np.sum(parts, axis=0) / frames

    return logits_of


def _frames_of(network):
    return network.view.frames if isinstance(network, Predictor) else network.input_shape[1]


def _fits(network, frames):
    """Whether a Keras network that takes clips of any length takes one of `frames` frames."""
    if frames >= 64:
        return True
    try:
        network.compute_output_shape((1, frames, *network.input_shape[2:]))
    except ValueError:
        return False
    return True


def why_not(network, frames):
    """Why the network returns NaN for a clip of `frames` frames."""
    too_short = isinstance(network, Predictor) or not _fits(network, frames)
    if _frames_of(network) is None and too_short:
        return f"its {frames} frames are too few for this network"
    return "the network returns NaN for it"


def _graph(network):
    signature = tf.TensorSpec(network.input_shape, tf.uint8)
    return tf.function(lambda clip: network(clip, training=False), input_signature=[signature])
