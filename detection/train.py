"""A training run of a detector: from a recipe and a table of boxes to a run folder that can be resumed.

The run folder holds args.json, log.csv, last.keras (with the optimizer: the run goes on from it), skipped.csv and
events/ for TensorBoard, where some test keyframes are drawn with what is found and what is there.
"""

import csv
import json
import os
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from keras_vid.detection.data.inputs import Clips, examples, keyframes
from keras_vid.detection.draw import WHITE, draw
from keras_vid.detection.modeling.branches import pretrain
from keras_vid.detection.modeling.detector import Detector
from keras_vid.detection.modeling.settings import Settings
from keras_vid.detection.predict import detect

from keras_vid.utils.errors import InputError, MissingFile
from keras_vid.video import read
from keras_vid.weights.load import row_options


def train(row, data, folder, *, test=None, seed=0, resume=False, flow=None):
    """Train a detector by a recipe, and return it.

    Args:
        row: What `keras_vid.detection.recipes.recipe` answers.
        data: (table, {video: path}) of the training set.
        folder: The run folder.
        test: The same of the test set, for the pictures in TensorBoard.
        resume: Go on from the folder's last checkpoint.
        flow: {video: folder of flow}, for a flow stream.
    """
    folder = Path(folder)
    last = folder / "last.keras"
    if last.exists() and not resume:
        raise InputError(f"{folder} holds a run: resume it, or choose another folder")
    table, paths = data
    there = [video for video in table.videos if video in paths]
    if not there:
        raise MissingFile(f"none of the {len(table.videos)} videos is there; the first is {table.videos[0]}")
    table = table.only(there)
    folder.mkdir(parents=True, exist_ok=True)
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    several = tf.distribute.MirroredStrategy([device.name for device in devices]) if len(devices) > 1 else None
    strategy = several or tf.distribute.get_strategy()
    keras.utils.set_random_seed(seed)
    with strategy.scope():
        if last.exists():
            detector = keras.models.load_model(last)
        else:
            detector = start(table.classes, row)
            (folder / "args.json").write_text(json.dumps({**row, "seed": seed, "classes": table.classes}, indent=1))
    done = int(keras.ops.convert_to_numpy(detector.optimizer.iterations))
    clips = Clips(paths, detector.settings, flow)
    batch = row["batch_size"] * strategy.num_replicas_in_sync
    batches = examples(table, clips, batch, seed=seed, start_step=done, flip=row["flip"])
    callbacks = [
        keras.callbacks.TensorBoard(folder / "events", profile_batch=0),
        keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: save(detector, last)),
        keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: log(folder / "log.csv", epoch, logs)),
        keras.callbacks.TerminateOnNaN(),
    ]
    if test is not None:
        callbacks.append(Pictures(test, folder / "events", flow))
    detector.fit(
        batches,
        steps_per_epoch=row["epoch"],
        initial_epoch=done // row["epoch"],
        epochs=max(row["steps"] // row["epoch"], 1),
        callbacks=callbacks,
        shuffle=False,
        verbose=2,
    )
    write_skipped(folder / "skipped.csv", clips.skipped, set(data[0].videos) - set(there))
    return detector


def start(classes, row):
    """A new detector of a recipe, with its pretrained weights and its optimizer."""
    clip_weights, keyframe_weights = row["weights"]
    settings = Settings(**row["settings"])
    if clip_weights:
        options = row_options(settings.network, clip_weights)
        options = {key: value for key, value in options.items() if key not in ("classes", "channels")}
        settings = Settings(**{**row["settings"], "network_options": {**options, **settings.network_options}})
    detector = Detector(classes, settings)
    pretrain(detector, clip_weights, keyframe_weights)
    rate = row["lr"]
    if row["drops"]:
        values = rate * np.cumprod([1.0, *row["drops"].values()])
        rate = keras.optimizers.schedules.PiecewiseConstantDecay(list(row["drops"]), values.tolist())
    kinds = {
        "momentum": lambda **options: keras.optimizers.SGD(momentum=0.9, **options),
        "adam": keras.optimizers.Adam,
    }
    detector.compile(kinds[row["optimizer"]](learning_rate=rate, global_clipnorm=row["clip_norm"]))
    return detector


def save(detector, path):
    """Save a detector whole or not at all."""
    part = path.with_name(f".{os.getpid()}.{path.name}")
    detector.save(part)
    os.replace(part, path)


def log(path, epoch, losses):
    """Add an epoch's losses to a CSV file."""
    fresh = not path.exists()
    with open(path, "a", newline="") as file:
        rows = [("epoch", *sorted(losses))] if fresh else []
        csv.writer(file).writerows([*rows, (epoch, *(f"{losses[name]:.6g}" for name in sorted(losses)))])


def load(source):
    """A trained detector from a run folder or a .keras file."""
    path = Path(source)
    path = path / "last.keras" if path.is_dir() else path
    if not path.is_file():
        raise MissingFile(f"{path} does not exist: give a run folder of keras-vid detect train, or a .keras file")
    try:
        return keras.models.load_model(path, compile=False)
    except Exception as error:
        raise InputError(f"{path} is no readable .keras file: {str(error).splitlines()[0]}") from error


class Pictures(keras.callbacks.Callback):
    """Draws what is found in some test keyframes into TensorBoard after every epoch; the ground truth is white.

    Args:
        test: (table, {video: path}).
        folder: Of the events.
        count: How many keyframes, spread over the set.
    """

    def __init__(self, test, folder, flow=None, count=6, min_score=0.3):
        super().__init__()
        self.gt, self.paths = test
        self.folder, self.flow, self.count, self.min_score = folder, flow, count, min_score

    def on_epoch_end(self, epoch, logs=None):
        gt = self.gt
        keys = keyframes(gt)[np.linspace(0, len(keyframes(gt)) - 1, self.count).astype(int)]
        clips = Clips(self.paths, self.model.settings, self.flow)
        writer = tf.summary.create_file_writer(str(self.folder / "pictures"))
        with writer.as_default(step=epoch + 1):
            named = [(gt.videos[video], int(frame)) for video, frame in keys]
            for name, frame, boxes, scores, labels in detect(self.model, clips, named):
                height, width = clips.size(name)
                rows = (gt.video == gt.videos.index(name)) & (gt.frame == frame)
                scale = np.array([width / gt.size[0], height / gt.size[1]] * 2) if gt.size else 1
                kept = scores >= self.min_score
                texts = [f"{gt.classes[label]} {score:.2f}" for label, score in zip(labels[kept], scores[kept])]
                picture = draw(read(self.paths[name], [frame])[0], boxes[kept], texts, labels[kept].tolist())
                picture = draw(picture, gt.box[rows] * scale, [""] * int(rows.sum()), [WHITE] * int(rows.sum()))
                tf.summary.image(f"{name} {frame}", picture[None])
        writer.close()


def write_skipped(path, skipped, missing):
    """List the videos that a run could not read, a `video,reason` a line; answers how many there are."""
    rows = [*sorted(skipped.items()), *((video, "not found") for video in sorted(missing))]
    with open(path, "w", newline="") as file:
        csv.writer(file).writerows([("video", "reason"), *rows])
    return len(rows)
