"""A trained network as a SavedModel for TF Serving, checked against the network that it was made of."""

import shutil
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from saved_models.fold import fold


def export(model, folder, labels=None):
    """Write the network's next version under `folder`, and return the version's path.

    Args:
        model: A trained functional network of clips.
        folder: The model's folder, as TF Serving wants it: `folder/1`, `folder/2`, ...
        labels: Names of the classes; by default those that came with the weights, or `class 0`, ...
    """
    classes = model.output_shape[-1]
    names = list(labels or getattr(model, "labels", None) or [f"class {i}" for i in range(classes)])
    if len(names) != classes:
        raise ValueError(f"{len(names)} labels were given, but {model.name} tells {classes} classes apart")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    version = 1 + max((int(path.name) for path in folder.iterdir() if path.name.isdigit()), default=0)
    target, partial = folder / str(version), folder / f".{version}.part"
    shutil.rmtree(partial, ignore_errors=True)
    try:
        _write(fold(model), names, partial)
        _check(model, partial)
        partial.rename(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return target


def _write(net, names, path):
    def serve(clip):
        logits = tf.cast(net(tf.cast(clip, "float32"), training=False), "float32")
        labels = tf.repeat(tf.constant([names]), tf.shape(clip)[0], axis=0)
        return {"logits": logits, "scores": tf.nn.softmax(logits), "labels": labels}

    clip = tf.TensorSpec((None, *net.input_shape[1:]), tf.uint8, name="clip")
    archive = keras.export.ExportArchive()
    archive.track(net)
    archive.add_endpoint(name="serve", fn=serve, input_signature=[clip])
    archive.write_out(str(path), verbose=False)


def _check(model, path, tolerance=1e-4):
    """Refuse a SavedModel whose logits are not the network's, on two random clips."""
    _, frames, height, width, channels = model.input_shape
    shape = (2, frames or 16, height or 96, width or 96, channels)
    clip = np.random.default_rng(0).integers(0, 256, shape).astype("uint8")
    expected = keras.ops.convert_to_numpy(model(clip, training=False))
    served = tf.saved_model.load(str(path)).signatures["serving_default"](clip=tf.constant(clip))["logits"].numpy()
    error = np.abs(served - expected).max() / max(1, np.abs(expected).max())
    if not error <= tolerance:
        raise ValueError(
            f"the SavedModel of {model.name} answers {error:.2g} away from the network: it was not written"
        )
