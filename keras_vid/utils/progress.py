"""How far long work has come, on standard error: a bar on a terminal, a line now and then in a log."""

import contextlib
import sys
import threading
import time

PATIENCE = 1.0  # seconds of silence on a terminal before it is said what is happening
EVERY = 30.0  # seconds between two lines in a log


@contextlib.contextmanager
def progress(total, unit="videos"):
    """Yield a function `advance(done, note="")` that shows how far the work is, and how long the rest will take.

    Without a total nothing is shown. The time left is told from the second step on: the first one also loads and
    compiles.

    >>> with progress(3) as advance:  # in a log, work of less than 30 seconds leaves no line
    ...     for done in (1, 2, 3):
    ...         advance(done)
    """
    if total is None:
        yield lambda done, note="": None
    elif sys.stderr.isatty():
        with _bar(total, unit) as advance:
            yield advance
    else:
        yield _Lines(total, unit)


@contextlib.contextmanager
def _bar(total, unit):
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.completed:,.0f}/{task.total:,.0f} {task.description}"), BarColumn(30))
    on_terminal = sys.stdout.isatty()  # results are printed above the bar; those that go to a file are left alone
    with Progress(
        *columns,
        TextColumn("{task.fields[note]}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=on_terminal,
    ) as bar:
        task = bar.add_task(unit, total=total, note="")
        yield lambda done, note="": bar.update(task, completed=done, note=note)


class _Lines:
    """Progress as whole lines, `EVERY` seconds apart."""

    def __init__(self, total, unit):
        self.total, self.unit = total, unit
        self.first = None  # (steps done, seconds) when the first step was done
        self.said = None

    def __call__(self, done, note=""):
        now = time.monotonic()
        if self.first is None:
            self.first, self.said = (done, now), now
        if now - self.said < EVERY:
            return
        self.said = now
        left = seconds_left(self.first, (done, now), self.total)
        parts = [f"{done:,.0f}/{self.total:,.0f} {self.unit}", note, left and f"{left:,.0f} s left"]
        print(", ".join(part for part in parts if part), file=sys.stderr, flush=True)


def seconds_left(first, last, total):
    """How long the rest takes at the speed between two points (steps done, seconds), or None.

    >>> seconds_left((1, 100.0), (11, 120.0), total=21)
    20.0
    """
    (steps, began), (done, now) = first, last
    return (total - done) * (now - began) / (done - steps) if done > steps else None


@contextlib.contextmanager
def say_if_slow(what):
    """Say on a terminal what is happening, if it takes more than a second.

    >>> with say_if_slow("loading the network"):
    ...     pass
    """
    if not sys.stderr.isatty():
        yield
        return
    timer = threading.Timer(PATIENCE, lambda: print(f"{what} ...", file=sys.stderr, flush=True))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
