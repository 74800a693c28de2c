"""The folder of one run: its settings, its log, its networks and its states, each file whole or not there.

args.json    what the run was started with          best.keras, last.keras    the networks
view.json    what its network is shown              checkpoints/              states to go on from
log.csv      one row an epoch                       events/                   for TensorBoard
"""

import contextlib
import csv
import math
import shutil
from pathlib import Path

import numpy as np
from keras_vid.training.run import state

from keras_vid.utils.errors import InputError, MissingFile
from keras_vid.utils.files import as_json, atomic, read_json, read_rows, write_whole
from keras_vid.utils.locks import held
from keras_vid.view import view_of

GROWS = ("length", "steps")  # a resumed run may be longer than it was


class RunFolder:
    """A run's files.

    Args:
        path: The folder; it is made when the first file is written.
        writes: Whether this process writes: of several workers, the first alone.

    >>> import tempfile
    >>> folder = RunFolder(tempfile.mkdtemp())
    >>> folder.holds_a_run()  # settings alone are not a run yet
    False
    >>> folder.write_log([{"epoch": 1, "loss": 0.5}], ("epoch", "loss"))
    >>> folder.holds_a_run(), folder.read_log()
    (True, [{'epoch': '1', 'loss': '0.5'}])
    """

    def __init__(self, path, writes=True):
        self.path, self.writes = Path(path), writes
        self.log, self.checkpoints, self.events = self.path / "log.csv", self.path / "checkpoints", self.path / "events"

    @contextlib.contextmanager
    def opened(self, resume=False):
        """Hold the folder for one run, and yield the newest state to go on with, or None at the start.

        Another run that holds it is refused, and so is a run that is there already, without `resume`. A folder that
        was made for a run which was then refused goes again.
        """
        with held(self.path) if self.writes else contextlib.nullcontext():
            if self.writes and not resume and self.holds_a_run():
                raise InputError(
                    f"{self.path} holds a run already: --resume goes on with it, another -o starts a new one"
                )
            yield state.load(self.checkpoints) if resume else None

    def holds_a_run(self):
        """Whether there is anything to lose: a state or a finished epoch."""
        return bool(state.found(self.checkpoints) or self.read_log())

    def settings(self):
        """What the run was started with, as a dict."""
        path = self.path / "args.json"
        if not path.is_file():
            raise MissingFile(f"{self.path} is not a run folder: there is no args.json in it")
        settings = read_json(path)
        if not isinstance(settings, dict):
            raise InputError(f"{path} is damaged: restore it, or start the run again in another folder")
        return settings

    def check_same(self, settings):
        """Refuse settings that would make another run of this one; returns those that grew, {name: (before, now)}.

        Args:
            settings: {name: value} of all that the numbers of a run depend on; values are compared as JSON has them.
        """
        if not (self.path / "args.json").is_file():
            return {}
        recorded = self.settings()
        recorded = {**recorded.get("recipe", {}), **recorded}
        before = {name: recorded[name] for name in settings if name in recorded}
        changed = {name: (before[name], settings[name]) for name in before if _plain(settings[name]) != before[name]}
        grown = {name: pair for name, pair in changed.items() if name in GROWS and pair[1] > pair[0]}
        other = [f"{name} was {pair[0]}, now {pair[1]}" for name, pair in changed.items() if name not in grown]
        if other:
            raise InputError(
                f"{self.path} was started with other settings ({'; '.join(other)}): resume with the same, or give "
                "another -o; only a longer run may go on in it"
            )
        return grown

    def write_settings(self, settings, network=None):
        """Write args.json, and with a network what it is shown, view.json."""
        if not self.writes:
            return
        self.path.mkdir(parents=True, exist_ok=True)
        write_whole(self.path / "args.json", as_json(settings))
        if network is not None:
            view_of(network).save(self.path)

    def save_network(self, network, name):
        """Write `best.keras` or `last.keras`."""
        save_network(network, self.path / name)

    def copy_network(self, name, to):
        """Write a network that is saved already by another name, too."""
        with atomic(self.path / to) as part:
            shutil.copyfile(self.path / name, part)

    def read_log(self, before=None):
        """The rows of log.csv, those of the first `before` epochs alone if given."""
        return read_log(self.log, before)

    def write_log(self, rows, columns):
        """Write all rows of log.csv, with six digits."""
        with atomic(self.log) as part, open(part, "w", newline="") as file:
            writer = csv.DictWriter(file, columns, lineterminator="\n")
            writer.writeheader()
            writer.writerows([{name: _short(row.get(name, "")) for name in columns} for row in rows])


def save_network(network, path):
    """A `.keras` file that appears whole or not at all."""
    with atomic(path) as part:
        network.save(part)


def read_log(path, before=None):
    """The rows of a log.csv as dicts of text."""
    if not Path(path).is_file():
        return []
    try:
        return [row for row in read_rows(path) if int(row["epoch"]) <= (math.inf if before is None else before)]
    except (KeyError, ValueError) as error:
        raise InputError(f"{path} is damaged ({error}): restore it, or choose another folder") from error


def _plain(value):
    """A value as it comes back from JSON."""
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    return value


def _short(value):
    return f"{value:.6g}" if isinstance(value, (float, np.floating)) else value
