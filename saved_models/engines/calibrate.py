"""A network in 8-bit integers that is trusted only as far as it was measured.

Clips of the kind that the network will see are divided in two. One part says how wide the values of each layer range,
and chooses one of a few trials, in which the layers that add the largest error are left in float32, more and more of
them. The other part, held back, has no say in that: it judges what was chosen, once, and it is kept or refused.
"""

import contextlib
import logging
import sys

import numpy as np
from keras_vid.saved_models.engines.processor import has_vnni

from keras_vid.inference.predict import softmax
from keras_vid.utils.errors import InputError
from keras_vid.utils.optional import need

MARGIN = 0.1  # a top label counts as given with margin where it is this much more probable than the second
CHANGE = 0.03  # of the probability of the top label, the largest mean that is accepted
# One trial after another: how the mean error of a layer is put into its bias (not at all, or of each layer after those
# before it, which takes long), and how many further layers are left in float32.
TRIALS = (("none", 0), ("none", 4), ("none", 8), ("none", 16), ("exact", 0))
LAYERS = ("Convolution", "GroupConvolution", "MatMul")


def quantize(network, clips, name, any_processor=False):
    """`(int8 network, facts)` of a float32 OpenVINO model; an InputError where it is not good enough.

    The first layer, the classifier and the mean before it stay in float32. Weights are scaled a channel each.
    Processors without VNNI add products of 8 bits in 16, which would overflow: weights for them keep a bit to spare.

    Args:
        clips: Of `engines.clips.read_clips`. Those that were held back judge the trial that the others chose, once.
        any_processor: For processors without VNNI, too, though this one has it.
    """
    from keras_vid.saved_models.engines.openvino import logits_of

    exact, bits = logits_of(network, name), weight_bits(any_processor)
    small, how, chosen_on = choose(network, clips.calibration, exact, name, bits)
    reached = compare(probabilities(exact, clips.held_back), probabilities(logits_of(small, name), clips.held_back))
    print(f"of the clips that were held back: {in_words(reached)}", file=sys.stderr)
    if not accepted(reached):
        raise InputError(
            f"{name} is not good enough in int8: on clips that were held back, {in_words(reached)}, where every label "
            f"given with margin must be kept and {CHANGE} is allowed. Calibrate with more clips, of the kind that it "
            "will see"
        )
    sources = [{"sources": count} for count in clips.sources]
    return small, {
        "calibrated_on": clips.source,
        "weight_bits": bits,
        **how,
        "calibration": chosen_on | sources[0],
        "held_back": reached | sources[1],
    }


def weight_bits(any_processor=False):
    """The bits of each weight that a file uses."""
    return 8 if has_vnni() and not any_processor else 7


def choose(network, clips, exact, name, bits):
    """`(int8 network, how it was made, what it reached)`: the first of TRIALS that is twice as good as it must be on
    the clips that it is calibrated with, or the best of all.

    What int8 moves in the logits of all these clips is taken off: two classes that the network puts close together
    would change places otherwise.
    """
    from keras_vid.saved_models.engines.openvino import logits_of

    expected = logits_for(exact, clips)
    layers = [op.get_friendly_name() for op in network.get_ordered_ops() if op.get_type_name() in LAYERS]
    order, trials = [], []
    for bias_correction, more in TRIALS:
        if more > len(layers) // 2:
            continue
        if more and not order:
            order = worst_layers(network, trials[-1][0], clips[:2], layers)
        kept = list(dict.fromkeys([layers[0], layers[-1], *order[:more]]))
        small = quantize_all(network, clips, kept, bits, bias_correction)
        error = expected - logits_for(logits_of(small, name), clips)
        of_others = (error.sum(axis=0) - error) / (len(clips) - 1)  # no clip corrects what it is compared by
        reached = compare(softmax(expected), softmax(expected - error + of_others))
        add_to_logits(small, error.mean(axis=0))
        print(f"int8 with {len(kept)} of {len(layers)} layers in float32: {in_words(reached)}", file=sys.stderr)
        trials.append(
            (small, {"float32_layers": kept, "layers": len(layers), "bias_correction": bias_correction}, reached)
        )
        if accepted(reached, 1 / 2):
            break
    return min(trials, key=lambda trial: (trial[2]["lost_with_margin"], trial[2]["mean_change"]))


def quantize_all(network, clips, kept, bits, bias_correction="none"):
    """The network in int8, but for the layers `kept` and all that follows the last layer but one.

    Args:
        bits: Of the weights, 7 or 8.
        bias_correction: "none" or "exact" (see TRIALS).
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
            fast_bias_correction=False,
            ignored_scope=nncf.IgnoredScope(names=[*kept, *_end(network)], validate=False),
            advanced_parameters=AdvancedQuantizationParameters(
                overflow_fix=OverflowFix.ENABLE if bits < 8 else OverflowFix.DISABLE,
                disable_bias_correction=bias_correction == "none",
            ),
        )


def _end(network):
    """Names of the operations behind the last layer but one: its activation, means, and the classifier."""
    ops = network.get_ordered_ops()
    last = [i for i, op in enumerate(ops) if op.get_type_name() in LAYERS][-2:][0]
    return [op.get_friendly_name() for op in ops[last + 1 :] if op.get_type_name() not in ("Constant", "Result")]


def add_to_logits(network, values):
    """Add a number for each class to the logits of an OpenVINO model, which takes off what int8 moves in all clips."""
    openvino = need("openvino", "openvino")
    logits = network.output("logits").get_node().input_value(0)
    readers = logits.get_target_inputs()
    moved = openvino.opset13.add(logits, openvino.opset13.constant(values.astype("float32")[None])).output(0)
    moved.set_names({"logits"})
    logits.set_names(set())
    for reader in readers:
        reader.replace_source_output(moved)
    network.validate_nodes_and_infer_types()


def logits_for(logits, clips):
    """(N, K) of clips that may differ in length."""
    return np.stack([logits(clip[None])[0] for clip in clips]).astype("float64")


def probabilities(logits, clips):
    """(N, K) of clips that may differ in length."""
    return softmax(logits_for(logits, clips))


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
        "clips": len(expected),
        "with_margin": int(margin.sum()),
        "lost_with_margin": int((margin & ~same).sum()),
        "same_top1": int(same.sum()),
        "mean_change": round(float(change.mean()), 4),
        "largest_change": round(float(change.max()), 4),
    }


def accepted(reached, share=1):
    return reached["lost_with_margin"] == 0 and reached["mean_change"] <= share * CHANGE


def in_words(reached):
    """What was reached, in one line."""
    kept = reached["with_margin"] - reached["lost_with_margin"]
    return (
        f"{reached['same_top1']} of {reached['clips']} keep their label, of those given with margin {kept} of "
        f"{reached['with_margin']}; the top probability changes by {reached['mean_change']:.3f} on average"
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
