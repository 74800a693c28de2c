"""What happens around the steps of a run. Each callback has one job; `standard` puts them in their order."""

import dataclasses
import math
import time

import keras
from keras_vid.training.run.distribution import Peers, others, worker
from keras_vid.training.run.progress import Progress, TensorBoard
from keras_vid.training.run.state import State

from keras_vid.utils.errors import InputError

SPEED = ("clips_per_second", "input_share", "seconds")


def columns(measures, validated):
    """The columns of a run's log.

    >>> columns(("top1",), ("top1",))[:6]
    ('epoch', 'step', 'rate', 'loss', 'top1', 'val_top1')
    """
    return ("epoch", "step", "rate", "loss", *measures, *(f"val_{name}" for name in validated), *SPEED)


@dataclasses.dataclass
class Outputs:
    """What a run leaves behind.

    Attributes:
        folder: The `RunFolder`.
        network: The network that is saved: on one device, whatever the strategy.
        columns: Of the log.
        best: The number whose highest value chooses best.keras: its `val_` where there is one.
        validate: (network, tick) -> numbers, or None.
        command: Goes on with the run.
        save_every: Steps between two saved states; None: five minutes, or with several workers 500 steps.
    """

    folder: object
    network: keras.Model
    columns: tuple
    best: str
    validate: object = None
    command: str = ""
    save_every: int | None = None


def standard(trainer, plan, outputs, stop, found=None):
    """The callbacks of every run, in the order in which they work at the end of an epoch: the state is last.

    Args:
        trainer: A `Trainer`; its strategy says whether this process writes.
        stop: A `StopSignals`.
        found: The state to go on with.
    """
    number, count = worker(trainer.distribute_strategy)
    folder, network = outputs.folder, outputs.network
    chain = [Speed(plan)]
    if number == 0:
        rows, progress = folder.read_log(before=plan.first // plan.per_epoch), Progress(plan)
        if network is not trainer.network:
            chain.append(Averages(network))
        if outputs.validate:
            chain.append(Validation(outputs.validate, network, [progress.validated, stop.check]))
        chain.append(Networks(folder, network, outputs.best, rows))
        chain.append(Log(folder, outputs.columns, rows, plan.first))
        chain += [TensorBoard(folder.events, plan.first), progress]
    if count > 1:
        outputs.save_every = outputs.save_every or 500
    chain.append(State(folder, plan, outputs, stop, found))
    if count > 1:
        chain.append(Peers(others(trainer.distribute_strategy), plan.first, plan.steps))
    return chain


class BrokenLoss(InputError, ArithmeticError):
    """The loss is not a number, or is far worse than guessing."""


class Watch(keras.callbacks.Callback):
    """Stops a run whose loss is not a number, or far worse than guessing, and names the clips of that step.

    Args:
        first: The step that fit begins with.
        limit: The highest loss; guessing among K labels has one of log(K).
        names: step -> the clips of that step.
    """

    def __init__(self, first, limit, names):
        super().__init__()
        self.step, self.limit, self.names = first, limit, names

    def on_train_batch_end(self, batch, logs=None):
        first, self.step = self.step, self.step + self.model.steps_per_execution
        loss = float(logs["loss"])
        if math.isfinite(loss) and loss < self.limit:
            return
        clips = [name for step in range(first, self.step) for name in self.names(step)]
        wrong = "is not a number" if not math.isfinite(loss) else f"is {loss:.3g}, far above guessing"
        raise BrokenLoss(
            f"the loss {wrong} at step {first + 1}; its clips: {', '.join(clips)}. The last saved state is from before "
            "that: lower --lr, add --clip-norm or look at these videos, then resume or start again"
        )


class Speed(keras.callbacks.Callback):
    """Adds to an epoch's numbers how fast it was, and the learning rate."""

    def __init__(self, plan):
        super().__init__()
        self.clips = plan.clips

    def on_epoch_begin(self, epoch, logs=None):
        self.started, self.waited, self.steps = time.monotonic(), self.model.waited, 0

    def on_train_batch_end(self, batch, logs=None):
        self.steps += self.model.steps_per_execution

    def on_epoch_end(self, epoch, logs=None):
        seconds = time.monotonic() - self.started
        logs["clips_per_second"] = self.steps * self.clips / seconds
        logs["input_share"] = min((self.model.waited - self.waited) / seconds, 1.0)
        logs["seconds"] = seconds
        logs["rate"] = float(self.model.optimizer.learning_rate)


class Averages(keras.callbacks.Callback):
    """Copies the weights, or their averages where the optimizer keeps those, into the network that is saved.

    Args:
        network: On one device, whatever the strategy; not the network that is trained.
    """

    def __init__(self, network):
        super().__init__()
        self.network = network

    def on_epoch_end(self, epoch, logs=None):
        trained, optimizer = self.model.network, self.model.optimizer
        values = {id(variable): variable for variable in trained.variables}
        if optimizer.use_ema:
            averages = optimizer._model_variables_moving_average
            values |= {id(v): average for v, average in zip(trained.trainable_variables, averages, strict=True)}
        for target, variable in zip(self.network.variables, trained.variables, strict=True):
            target.assign(values[id(variable)].numpy())


class Validation(keras.callbacks.Callback):
    """Adds to an epoch's numbers those of the validation, as `val_...`.

    Args:
        validate: (network, tick) -> {"loss": .., ..}; it calls tick(done, total) now and then.
        network: The one that is saved.
        ticks: Functions (done, total).
    """

    def __init__(self, validate, network, ticks):
        super().__init__()
        self.validate, self.network, self.ticks = validate, network, ticks

    def on_epoch_end(self, epoch, logs=None):
        numbers = self.validate(self.network, lambda done, total: [tick(done, total) for tick in self.ticks])
        logs.update({f"val_{name}": value for name, value in numbers.items()})


class Networks(keras.callbacks.Callback):
    """Writes last.keras after every epoch, and best.keras after those that are better than all before.

    Args:
        measure: What is compared: `val_` of it, or where nothing validates, that of training.
        rows: The log of the epochs before.
    """

    def __init__(self, folder, network, measure, rows):
        super().__init__()
        self.folder, self.network, self.measure = folder, network, measure
        self.best = max((self._score(row) for row in rows), default=-math.inf)

    def _score(self, row):
        known = [row[name] for name in (f"val_{self.measure}", self.measure) if row.get(name) not in (None, "")]
        return float(known[0]) if known else -float(row["loss"])

    def on_epoch_end(self, epoch, logs=None):
        self.folder.save_network(self.network, "last.keras")
        score = self._score(logs)
        if score > self.best:
            self.best = score
            self.folder.copy_network("last.keras", "best.keras")


class Log(keras.callbacks.Callback):
    """Adds a row to log.csv after every epoch."""

    def __init__(self, folder, columns, rows, step):
        super().__init__()
        self.folder, self.columns, self.rows, self.step = folder, columns, list(rows), step

    def on_train_batch_end(self, batch, logs=None):
        self.step += self.model.steps_per_execution

    def on_epoch_end(self, epoch, logs=None):
        self.rows.append({"epoch": epoch + 1, "step": self.step, **logs})
        self.folder.write_log(self.rows, self.columns)
