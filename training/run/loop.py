"""The steps of a run, in parts that `fit` makes: what is left after a resumption, and how a run stops early.

Whatever ends a run, it ends within seconds and with one line: Ctrl-C and SIGTERM between two steps with the state
saved, an error in a thread of tf.data under its own name, and with other workers when one of them is gone.
"""

import dataclasses
import gc
import signal
import sys
import threading
import time
import traceback

import tensorflow as tf
from keras_vid.training.run.distribution import lost_worker
from keras_vid.training.run.trainer import distributed

from keras_vid.utils.errors import Stopped

GRACE = 20  # seconds in which a run that is told to stop may finish its validation; many launchers kill after 30


@dataclasses.dataclass(frozen=True)
class Plan:
    """The steps of a run.

    Attributes:
        steps: Of the whole run.
        per_epoch: Steps of an epoch.
        clips: Clips of a step, over all replicas.
        first: The step that this process begins with.
    """

    steps: int
    per_epoch: int
    clips: int
    first: int = 0


def parts(first, steps, per_epoch):
    """What is left of a run, (begin, end, epoch) a piece, such that a piece holds whole epochs or one part of one.

    >>> parts(31, 33, 10)  # the last epoch is a short one
    [(31, 33, 3)]

    >>> parts(0, 30, 10), parts(14, 30, 10), parts(14, 33, 10)
    ([(0, 30, 0)], [(14, 20, 1), (20, 30, 2)], [(14, 20, 1), (20, 30, 2), (30, 33, 3)])
    """
    pieces = []
    if first % per_epoch and first < steps:
        end = min((first // per_epoch + 1) * per_epoch, steps)
        pieces.append((first, end, first // per_epoch))
        first = end
    whole = steps // per_epoch * per_epoch
    if first < whole:
        pieces.append((first, whole, first // per_epoch))
        first = whole
    if first < steps:
        pieces.append((first, steps, first // per_epoch))
    return pieces


def fit(trainer, plan, make, callbacks, failures=None):
    """Make all steps of a plan that are left.

    Args:
        make: (clips a replica, first step) -> the tf.data.Dataset of this worker from that step on.
        failures: Of the input: its `fatal` is what ends the run where an error comes out of tf.data.
    """
    strategy = trainer.distribute_strategy
    batch = plan.clips // strategy.num_replicas_in_sync
    try:
        for begin, end, epoch in parts(plan.first, plan.steps, plan.per_epoch):
            trainer.fit(
                distributed(strategy, lambda size, begin=begin: make(size, begin), batch),
                initial_epoch=epoch,
                epochs=epoch + max((end - begin) // plan.per_epoch, 1),
                steps_per_epoch=min(end - begin, plan.per_epoch),
                callbacks=callbacks,
                shuffle=False,
                verbose=0,
            )
    except BaseException as error:
        known = getattr(failures, "fatal", None) or isinstance(error, tf.errors.OpError) and lost_worker(strategy)
        let_go(error)
        if known:
            raise known from None
        raise


def let_go(error):
    """Drop what the frames of an error hold: a tf.data iterator that lives on when Python ends waits for ever for its
    threads, and they for Python."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__
    gc.collect()


class StopSignals:
    """Notes Ctrl-C and SIGTERM while a run computes, so that it stops between two steps. A second one stops at once.

    >>> with StopSignals() as stop:
    ...     stop.number is None
    True
    """

    def __init__(self):
        self.number, self.noted, self.before = None, 0.0, {}
        self.kept = str  # says what is saved

    def __enter__(self):
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self.before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_):
        self._restore()

    def _restore(self):
        for number, handler in self.before.items():
            signal.signal(number, handler)
        self.before = {}

    def _note(self, number, frame):
        self.number, self.noted = number, time.monotonic()
        self._restore()
        print(f"\n{self.name}: stops after this step; once more stops at once", file=sys.stderr, flush=True)

    @property
    def name(self):
        return "Ctrl-C" if self.number == signal.SIGINT else "SIGTERM"

    def check(self, *_):
        """Stop a validation that takes too long for a run that was told to stop."""
        if self.number is not None and time.monotonic() - self.noted > GRACE:
            raise self.stopped()

    def stopped(self):
        """The exception that ends the run, with what is kept."""
        return Stopped(f"stopped by {self.name}; {self.kept()}", self.number)
