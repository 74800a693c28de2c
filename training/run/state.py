"""The whole state of a run in one file, written whole or not at all: killed at any moment, a run goes on exactly."""

import json
import re
import sys
import time
from pathlib import Path

import keras
import numpy as np
from keras_vid.training.run.distribution import worker

from keras_vid.utils.errors import InputError
from keras_vid.utils.files import atomic, read_npz

KEEP = 2  # the newest and the one before, should the newest not be readable


def variables(trainer):
    """Everything that training changes: (weights, statistics, seeds, averages and the optimizer, the metrics)."""
    return [*trainer.network.variables, *trainer.optimizer.variables], list(trainer.metrics_variables)


def save(folder, trainer, step, write=True):
    """Write folder/step_<number>.npz.

    Args:
        write: Whether this process writes; the others only take part in reading what is spread over workers.
    """
    model, metrics = variables(trainer)
    arrays = {f"v{i:05d}": np.asarray(v.numpy()) for i, v in enumerate(model)}
    arrays |= {f"m{i:05d}": _read(v) for i, v in enumerate(metrics)}
    if not write:
        return
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    names = json.dumps([v.path for v in model])
    with atomic(folder / f"step_{step:09d}.npz") as part:
        np.savez(part, step=step, names=names, **arrays)
    for old in found(folder)[:-KEEP]:
        old.unlink(missing_ok=True)


def found(folder):
    """The saved states of a run, oldest first."""
    return sorted(p for p in Path(folder).glob("step_*.npz") if re.fullmatch(r"step_\d+\.npz", p.name))


def load(folder):
    """The newest readable state as a dict of arrays, or None where there is none."""
    for path in reversed(found(folder)):
        try:
            return read_npz(path)
        except (InputError, OSError) as error:
            print(f"{error}; the state before it is used", file=sys.stderr)
    return None


def restore(trainer, state, where):
    """Put a state back into weights and optimizer; returns its step. Metrics wait for `restore_metrics`."""
    model, _ = variables(trainer)
    names = json.loads(str(state["names"]))
    saved = [(_unnumbered(name), state[f"v{i:05d}"].shape) for i, name in enumerate(names)]
    now = [(_unnumbered(v.path), tuple(v.shape)) for v in model]
    if saved != now:
        raise InputError(f"{where}: this run trained another network or optimizer; give another -o, or the same flags")
    for i, variable in enumerate(model):
        variable.assign(state[f"v{i:05d}"])
    return int(state["step"])


def _unnumbered(path):
    """A variable's path without the numbers that Keras gives to what is made again in the same process.

    >>> _unnumbered("adam_1/conv2_block1_1_conv_kernel_momentum")
    'adam/conv2_block1_1_conv_kernel_momentum'
    """
    return re.sub(r"_\d+(?=/|$)", "", path)


def restore_metrics(trainer, state):
    """The epoch's sums so far: fit empties them when the epoch begins, so this comes after."""
    for i, variable in enumerate(variables(trainer)[1]):
        variable.assign(state[f"m{i:05d}"].astype(variable.dtype))


def _read(variable):
    """A metric's sum over all replicas and workers."""
    value = variable.value
    return np.asarray(value.read_value() if hasattr(value, "read_value") else value)


class State(keras.callbacks.Callback):
    """Saves what the run goes on from: after every epoch, now and then between, and when it is told to stop.

    It works last: a run that is killed before goes back to the state before, and does the same again.
    """

    def __init__(self, folder, plan, outputs, stop, found):
        super().__init__()
        self.folder, self.plan, self.outputs, self.stop, self.found = folder, plan, outputs, stop, found
        self.step, self.saved_step, self.saved = plan.first, plan.first, time.monotonic()
        stop.kept = self._kept

    def on_train_begin(self, logs=None):
        self.alone = worker(self.model.distribute_strategy)[1] == 1

    def on_epoch_begin(self, epoch, logs=None):
        if self.found is not None and int(self.found["step"]) % self.plan.per_epoch:
            restore_metrics(self.model, self.found)
        self.found = None

    def on_train_batch_end(self, batch, logs=None):
        self.step += self.model.steps_per_execution
        stopping = self.stop.number is not None
        if self.step % self.plan.per_epoch:
            # several workers cannot save at a signal: it reaches them at different steps
            if self._due() or stopping and self.alone:
                self._save()
            if stopping:
                raise self.stop.stopped()

    def on_epoch_end(self, epoch, logs=None):
        self._save()
        if self.stop.number is not None:
            raise self.stop.stopped()

    def _due(self):
        if self.outputs.save_every:
            return self.step - self.saved_step >= self.outputs.save_every
        last = self.plan.per_epoch - self.step % self.plan.per_epoch <= self.model.steps_per_execution
        # the last chance before a validation that may take long
        return time.monotonic() - self.saved > (30 if last else 300)

    def _save(self):
        save(self.folder.checkpoints, self.model, self.step, write=self.folder.writes)
        self.saved, self.saved_step = time.monotonic(), self.step

    def _kept(self):
        kept = f"the state of step {self.saved_step:,} is saved" if self.saved_step else "no state is saved yet"
        return f"{kept}; to go on: {self.outputs.command}"
