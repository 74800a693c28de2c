"""A video in, its most probable labels out."""

import dataclasses

import numpy as np

from keras_vid.utils.errors import InputError, VideoError
from keras_vid.view import called


def predict(model, source, top=5, frames=None, labels=None, fps=None) -> list[tuple[str, float]]:
    """The most probable labels of a video, as `[(label, probability), ...]`.

    Args:
        model: A network with trained weights, a run folder or a `.keras` file.
        source: A video file, a folder of images, or an array (T, H, W, 3) of RGB 0..255.
        top: How many labels.
        frames: How many frames to look at, from the middle of the video, for a network that leaves it open: a number,
            `"all"`, or None for up to 250. A network with a fixed number of frames decides itself.
        labels: Names of the classes; by default those that came with the weights.
        fps: Frames that are read of each second of the video (25 for DeepMind's I3D); None: each of its own.

    >>> import numpy, keras_vid
    >>> model = keras_vid.create("s3d", classes=2, size=32)
    >>> found = predict(model, numpy.zeros((16, 32, 32, 3), "uint8"), labels=["jump", "run"])
    >>> sorted(label for label, _ in found)
    ['jump', 'run']
    """
    from keras_vid.inference.load import open_model  # here, so that what needs no Keras does not import it

    model, view = open_model(model, labels)
    if fps:
        view = dataclasses.replace(view, fps=fps)
    view.check_frames(frames, model.name)
    return label_clip(model, view.read(source, frames), view.labels, top, called(source))


def label_clip(model, clip, names, top, name):
    """The labels of one clip (T, H, W, C) that was read for the network; `name` is the video's in errors."""
    try:
        return ranked(softmax(logits_of_clip(model, clip)), names, top)
    except InputError as error:
        raise VideoError(f"{name}: {error}") from error


def logits_of_clip(model, clip):
    """The logits (K,) of one clip (T, H, W, C), which may have too few frames for the network."""
    try:
        model.compute_output_shape((1, *clip.shape))
    except ValueError as error:
        raise InputError(f"{len(clip)} frames are too few for {model.name} ({error})") from error
    return model.predict_on_batch(clip[None])[0]  # compiled: up to ten times as fast as a plain call


def softmax(logits):
    """Probabilities of logits (..., K), in float64.

    >>> softmax([0.0, 0.0]).tolist()
    [0.5, 0.5]
    """
    logits = np.asarray(logits, "float64")
    scores = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return scores / scores.sum(axis=-1, keepdims=True)


def ranked(scores, names, top):
    """
    >>> ranked([0.1, 0.7, 0.2], ["run", "jump", "fall"], top=2)
    [('jump', 0.7), ('fall', 0.2)]
    """
    best = np.argsort(-np.asarray(scores), kind="stable")[:top]
    return [(names[i], float(scores[i])) for i in best]


def random_clips(model, count=2, seed=0):
    """Random uint8 clips that fit a network, noise and standing blocks in turn; 16 frames of 96 x 96 where it is free.

    Noise alone would be classified alike, whichever it is: a network sees its mean.
    """
    _, frames, height, width, channels = model.input_shape
    frames, height, width = frames or 16, height or 96, width or 96
    clips = np.random.default_rng(seed).integers(0, 256, (count, frames, height, width, channels), "uint8")
    blocks = clips[1::2, ::4, ::8, ::8].repeat(4, 1).repeat(8, 2).repeat(8, 3)
    clips[1::2] = blocks[:, :frames, :height, :width]
    return clips
