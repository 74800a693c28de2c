"""A trained detector as a SavedModel: clip and keyframe in, boxes, scores and labels out."""

import keras
import numpy as np
import tensorflow as tf
from keras_vid.saved_models.export import next_version

from keras_vid.utils.errors import InputError

CHANNELS = {"clip": 3, "flow": 2}


def export(detector, folder):
    """Write the detector's next version under `folder` (`folder/1`, `folder/2`, ...) and return the version's path.

    The signature `serving_default` takes uint8 `clip` (B, T, H, W, 3) and `keyframe` (B, H, W, 3), for a flow stream
    `flow` (B, T, H, W, 2), of any height and width. It returns `boxes` (B, D, 4) in pixels of the keyframe, `scores`
    (B, D), best first, `labels` as strings (B, D), and `count` (B,): from there on the rest is padding.
    """
    with next_version(folder) as (target, partial):
        archive = keras.export.ExportArchive()
        archive.track(detector)
        archive.add_endpoint(name="serve", fn=serving(detector), input_signature=signature(detector))
        archive.write_out(str(partial), verbose=False)
        _check(detector, partial)
    return target


def signature(detector):
    """What the SavedModel takes."""
    frames = detector.settings.frames
    kinds = [kind for kind, stream in (("clip", "rgb"), ("flow", "flow")) if stream in detector.clip_maps]
    specs = [tf.TensorSpec((None, frames, None, None, CHANNELS[kind]), tf.uint8, name=kind) for kind in kinds]
    return [tf.TensorSpec((None, None, None, 3), tf.uint8, name="keyframe"), *specs]


def serving(detector):
    """The function of the SavedModel: stretches to the detector's size, and boxes back."""
    size, classes = detector.settings.size, detector.classes
    kinds = [spec.name for spec in signature(detector)]

    def fit(pictures):
        flat = tf.reshape(pictures, (-1, *tf.unstack(tf.shape(pictures))[-3:]))
        flat = tf.image.resize(flat, size, antialias=True)
        lead = tf.shape(pictures)[:-3]
        shape = tf.concat([lead, [*size, pictures.shape[-1]]], axis=0)
        return tf.ensure_shape(tf.reshape(flat, shape), (*pictures.shape[:-3], *size, pictures.shape[-1]))

    def serve(*pictures):
        height, width = tf.unstack(tf.cast(tf.shape(pictures[0])[1:3], tf.float32))
        detections = detector({kind: fit(x) for kind, x in zip(kinds, pictures)}, training=False)
        scale = tf.stack([width / size[1], height / size[0]] * 2)
        valid = tf.sequence_mask(detections["count"], tf.shape(detections["labels"])[1])
        labels = tf.where(valid, tf.gather(tf.constant(classes), detections["labels"]), "")
        return {**detections, "boxes": detections["boxes"] * scale, "labels": labels}

    return serve


def _check(detector, path):
    """Refuse a SavedModel whose outputs differ from the detector's on random pictures of its own size."""
    rng = np.random.default_rng(0)
    size, frames = detector.settings.size, detector.settings.frames
    inputs = {"keyframe": rng.integers(0, 256, (1, *size, 3)).astype("uint8")}
    for kind in [spec.name for spec in signature(detector)[1:]]:
        inputs[kind] = rng.integers(0, 256, (1, frames, *size, CHANNELS[kind])).astype("uint8")
    expected = detector(inputs, training=False)
    served = tf.saved_model.load(str(path)).signatures["serving_default"](
        **{k: tf.constant(v) for k, v in inputs.items()}
    )
    for name, tolerance in (("scores", 1e-3), ("boxes", 0.1)):
        error = np.abs(np.asarray(expected[name]) - served[name].numpy()).max()
        if not error <= tolerance:
            raise InputError(f"the SavedModel's {name} are {error:.2g} away from the detector's: it was not written")
