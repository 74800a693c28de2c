"""A training run of a detector: from a recipe and a table of boxes to a run folder, on the machinery of every run.

The folder holds what other runs hold (keras_vid.training.run.folder), `best.keras` being the detector of the highest
frame-mAP on the test keyframes, skipped.csv, and in events/ some test keyframes drawn with what is found and what is
there.
"""

import csv
import dataclasses
import math
import sys
from pathlib import Path

import keras
import numpy as np
from keras_vid.detection.data.inputs import Clips, examples, keyframes
from keras_vid.detection.modeling.branches import pretrain
from keras_vid.detection.modeling.detector import LOSSES, Detector
from keras_vid.detection.modeling.settings import Settings
from keras_vid.detection.validate import Pictures, validator
from keras_vid.training.data.pipeline import refuse_unreadable
from keras_vid.training.run import callbacks
from keras_vid.training.run.distribution import choose, position, set_precision, worker
from keras_vid.training.run.folder import RunFolder
from keras_vid.training.run.loop import Plan, StopSignals, fit
from keras_vid.training.run.train import Options, go_on
from keras_vid.training.run.trainer import Trainer

from keras_vid.utils.errors import InputError, MissingFile
from keras_vid.utils.files import atomic
from keras_vid.video import read
from keras_vid.weights.load import row_options


def train(row, data, output, *, test=None, options=None, flow=None, source=None):
    """Train a detector by a recipe, and return it.

    Args:
        row: A recipe of keras_vid.detection.recipes, as a dict.
        data: (table, {video: path}) of the training set.
        output: The run folder.
        test: The same of the test set: it chooses best.keras, and is drawn for TensorBoard.
        options: A `keras_vid.training.run.train.Options`: where and how it is carried out.
        flow: {video: folder of flow}, for a flow stream.
        source: Where the data came from, for args.json.
    """
    # the folder
    options = options or Options()
    number, _ = position(options.strategy, options.cluster, options.task)
    folder = RunFolder(output, writes=number == 0)
    say = (lambda line: print(line, file=sys.stderr, flush=True)) if folder.writes else lambda line: None
    with folder.opened(options.resume) as progress:
        # the data
        table, paths = readable(*data)

        # the detector and its optimizer
        strategy = choose(options.strategy, options.devices, options.cluster, options.task)
        keras.utils.set_random_seed(options.seed)
        set_precision(options.precision, say)
        plan = Plan(row["steps"], row["epoch"], row["batch_size"] * strategy.num_replicas_in_sync)
        settings = settings_of(row, table, plan, options)
        if options.resume:
            folder.check_same(settings)
        with strategy.scope():
            trainer = DetectorTrainer(*start(table.classes, row, pretrained=progress is None))
            if progress:
                plan = go_on(trainer, plan, progress, folder, say)
        detector = trainer.network
        single = strategy.num_replicas_in_sync == 1
        network = detector if single else Detector(table.classes, detector.settings)
        carried_out = {"source": source or {}, "command": " ".join(sys.argv), **dataclasses.asdict(options)}
        folder.write_settings({"recipe": row, **carried_out, **settings})

        # the callbacks
        clips = Clips(paths, detector.settings, flow)
        columns = callbacks.columns(LOSSES, ("frame_map",) if test else ())
        validate, command = validator(test, flow) if test else None, f"keras-vid detect train --resume -o {folder.path}"
        outputs = callbacks.Outputs(folder, network, columns, "frame_map", validate, command, options.save_every)
        with StopSignals() as stop:
            chain = [callbacks.Watch(plan.first, math.inf, named_keyframes(table, options.seed, plan))]
            chain += callbacks.standard(trainer, plan, outputs, stop, progress)
            if test and folder.writes:
                chain.insert(-1, Pictures(network, test, folder.events, flow))

            # fit
            fit(trainer, plan, inputs(table, clips, row, options, strategy), chain, clips)

        # finish
        if folder.writes:
            write_skipped(folder.path / "skipped.csv", clips.skipped, set(data[0].videos) - set(table.videos))
    return detector


class DetectorTrainer(Trainer):
    """A detector under training: it has its own losses, and sees pictures of any number of boxes."""

    def __init__(self, network, optimizer):
        super().__init__(network, None)
        self.autocast = False  # boxes in 16 bits would be off by a pixel
        self.compile(optimizer)
        with self.distribute_strategy.scope():
            self.optimizer.build(self.trainable_variables)

    @property
    def metrics(self):
        return [*super().metrics, *self.network.trackers]

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return self.network.compute_loss(y_pred=y_pred)

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        """Everything is built already."""


def readable(table, paths):
    """The table of the videos that are there, and their paths; most of a sample of them must be readable."""
    there = [video for video in table.videos if video in paths]
    if not there:
        raise MissingFile(f"none of the {len(table.videos)} videos is there; the first is {table.videos[0]}")
    refuse_unreadable("training", there, lambda video: read(paths[video], [0], 32, threads=1))
    return table.only(there), paths


def settings_of(row, table, plan, options):
    """All that the numbers of a run depend on: a resumed run must have the same."""
    decisive = {"classes": list(table.classes), "keyframes": len(keyframes(table)), "clips_a_step": plan.clips}
    return {**row, **decisive, "seed": options.seed, "precision": options.precision}


def inputs(table, clips, row, options, strategy):
    """(keyframes a replica, step) -> this worker's examples from that step on."""
    number, count = worker(strategy)

    def make(batch, step):
        start_step = step * (strategy.num_replicas_in_sync // count)
        more = {"seed": options.seed, "flip": row["flip"], "workers": options.workers or 4}
        return examples(table, clips, batch, shard=(number, count), start_step=start_step, **more)

    return make


def named_keyframes(table, seed, plan):
    """step -> names of its keyframes, if none had to be replaced."""
    keys = keyframes(table)

    def names(step):
        positions = (divmod(i, len(keys)) for i in range(step * plan.clips, (step + 1) * plan.clips))
        chosen = [
            keys[np.random.default_rng([seed, epoch]).permutation(len(keys))[position]] for epoch, position in positions
        ]
        return [f"{table.videos[video]} frame {frame}" for video, frame in chosen]

    return names


def start(classes, row, pretrained=True):
    """(detector, optimizer) of a recipe; with pretrained weights, unless a saved state follows."""
    clip_weights, keyframe_weights = row["weights"]
    settings = Settings(**row["settings"])
    if clip_weights:
        options = row_options(settings.network, clip_weights)
        options = {key: value for key, value in options.items() if key not in ("classes", "channels")}
        settings = Settings(**{**row["settings"], "network_options": {**options, **settings.network_options}})
    detector = Detector(classes, settings)
    if pretrained:
        pretrain(detector, clip_weights, keyframe_weights)
    rate = row["lr"]
    if row["drops"]:
        values = rate * np.cumprod([1.0, *row["drops"].values()])
        rate = keras.optimizers.schedules.PiecewiseConstantDecay([int(s) for s in row["drops"]], values.tolist())
    kinds = {
        "momentum": lambda **options: keras.optimizers.SGD(momentum=0.9, **options),
        "adam": keras.optimizers.Adam,
    }
    return detector, kinds[row["optimizer"]](learning_rate=rate, global_clipnorm=row["clip_norm"])


def load(source):
    """A trained detector from a run folder (best.keras, or last.keras where nothing chose) or a .keras file."""
    path = Path(source)
    if path.is_dir():
        path = next((p for p in (path / "best.keras", path / "last.keras") if p.is_file()), path / "last.keras")
    if not path.is_file():
        raise MissingFile(f"{path} does not exist: give a run folder of keras-vid detect train, or a .keras file")
    try:
        model = keras.models.load_model(path, compile=False)
    except Exception as error:
        raise InputError(f"{path} is not a readable .keras file: {str(error).splitlines()[0]}") from error
    if not isinstance(model, Detector):
        raise InputError(f"{path} holds {model.name}, which is not a detector: keras-vid detect train makes one")
    return model


def write_skipped(path, skipped, missing):
    """List the videos that a run could not read, a `video,reason` a line; returns how many there are."""
    rows = [*sorted(skipped.items()), *((video, "not found") for video in sorted(missing))]
    with atomic(path) as part, open(part, "w", newline="") as file:
        csv.writer(file).writerows([("video", "reason"), *rows])
    return len(rows)
