"""A network in 8-bit integers that is trusted only as far as it was measured.

Clips of the kind that the network will see are divided in two: one part says how wide the values of each
layer range, the other, held back, decides whether the result is good enough. Where it is not, the layers that add the
largest error are left in float32, more and more of them, until it is, or until it is refused.
"""

import contextlib
import dataclasses
import logging
import sys
from pathlib import Path

import numpy as np

from keras_vid.inference.predict import softmax
from keras_vid.utils.errors import InputError, UsageError, VideoError
from keras_vid.utils.files import read_json
from keras_vid.utils.optional import need

MARGIN = 0.1  # a top label counts as given with margin where it is this much more probable than the second
CHANGE = 0.03  # of the probability of the top label, the largest mean that is accepted
FRAMES = 64  # of a calibration clip, where a network leaves them open
VIDEOS = 96  # at most
# One trial after another: how the mean error of a layer is put into its bias (all layers at once, not at all, or each
# after those before it), and how many further layers are left in float32.
TRIALS = (("fast", 0), ("fast", 4), ("fast", 8), ("fast", 16), ("none", 0), ("exact", 0))
LAYERS = ("Convolution", "GroupConvolution", "MatMul")


@dataclasses.dataclass(frozen=True)
class Clips:
    """Clips (T, H, W, C) to calibrate with and to measure on, and where they came from."""

    calibration: list
    held_back: list
    source: str


def read_clips(videos, view, source) -> Clips:
    """Read up to 96 of a list of videos as a network is shown them; every third one is held back.

    Videos that cannot be read are left out.
    """
    videos = [videos[i] for i in np.linspace(0, len(videos) - 1, min(len(videos), VIDEOS)).round().astype(int)]
    clips, unread = [], []
    for video in videos:
        try:
            clips.append(_read(video, view))
        except VideoError as error:
            unread.append(str(error))
    if unread:
        print(f"{len(unread)} of {len(videos)} videos were left out, such as {unread[0]}", file=sys.stderr)
    if len(clips) < 6:
        raise InputError(f"{source}: int8 wants at least 6 videos to calibrate with, and {len(clips)} could be read")
    held_back = clips[2::3]
    return Clips([clip for i, clip in enumerate(clips) if i % 3 != 2], held_back, source)


def _read(video, view):
    if view.frames:
        return view.read(video)
    try:
        return view.read(video, FRAMES)
    except VideoError:
        return view.read(video)


def quantize(network, clips, name):
    """`(int8 network, facts)` of a float32 OpenVINO model; an InputError where none is good enough.

    The first layer, the classifier and the mean before it stay in float32. Weights are scaled a channel each, with one
    bit to spare: processors without VNNI add products of 8 bits in 16, which would overflow.
    """
    from keras_vid.saved_models.engines.openvino import logits_of

    expected = probabilities(logits_of(network, name), clips.held_back)
    layers = [op.get_friendly_name() for op in network.get_ordered_ops() if op.get_type_name() in LAYERS]
    order, small, best = [], None, None
    for bias_correction, more in TRIALS:
        if more > len(layers) // 2:
            continue
        if more and not order:
            order = worst_layers(network, small, clips.calibration[:2], layers)
        kept = list(dict.fromkeys([layers[0], layers[-1], *order[:more]]))
        small = quantize_all(network, clips.calibration, kept, bias_correction)
        reached = compare(expected, probabilities(logits_of(small, name), clips.held_back))
        print(f"int8 with {len(kept)} of {len(layers)} layers in float32: {in_words(reached)}", file=sys.stderr)
        if accepted(reached):
            how = {"float32_layers": kept, "layers": len(layers), "bias_correction": bias_correction}
            return small, {"calibrated_on": clips.source, "clips": len(clips.calibration), **how, **reached}
        best = min(best or reached, reached, key=lambda found: (found["lost_with_margin"], found["mean_change"]))
    raise InputError(
        f"{name} is not good enough in int8: at best, {in_words(best)}, where every label given with margin must be "
        f"kept and {CHANGE} is allowed. Calibrate with more clips, of the kind that it will see"
    )


def quantize_all(network, clips, kept, bias_correction="fast"):
    """The network in int8, but for the layers `kept` and all that follows the last layer but one.

    Args:
        bias_correction: "fast", "none" or "exact" (see TRIALS).
    """
    nncf = need("nncf", "openvino")
    from nncf.quantization.advanced_parameters import AdvancedQuantizationParameters, OverflowFix

    nncf.set_log_level(logging.ERROR)
    with contextlib.redirect_stdout(sys.stderr):  # where NNCF's progress belongs
        return nncf.quantize(
            network.clone(),
            nncf.Dataset([clip[None] for clip in clips]),
            preset=nncf.QuantizationPreset.MIXED,
            subset_size=len(clips),
            fast_bias_correction=bias_correction == "fast",
            ignored_scope=nncf.IgnoredScope(names=[*kept, *_end(network)], validate=False),
            advanced_parameters=AdvancedQuantizationParameters(
                overflow_fix=OverflowFix.ENABLE, disable_bias_correction=bias_correction == "none"
            ),
        )


def _end(network):
    """Names of the operations behind the last layer but one: its activation, means, and the classifier."""
    ops = network.get_ordered_ops()
    last = [i for i, op in enumerate(ops) if op.get_type_name() in LAYERS][-2:][0]
    return [op.get_friendly_name() for op in ops[last + 1 :] if op.get_type_name() not in ("Constant", "Result")]


def probabilities(logits, clips):
    """(N, K) of clips that may differ in length."""
    return np.stack([softmax(logits(clip[None])[0]) for clip in clips])


def compare(expected, reached):
    """How far probabilities (N, K) are from those of the float32 network.

    >>> compare(np.array([[0.9, 0.1], [0.52, 0.48]]), np.array([[0.8, 0.2], [0.4, 0.6]]))["lost_with_margin"]
    0
    """
    rows, best = np.arange(len(expected)), expected.argmax(1)
    ordered = np.sort(expected, axis=1)
    margin = ordered[:, -1] - ordered[:, -2] >= MARGIN
    same = reached.argmax(1) == best
    change = np.abs(reached[rows, best] - expected[rows, best])
    return {
        "held_back": len(expected),
        "with_margin": int(margin.sum()),
        "lost_with_margin": int((margin & ~same).sum()),
        "same_top1": int(same.sum()),
        "mean_change": round(float(change.mean()), 4),
        "largest_change": round(float(change.max()), 4),
    }


def accepted(reached):
    return reached["lost_with_margin"] == 0 and reached["mean_change"] <= CHANGE


def in_words(reached):
    """What was reached, in one line."""
    kept = reached["with_margin"] - reached["lost_with_margin"]
    return (
        f"of {reached['held_back']} held-back clips {reached['same_top1']} keep their label, of those given with "
        f"margin {kept} of {reached['with_margin']}; the top probability changes by {reached['mean_change']:.3f} "
        "on average"
    )


def worst_layers(network, small, clips, layers):
    """Names of layers, those first whose output moves farthest away from float32, measured in the network itself.

    What a layer adds is the relative error of its output less that of the layer before it.
    """
    exact, rounded = _outputs(network, clips, layers), _outputs(small, clips, layers)
    errors = {name: _relative(exact[name], rounded[name]) for name in layers if name in exact and name in rounded}
    names = list(errors)
    before = [min(errors[name] for name in names[max(0, i - 2) : i + 1]) for i in range(len(names))]
    added = {name: errors[name] - least for name, least in zip(names, before)}
    return sorted(names, key=lambda name: -added[name])


def _outputs(network, clips, layers):
    openvino = need("openvino", "openvino")
    ops = {op.get_friendly_name(): op for op in network.get_ordered_ops()}
    names = [name for name in layers if name in ops]
    shown = openvino.Model([ops[name].output(0) for name in names], network.get_parameters())
    compiled = openvino.Core().compile_model(shown, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    answers = [compiled([np.ascontiguousarray(clip[None])]) for clip in clips]
    return {name: [np.array(answer[i]) for answer in answers] for i, name in enumerate(names)}


def _relative(exact, rounded):
    error = sum(float(np.square(a - b).sum()) for a, b in zip(exact, rounded))
    return (error / max(sum(float(np.square(a).sum()) for a in exact), 1e-30)) ** 0.5


def videos_in(source) -> list[str]:
    """The videos of a folder, or of a list of them (the column `path` of a CSV file)."""
    from keras_vid.inference.sources import find_videos

    return sorted(video for found in find_videos([str(source)]) for video in found.videos)


def videos_of_run(source) -> list[str]:
    """Videos that a run folder was trained on."""
    path = Path(source) / "args.json"
    videos = read_json(path).get("training_videos") if path.is_file() else None
    if not videos:
        raise UsageError(
            f"{source} does not name videos that it was trained on: --precision int8 wants --calibrate DATA"
        )
    return videos
