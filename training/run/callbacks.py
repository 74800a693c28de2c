"""What happens around the steps of a run: progress, the stop at a broken loss, and what each epoch leaves on disk."""

import csv
import math
import os
import sys
import time
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from keras_vid.training.run import state

COLUMNS = ("epoch", "step", "rate", "loss", "top1", "top5", "val_loss", "val_top1", "val_top5")
COLUMNS += ("clips_per_second", "input_share", "seconds")


class Watch(keras.callbacks.Callback):
    """Stops a run whose loss is no number, or far worse than guessing, and names the clips of that step.

    Args:
        first: The step that fit begins with.
        classes: Number of labels: guessing has a loss of log(classes).
        names: step -> the clips of that step.
    """

    def __init__(self, first, classes, names):
        super().__init__()
        self.step, self.limit, self.names = first, 20 * math.log(max(classes, 2)), names
        self.sum = self.count = 0.0

    def on_epoch_begin(self, epoch, logs=None):
        self.sum = self.count = 0.0

    def on_train_batch_end(self, batch, logs=None):
        first, self.step = self.step, self.step + self.model.steps_per_execution
        loss = float(logs["loss"])
        if math.isfinite(loss) and loss < self.limit:
            return
        clips = [name for step in range(first, self.step) for name in self.names(step)]
        said = "is no number" if not math.isfinite(loss) else f"is {loss:.3g}, far above guessing"
        raise ArithmeticError(
            f"the loss {said} at step {first + 1}; its clips: {', '.join(clips)}. The last saved state is from before: "
            "lower --lr, add --clip-norm or look at these videos, then resume or start again"
        )


class Progress(keras.callbacks.Callback):
    """One line on a terminal that is written over; one line an epoch elsewhere."""

    def __init__(self, clips, done, total, stream=None):
        """`clips` of a step, and of all `total` steps those `done` before."""
        super().__init__()
        self.clips, self.begun, self.done, self.total = clips, done, done, total
        self.stream = stream or sys.stderr
        self.live = self.stream.isatty()
        self.start = self.shown = time.monotonic()
        self.epoch = 0

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        self.done += self.model.steps_per_execution
        now = time.monotonic()
        if self.live and now - self.shown > 0.5:
            self.shown = now
            rate = (self.done - self.begun) / (now - self.start)
            numbers = "  ".join(f"{name} {float(logs[name]):.3f}" for name in ("loss", "top1") if name in logs)
            left = _clock((self.total - self.done) / rate)
            bar = "━" * round(20 * self.done / self.total)
            line = f"epoch {self.epoch + 1}  {bar:─<20} {self.done}/{self.total}  {numbers}  "
            self.stream.write(f"\r{line}{rate * self.clips:.1f} clips/s  {left} left \x1b[K")
            self.stream.flush()

    def on_epoch_end(self, epoch, logs=None):
        parts = [f"{name} {logs[name]:.3f}" for name in COLUMNS[3:9] if name in logs]
        extra = f"{logs['clips_per_second']:.1f} clips/s, {logs['input_share']:.0%} of it waiting for input"
        clear = "\r\x1b[K" if self.live else ""
        self.stream.write(f"{clear}epoch {epoch + 1}: {'  '.join(parts)}  ({extra})\n")
        self.stream.flush()


class Keeper(keras.callbacks.Callback):
    """Everything that an epoch leaves: validation, best.keras and last.keras, the log, TensorBoard, the state.

    The state comes last: a run that is killed before goes back to the state before, and does the same again.

    Args:
        run: The run folder.
        plain: The network to save; not `trainer.network` itself where that lives on several devices or is averaged.
        validate: network -> {"loss": .., "top1": ..}, or None.
        position: (first step, steps an epoch, clips a step).
        save_every: Save the state after so many steps too; None: after five minutes.
        average: The momentum of averaged weights, 0 for none.
        chief: Whether this process writes.
    """

    def __init__(self, run, plain, validate, position, *, save_every=None, average=0.0, chief=True):
        super().__init__()
        self.run, self.plain, self.validate, self.chief = Path(run), plain, validate, chief
        self.step, self.per_epoch, self.clips = position
        self.save_every, self.average = save_every, average
        self.begun = self.saved = time.monotonic()
        self.saved_step = self.step
        self.shadow, self.pending = None, None
        self.waited = 0.0
        self.rows = read_log(self.run / "log.csv", before=self.step // self.per_epoch)
        self.best = max((float(row["val_top1"] or row["top1"]) for row in self.rows), default=-1.0)

    def resume(self, found):
        """Take over the averaged weights and, when the epoch begins, the metrics of a saved state."""
        self.pending = found
        averaged = state.extras(found)
        if averaged:
            self.shadow = [tf.Variable(value, trainable=False) for value in averaged]

    def on_train_begin(self, logs=None):
        if self.average and self.shadow is None:
            self.shadow = [tf.Variable(v.numpy(), trainable=False) for v in self.model.network.trainable_variables]
        if self.chief:
            self.writer = self.writer if hasattr(self, "writer") else events(self.run / "events", self.step)

    def on_epoch_begin(self, epoch, logs=None):
        if self.pending is not None:
            if int(self.pending["step"]) % self.per_epoch:
                state.restore_metrics(self.model, self.pending)
            self.pending = None
        self.begun, self.waited, self.begun_step = time.monotonic(), self.model.waited, self.step

    def on_train_batch_end(self, batch, logs=None):
        self.step += self.model.steps_per_execution
        if self.average:
            for shadow, weight in zip(self.shadow, self.model.network.trainable_variables):
                shadow.assign(self.average * shadow + (1 - self.average) * weight.numpy())
        if self.chief and self.step % 50 < self.model.steps_per_execution:
            with self.writer.as_default():
                for name in ("loss", "top1"):
                    tf.summary.scalar(f"step/{name}", float(logs[name]), self.step)
        if self.step % self.per_epoch and self._due():
            self._save_state()

    def _due(self):
        if self.save_every:
            return self.step - self.saved_step >= self.save_every
        return time.monotonic() - self.saved > 300

    def _save_state(self):
        extra = [v.numpy() for v in self.shadow] if self.shadow else ()
        state.save(self.run / "checkpoints", self.model, self.step, extra, write=self.chief)
        self.saved, self.saved_step = time.monotonic(), self.step

    def on_epoch_end(self, epoch, logs=None):
        seconds = time.monotonic() - self.begun
        steps = self.step - self.begun_step
        logs["clips_per_second"] = steps * self.clips / seconds
        logs["input_share"] = min((self.model.waited - self.waited) / seconds, 1.0)
        logs["seconds"] = seconds
        logs["rate"] = float(self.model.optimizer.learning_rate)
        if self.chief:
            self._fill_plain()
            if self.validate:
                logs.update({f"val_{name}": value for name, value in self.validate(self.plain).items()})
            self._save_networks(logs.get("val_top1", logs["top1"]))
            row = {"epoch": epoch + 1, "step": self.step, **logs}
            self.rows.append({name: _short(row.get(name, "")) for name in COLUMNS})
            write_log(self.run / "log.csv", self.rows)
            with self.writer.as_default():
                for name in COLUMNS[2:]:
                    if name in row:
                        tf.summary.scalar(f"epoch/{name}", row[name], self.step)
            self.writer.flush()
        self._save_state()

    def _fill_plain(self):
        network = self.model.network
        if self.plain is not network:
            for mine, theirs in zip(self.plain.variables, network.variables):
                mine.assign(theirs.numpy())
        if self.average:
            places = {id(v): i for i, v in enumerate(network.variables)}
            for weight, shadow in zip(network.trainable_variables, self.shadow):
                self.plain.variables[places[id(weight)]].assign(shadow)

    def _save_networks(self, score):
        save_network(self.plain, self.run / "last.keras")
        if score > self.best:
            self.best = score
            save_network(self.plain, self.run / "best.keras")


class Profile(keras.callbacks.Callback):
    """A TensorFlow profile of some steps, for TensorBoard: `window` is (first, last) of this fit."""

    def __init__(self, folder, window):
        super().__init__()
        self.folder, self.window, self.step = str(folder), window, 0

    def on_train_batch_begin(self, batch, logs=None):
        if self.step == self.window[0]:
            tf.profiler.experimental.start(self.folder)
        self.step += 1

    def on_train_batch_end(self, batch, logs=None):
        if self.step == self.window[1]:
            tf.profiler.experimental.stop()


def events(folder, step):
    """A TensorBoard writer. What an interrupted run wrote of later steps is disowned, so no step shows twice."""
    from tensorboard.compat.proto.event_pb2 import Event, SessionLog
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    start = EventFileWriter(str(folder), filename_suffix=".start")
    start.add_event(Event(session_log=SessionLog(status=SessionLog.START), step=step, wall_time=time.time()))
    start.close()
    return tf.summary.create_file_writer(str(folder))


def save_network(network, path):
    """A `.keras` file that appears whole or not at all."""
    part = path.with_name(f".part.{os.getpid()}.{path.name}")
    try:
        network.save(part)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def read_log(path, before=None):
    """The rows of log.csv, those of the first `before` epochs alone if given."""
    if not Path(path).is_file():
        return []
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    return [row for row in rows if before is None or int(row["epoch"]) <= before]


def write_log(path, rows):
    part = path.with_name(f".part.{os.getpid()}.csv")
    with open(part, "w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    os.replace(part, path)


def _short(value):
    return f"{value:.6g}" if isinstance(value, (float, np.floating)) else value


def _clock(seconds):
    hours, minutes = divmod(int(seconds) // 60, 60)
    return f"{hours}:{minutes:02d} h" if hours else f"{minutes}:{int(seconds) % 60:02d}"
