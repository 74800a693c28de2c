"""What a run shows while it works: a line on stderr that says how far it is, curves and a profile for TensorBoard."""

import sys
import time

import keras
import tensorflow as tf

from keras_vid.utils.files import room_for

QUIET = 60.0  # seconds between two lines where there is no terminal


class Line:
    """One line of progress: written over on a terminal, elsewhere a new line once a minute.

    >>> import io
    >>> stream = io.StringIO()
    >>> line = Line(stream)
    >>> line.show("1 of 9"); line.end("9 clips")
    >>> stream.getvalue()
    '9 clips\\n'
    """

    def __init__(self, stream=None):
        self.stream = stream or sys.stderr
        self.live = self.stream.isatty()
        self.shown = time.monotonic()

    def due(self):
        """Whether it is time for a new one: texts that cost something are made only then."""
        return time.monotonic() - self.shown > (0.5 if self.live else QUIET)

    def show(self, text):
        """Show a text in place of the one before, if that has stood long enough."""
        if not self.due():
            return
        self.shown = time.monotonic()
        self.stream.write(f"\r{text}\x1b[K" if self.live else f"{text}\n")
        self.stream.flush()

    def end(self, text=None):
        """Clear the line, and leave a text for good."""
        if self.live:
            self.stream.write("\r\x1b[K")
        if text is not None:
            self.stream.write(f"{text}\n")
        self.stream.flush()


class Progress(keras.callbacks.Callback):
    """Shows the steps of a run, its validation, and what each epoch came to.

    Args:
        plan: The run's `keras_vid.training.run.loop.Plan`.
        stream: Where to write; None: stderr.
    """

    def __init__(self, plan, stream=None):
        super().__init__()
        self.plan, self.line = plan, Line(stream)
        self.done, self.start, self.epoch = plan.first, None, 0

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        self.done += self.model.steps_per_execution
        if self.start is None:  # the first step builds the graph, and would make every estimate wild
            self.start = time.monotonic(), self.done
            return
        if self.line.due():
            seconds, steps = time.monotonic() - self.start[0], self.done - self.start[1]
            numbers = "  ".join(f"{name} {float(logs[name]):.3f}" for name in ("loss", "top1") if name in logs)
            bar = "━" * round(20 * self.done / self.plan.steps)
            left = clock((self.plan.steps - self.done) * seconds / steps)
            shown = f"epoch {self.epoch + 1}  {bar:─<20} {self.done}/{self.plan.steps}  {numbers}  "
            self.line.show(f"{shown}{steps / seconds * self.plan.clips:.1f} clips/s  {left} left")

    def validated(self, done, total):
        """So many of `total` clips are validated."""
        self.line.show(f"epoch {self.epoch + 1}  validation: {done:,} of {total:,}")

    def on_epoch_end(self, epoch, logs=None):
        aside = ("step", "rate", "seconds", "clips_per_second", "input_share")
        numbers = "  ".join(f"{name} {value:.3f}" for name, value in logs.items() if name not in aside)
        speed = f"{logs['clips_per_second']:.1f} clips/s, {logs['input_share']:.0%} of it waiting for input"
        self.line.end(f"epoch {epoch + 1}: {numbers}  ({speed})")


def clock(seconds):
    """A time span to read.

    >>> clock(75), clock(3700)
    ('1:15', '1:01 h')
    """
    hours, minutes = divmod(int(seconds) // 60, 60)
    return f"{hours}:{minutes:02d} h" if hours else f"{minutes}:{int(seconds) % 60:02d}"


class TensorBoard(keras.callbacks.Callback):
    """Writes the numbers of every epoch, and of every fiftieth step, for TensorBoard."""

    def __init__(self, folder, step):
        super().__init__()
        self.folder, self.step, self.writer = folder, step, None

    def on_train_begin(self, logs=None):
        with room_for(self.folder):
            self.writer = self.writer or events(self.folder, self.step)

    def on_train_batch_end(self, batch, logs=None):
        self.step += self.model.steps_per_execution
        if self.step % 50 < self.model.steps_per_execution:
            self._write("step", logs)

    def on_epoch_end(self, epoch, logs=None):
        self._write("epoch", logs)
        with room_for(self.folder):
            self.writer.flush()

    def _write(self, kind, logs):
        with room_for(self.folder), self.writer.as_default():
            for name, value in logs.items():
                tf.summary.scalar(f"{kind}/{name}", float(value), self.step)


def events(folder, step):
    """A TensorBoard writer. What an interrupted run wrote of later steps is disowned, so no step shows twice."""
    from tensorboard.compat.proto.event_pb2 import Event, SessionLog
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    start = EventFileWriter(str(folder), filename_suffix=".start")
    start.add_event(Event(session_log=SessionLog(status=SessionLog.START), step=step, wall_time=time.time()))
    start.close()
    return tf.summary.create_file_writer(str(folder))


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
