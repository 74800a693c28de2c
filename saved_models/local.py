"""Any kind of trained network, in this process, as two steps: the clip of a video, and the labels of a clip."""

import json
from pathlib import Path

from keras_vid.recognise import answer, centre_crop, check_frames, named, ranked, read_clip, read_uncropped
from keras_vid.zoo import VARIANTS, load_model
from saved_models.serve_config import versions


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
            raise ValueError(f"{model} is a SavedModel, with weights and labels of its own")
        return _served(folder, top, frames, fps)
    network, names = named(load_model(model, weights=weights), labels)
    check_frames(network.input_shape[1], frames, network.name)
    return (
        lambda video: read_clip(network, video, frames, fps),
        lambda clip, video: answer(network, clip, names, top, video),
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
    _, fixed, height, width, _ = serve.structured_input_signature[1]["clip"].shape
    check_frames(fixed, frames, str(folder))
    about = folder / "metadata.json"
    metadata = json.loads(about.read_text(encoding="utf-8")) if about.is_file() else {}

    def read(video):
        clip = read_uncropped(
            video, (fixed, height, width), group_of(metadata, fixed), frames, fps, metadata.get("aspect")
        )
        return centre_crop(clip, height, width)

    def label(clip, video):
        try:
            outputs = serve(clip=tf.constant(clip[None]))
        except tf.errors.InvalidArgumentError as error:
            raise ValueError(f"{video}: {len(clip)} frames do not fit {folder} ({error.message})") from error
        names = [name.decode() for name in outputs["labels"].numpy()[0]]
        return ranked(outputs["scores"].numpy()[0], names, top)

    label.keep = loaded  # a signature does not keep its weights alive
    return read, label


def group_of(metadata, fixed):
    """`keras_vid.recognise.group` of an exported network. Where its metadata do not tell it, a fixed number of frames
    is taken to be spread over the video, and an open one to be neighbours."""
    return metadata.get("group", 1 if fixed else None)
