"""What will be done with someone's videos, and why: chosen from the data, the machine and the time there is."""

import dataclasses
import shutil

import keras
import numpy as np
import tensorflow as tf
from keras_vid.training.data.labels import flip_swap
from keras_vid.training.small.choose import choose_network
from keras_vid.training.small.depths import check_depth, depths, last_before_weights
from keras_vid.training.small.features import Reading
from keras_vid.training.small.tune import Settings

from keras_vid.explain.macs import layer_macs
from keras_vid.utils.errors import InputError
from keras_vid.weights.fetch import home

STAGES = ("probe", "tune", "combine")
FEW, MANY = 300, 3000  # clips: below, tuning rarely helps; above, one fold is enough
MINUTES = 15.0  # that a run may take if nothing is said
MIRROR = 60.0  # seconds that mirrored clips may cost if nothing is said


@dataclasses.dataclass
class Plan:
    """What will be done.

    Attributes:
        network: The frozen network, for clips of exactly one shape.
        reading: What is read of each clip.
        stages: Of probe, tune and combine, those that will be judged.
        below: The layer whose maps the tuned part starts from.
        settings: Of tuning.
        folds: For validation.
        lines: (what, choice, why) of each decision.
        seconds: Estimate of the whole run.
    """

    network: keras.Model
    reading: Reading
    stages: tuple
    below: str
    settings: Settings
    folds: int
    lines: list
    seconds: float

    def text(self) -> str:
        """The plan, a decision a line."""
        wide = max(len(str(choice)) for _, choice, _ in self.lines)
        rows = [f"{what:9} {choice!s:{min(wide, 34)}}  {why}" for what, choice, why in self.lines]
        return "\n".join([*rows, f"{'time':9} about {clock(self.seconds)}"])


def clock(seconds):
    """
    >>> clock(42), clock(200), clock(9000)
    ('42 s', '3.3 min', '2.5 h')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def make_plan(facts, choices) -> Plan:
    """The plan for a data set of which `keras_vid.training.small.look.look_at` returns the facts."""
    _check(choices)
    limit = (choices.time_limit or MINUTES) * 60
    lines = [_data_line(facts), _machine_line()]
    several = choices.views * (1 + bool(choices.mirrored))
    network, view, seconds = choose_network(facts, choices, limit / max(facts.clips * several, 1), lines)
    mirrored, why = _mirrored(facts, choices, seconds)
    lines.append(("mirrored", "yes" if mirrored else "no", why))
    several = choices.views * (1 + mirrored)
    lower, upper = depths(network)
    freeze = check_depth(network, choices.freeze or lower)
    below = last_before_weights(network, freeze)
    settings = _settings(choices)
    number = choices.folds or (5 if facts.clips <= MANY else 2)
    reading_time = facts.clips * several * seconds * (1 + choices.control)
    tuning_time = 3 * _share_above(network, below) * seconds * facts.clips * settings.epochs * number
    stages, why = _stages(facts, choices, limit - reading_time, tuning_time, _map_bytes(network, below) * several)
    lines.append(("features", f"{lower} + {upper}", "means over time and space of the ends of the last two stages"))
    lines.append(("stages", ",".join(stages), why))
    if "tune" in stages:
        text = f"above {freeze}: {settings.epochs} epochs, batch {settings.batch}, rate {settings.rate:g}"
        text += f", head {settings.rate * settings.head_rate:g}"
        lines.append(("tuning", text, "BatchNorm frozen, warm-up and cosine, labels smoothed"))
    lines.append(
        ("folds", min(number, facts.groups), f"of whole sources ({facts.groups:,}): no source is on both sides")
    )
    reading = Reading(view, mirrored, choices.views, False, (lower, upper), below if "tune" in stages else None)
    total = reading_time + 5 + facts.clips * 0.02 * number + ("tune" in stages) * tuning_time
    return Plan(network, reading, stages, below, settings, number, lines, total)


def _check(choices):
    for name in ("frames", "size", "stride", "views", "epochs", "batch", "time_limit", "rate", "head_rate"):
        value = getattr(choices, name)
        if value is not None and not value > 0:
            raise InputError(f"--{name.replace('_', '-')} is above zero, not {value}")
    if choices.folds is not None and choices.folds < 2:
        raise InputError(f"--folds is at least 2, not {choices.folds}")
    if choices.patience is not None and choices.patience < 0:
        raise InputError(f"--patience is 0 (train all epochs) or more, not {choices.patience}")
    odd = set(choices.stages or ()) - set(STAGES)
    if odd:
        raise InputError(f"--stages are of {', '.join(STAGES)}, not {', '.join(sorted(odd))}")


def _data_line(facts):
    few, most = min(facts.counts.values()), max(facts.counts.values())
    text = f"{few:,} to {most:,} clips a class" if few != most else f"{few:,} clips a class"
    text += f", {facts.groups:,} sources"
    if facts.frames:
        text += f"; half of a sample have {facts.frames:.0f} frames or more"
    if facts.rates:
        low, high = facts.rates
        text += f", {low:.0f} fps" if high - low < 1 else f", {low:.0f} to {high:.0f} fps"
    if facts.side:
        text += f", short side {facts.side:.0f}"
    return "data", f"{facts.clips:,} clips, {len(facts.counts)} classes", text


def _machine_line():
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        return "machine", f"{len(gpus)} GPU", "clips go through it eight at a time"
    return "machine", "processor", "one clip at a time, decoded ahead in threads"


def _mirrored(facts, choices, seconds):
    """(whether clips are learned from in a mirror, too, why)"""
    if choices.mirrored is not None:
        return choices.mirrored, "asked for"
    if -1 in flip_swap(list(facts.counts)):
        return False, "a class names a direction"
    cost = facts.clips * choices.views * seconds
    return cost < MIRROR, f"it costs another {clock(cost)}" + ("" if cost < MIRROR else ": --mirrored does it")


def _settings(choices):
    known = {"epochs": choices.epochs, "batch": choices.batch, "rate": choices.rate}
    known |= {"head_rate": choices.head_rate, "patience": choices.patience}
    return Settings(**{name: value for name, value in known.items() if value is not None})


def _share_above(network, below):
    """The share of a network's multiply-adds that lies above a layer."""
    order = {layer.name: number for number, layer in enumerate(network.layers)}
    rows = [(order[name], count) for name, _, count in layer_macs(network) if name in order]
    return sum(count for place, count in rows if place > order[below]) / max(sum(count for _, count in rows), 1)


def _map_bytes(network, below):
    shape = network.get_layer(below).output.shape
    frames = network.input_shape[1] if len(shape) == 4 else 1
    return 2 * frames * int(np.prod(shape[1:]))


def _stages(facts, choices, time_left, tuning_time, map_bytes):
    """(stages, why)"""
    if choices.stages:
        asked = tuple(stage for stage in STAGES if stage in choices.stages)
        if "combine" in asked and not {"probe", "tune"} <= set(asked):
            raise InputError("--stages combine averages the probe and the tuned network: it wants probe,tune,combine")
        return asked, "asked for"
    if facts.clips < FEW:
        return STAGES[:1], f"with fewer than {FEW} clips tuning rarely adds anything: --stages probe,tune,combine tries"
    if tuning_time > time_left:
        return STAGES[:1], f"tuning would take another {clock(tuning_time)}: --time-limit MINUTES allows it"
    home().mkdir(parents=True, exist_ok=True)
    if facts.clips * map_bytes > shutil.disk_usage(home()).free / 2:
        return STAGES[:1], f"{home()} has no room for {facts.clips * map_bytes / 1e9:.0f} GB of maps to tune on"
    return STAGES, f"tuning takes another {clock(tuning_time)}; what folds do not find better is not kept"
