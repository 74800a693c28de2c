"""The whole state of a run in one file, written whole or not at all: killed at any moment, a run goes on exactly."""

import json
import os
import re
from pathlib import Path

import numpy as np

from keras_vid.utils.errors import InputError

KEEP = 2  # the newest and the one before, should the newest not be readable


def variables(trainer):
    """Everything that training changes: (weights, statistics, dropout's seeds and the optimizer, the metrics)."""
    return [*trainer.network.variables, *trainer.optimizer.variables], list(trainer.metrics_variables)


def save(folder, trainer, step, extra=(), write=True):
    """Write folder/step_<number>.npz.

    Args:
        extra: Further arrays, such as averaged weights.
        write: Whether this process writes; the others only take part in reading what is spread over workers.
    """
    model, metrics = variables(trainer)
    arrays = {f"v{i:05d}": np.asarray(v.numpy()) for i, v in enumerate(model)}
    arrays |= {f"m{i:05d}": _read(v) for i, v in enumerate(metrics)}
    arrays |= {f"x{i:05d}": np.asarray(v) for i, v in enumerate(extra)}
    if not write:
        return
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f".part.{os.getpid()}"
    names = json.dumps([v.path for v in model])
    try:
        with open(part, "wb") as file:
            np.savez(file, step=step, names=names, **arrays)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, folder / f"step_{step:09d}.npz")
    except OSError as error:
        part.unlink(missing_ok=True)
        raise OSError(
            f"{folder}: the state of step {step} cannot be written: {error}; the one before is kept"
        ) from error
    for old in found(folder)[:-KEEP]:
        old.unlink(missing_ok=True)


def found(folder):
    """The saved states of a run, oldest first."""
    return sorted(p for p in Path(folder).glob("step_*.npz") if re.fullmatch(r"step_\d+\.npz", p.name))


def load(folder):
    """The newest readable state as a dict of arrays, or None where there is none."""
    for path in reversed(found(folder)):
        try:
            with np.load(path, allow_pickle=False) as file:
                return {name: file[name] for name in file.files}
        except (ValueError, OSError, EOFError, KeyError) as error:
            print(f"{path} cannot be read ({error}); the state before it is used")
        except Exception as error:  # a damaged zip archive has errors of its own
            print(f"{path} is damaged ({error}); the state before it is used")
    return None


def restore(trainer, state, where):
    """Put a state back into weights and optimizer; answers its step. Metrics wait for `restore_metrics`."""
    model, _ = variables(trainer)
    names = [v.path for v in model]
    if json.loads(str(state["names"])) != names:
        raise InputError(f"{where}: this run trained another network or optimizer; give another -o, or the same flags")
    for i, variable in enumerate(model):
        variable.assign(state[f"v{i:05d}"])
    return int(state["step"])


def restore_metrics(trainer, state):
    """The epoch's sums so far: fit empties them when the epoch begins, so this comes after."""
    for i, variable in enumerate(variables(trainer)[1]):
        variable.assign(state[f"m{i:05d}"].astype(variable.dtype))


def extras(state):
    """The arrays that were saved beside, in order."""
    return [state[name] for name in sorted(state) if name.startswith("x")]


def _read(variable):
    """A metric's sum over all replicas and workers."""
    value = variable.value
    return np.asarray(value.read_value() if hasattr(value, "read_value") else value)
