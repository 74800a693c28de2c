"""Any kind of trained network, in this process, as two steps: the clip of a video, and the labels of a clip."""

import dataclasses
import json
from pathlib import Path

from keras_vid.saved_models.serving.serve_config import versions

from keras_vid.inference.load import load_model, open_model
from keras_vid.inference.predict import label_clip, ranked
from keras_vid.models.variants import VARIANTS
from keras_vid.utils.errors import InputError
from keras_vid.view import ClipView


def two_steps(model, weights=None, labels=None, top=5, frames=None, fps=None):
    """`(read, label)`: `read(video)` may run ahead in threads, `label(clip, video)` answers `[(label, probability)]`.

    Args:
        model: A network's name, a run folder, a `.keras` file, or a SavedModel folder that keras-vid export wrote.
        weights, labels: Of a network that brings none: as in `keras_vid.create`; names of the classes.
        top, frames, fps: As in `keras_vid.predict`.
    """
    folder = None if model in VARIANTS else saved_model_folder(model)
    if folder:
        if weights or labels:
            raise InputError(f"{model} is a SavedModel, with weights and labels of its own")
        return _served(folder, top, frames, fps)
    network, view = open_model(load_model(model, weights=weights), labels)
    view.check_frames(frames, network.name)
    view = dataclasses.replace(view, fps=fps or view.fps)
    return (
        lambda video: view.read(video, frames),
        lambda clip, video: label_clip(network, clip, view.labels, top, video),
    )


def saved_model_folder(path):
    """The folder of a SavedModel: the path itself, or its newest version; None of what is no SavedModel."""
    if (Path(path) / "saved_model.pb").is_file():
        return Path(path)
    found = versions(path)
    return found[-1] if found else None


def _served(folder, top, frames, fps):
    import tensorflow as tf

    loaded = tf.saved_model.load(str(folder))
    serve = loaded.signatures["serving_default"]
    about = folder / "metadata.json"
    metadata = json.loads(about.read_text(encoding="utf-8")) if about.is_file() else {}
    view = view_from(metadata, serve.structured_input_signature[1]["clip"].shape)
    view.check_frames(frames, str(folder))
    view = dataclasses.replace(view, fps=fps or view.fps)

    def read(video):
        return view.read(video, frames)

    def label(clip, video):
        try:
            outputs = serve(clip=tf.constant(clip[None]))
        except tf.errors.InvalidArgumentError as error:
            raise InputError(f"{video}: {len(clip)} frames do not fit {folder} ({error.message})") from error
        names = [name.decode() for name in outputs["labels"].numpy()[0]]
        return ranked(outputs["scores"].numpy()[0], names, top)

    label.keep = loaded  # a signature does not keep its weights alive
    return read, label


def view_from(metadata, shape):
    """The view of an exported network, of its metadata and the shape of its `clip`. Without metadata, a fixed number of
    frames is taken to be spread over the video, and an open one to be neighbours."""
    if "view" in metadata:
        return ClipView.from_dict(metadata["view"])
    _, frames, height, width, channels = shape
    return ClipView(frames, height, width, channels, group=1 if frames else None)
