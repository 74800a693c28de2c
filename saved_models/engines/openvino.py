"""Networks computed by OpenVINO, on processors: written, checked and read back. Reading needs neither Keras nor
TensorFlow."""

import dataclasses
import functools
import importlib.util
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
from keras_vid.saved_models.engines.processor import has_vnni

from keras_vid.utils.errors import InputError
from keras_vid.utils.files import atomic
from keras_vid.utils.optional import need
from keras_vid.view import ClipView, view_of

FILE = "model.xml"  # beside saved_model.pb; the weights are in model.bin
SHAPES = 4  # of clips for which a network is kept compiled
INFO = ["keras_vid", "facts"]  # where the file keeps its name, its view and how it was checked


def is_installed() -> bool:
    """Whether OpenVINO can be imported; it is not imported for that."""
    return importlib.util.find_spec("openvino") is not None


def convert(model):
    """A Keras network, its BatchNorms absorbed, as an OpenVINO model from `clip` to `logits` and `scores`."""
    import tensorflow as tf
    from keras_vid.saved_models.fold import fold

    net = fold(model)

    def answers(clip):
        logits = net(clip, training=False)
        return {"logits": logits, "scores": tf.nn.softmax(logits)}

    return _converted(net, answers, ("logits", "scores"))


def _converted(net, answers, names):
    """An OpenVINO model of `answers`, a function of float32 clips that returns the named outputs of a Keras network."""
    openvino = need("openvino", "openvino")
    import tensorflow as tf

    from keras_vid.utils.late import no_garbage_collection

    module = tf.Module()
    module.weights = [weight.value for weight in net.variables]
    spec = tf.TensorSpec((None, *net.input_shape[1:]), tf.uint8, name="clip")
    serve = tf.function(lambda clip: answers(tf.cast(clip, tf.float32)), input_signature=[spec], autograph=False)
    with no_garbage_collection(), tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(module, folder, serve.get_concrete_function())
        converted = openvino.Core().read_model(folder)
        outputs = [converted.output(name) for name in names]
        return openvino.Model(outputs, converted.get_parameters(), net.name).clone()


def outputs_of(net):
    """A function of uint8 clips (B, T, H, W, C) that returns all outputs of a Keras network, as a list of arrays.

    It is checked against the network on a clip of noise.
    """
    import keras
    from keras_vid.saved_models.check import TOLERANCE

    from keras_vid.inference.predict import random_clips

    names = [f"output_{i}" for i in range(len(net.outputs))]

    def answers(clip):
        return dict(zip(names, keras.tree.flatten(net(clip, training=False))))

    answer_of = _answer_of(_converted(net, answers, names), net.name)

    def outputs(clips):
        answer = answer_of(clips)
        return [np.array(answer[name]) for name in names]

    clip = random_clips(net, count=1)
    for returned, exact in zip(outputs(clip), answers(clip).values()):
        exact = keras.ops.convert_to_numpy(exact)
        error = np.abs(returned - exact).max() / max(np.abs(exact).max(), np.finfo("float32").tiny)
        if not error <= TOLERANCE["float32"]:
            raise InputError(
                f"OpenVINO returns {error:.2g} of its largest feature away from {net.name} "
                f"({TOLERANCE['float32']:g} is allowed): use --engine tensorflow"
            )
    return outputs


def check_network(model, network):
    """Compare an OpenVINO model with the Keras network that it was made of (`keras_vid.saved_models.check.check`)."""
    from keras_vid.saved_models.check import check

    return check(model, logits_of(network, model.name), "float32", form="OpenVINO file")


def write(converted, path, name, view, **facts):
    """Write an OpenVINO model to `path` (.xml, and .bin beside it) with its name, its `ClipView` and further facts."""
    openvino = need("openvino", "openvino")
    path = Path(path)
    converted.set_rt_info(json.dumps({"name": name, "view": dataclasses.asdict(view), **facts}), INFO)
    # the weights get their name first: a graph that is there is complete
    with atomic(path, shared=True) as graph, atomic(path.with_suffix(".bin"), shared=True) as weights:
        try:
            openvino.serialize(converted, str(graph), str(weights))
        except RuntimeError:  # of a full disk it says "iostream error": Python, which writes as much, says more
            constants = [op for op in converted.get_ops() if op.get_type_name() == "Constant"]
            weights.write_bytes(bytes(sum(op.get_byte_size() for op in constants) + (1 << 20)))
            raise


def read_file(path):
    """`(OpenVINO model, facts)` of a file that `write` wrote."""
    openvino = need("openvino", "openvino")
    try:
        read = openvino.Core().read_model(str(path))
        facts = json.loads(read.get_rt_info(INFO).value)
    except (RuntimeError, ValueError, KeyError) as error:
        raise InputError(f"{path} is not a file of keras-vid export --openvino: {_first_line(error)}") from error
    return read, facts


def of_file(path, labels=None):
    """`(name, view, logits)` of a file that `write` wrote."""
    network, facts = read_file(path)
    if facts.get("quantization", {}).get("weight_bits") == 8 and not has_vnni():
        print(
            f"{path} is int8 for processors with VNNI, and may answer otherwise on this one: export it with "
            "--any-processor, or use --engine tensorflow",
            file=sys.stderr,
        )
    return _named(network, facts["name"], ClipView.from_dict(facts["view"]), labels)


def of_keras(model, labels=None):
    """`(name, view, logits)` of a Keras network, checked against it."""
    network = convert(model)
    check_network(model, network)
    return _named(network, model.name, view_of(model), labels)


def _named(network, name, view, labels):
    classes = network.output("logits").partial_shape[1].get_length()
    view = dataclasses.replace(view, labels=tuple(view.names(classes, labels, name)))
    return name, view, logits_of(network, name)


def of_saved_model(folder):
    """`(name, view, logits)` of a SavedModel folder: of the OpenVINO file in it, or else of its graph."""
    folder = Path(folder)
    if (folder / FILE).is_file():
        return (str(folder), *of_file(folder / FILE)[1:])
    from keras_vid.saved_models.layout import read_metadata, view_from

    openvino = need("openvino", "openvino")
    read = openvino.Core().read_model(str(folder))
    network = openvino.Model([read.output("logits")], read.get_parameters(), folder.parent.name)
    return _named(network, str(folder), view_from(read_metadata(folder), folder), None)


def logits_of(network, name):
    """A function of uint8 clips (B, T, H, W, C) that returns float32 logits (B, K)."""
    answer_of = _answer_of(network, name)
    return lambda clips: np.array(answer_of(clips)["logits"])


def _answer_of(network, name):
    """A function of uint8 clips (B, T, H, W, C) that returns the outputs of an OpenVINO model by their names.

    The network is compiled for each shape of clips anew, which takes about a second and makes it a third to a half
    faster than one for all shapes.
    """
    openvino = need("openvino", "openvino")
    core, allowed = openvino.Core(), network.input(0).partial_shape

    @functools.lru_cache(maxsize=SHAPES)
    def compiled(shape):
        fixed = network.clone()
        fixed.reshape(list(shape))
        if _has_empty_maps(fixed):  # their mean would be zero, and all classes equally probable
            raise InputError(f"{shape[1]} frames are too few for {name}: no frame of its features is left")
        return core.compile_model(fixed, "CPU", {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"})

    def answer_of(clips):
        clips = np.ascontiguousarray(clips, "uint8")
        if not allowed.compatible(openvino.PartialShape(list(clips.shape))):
            raise InputError(f"clips of the shape {clips.shape[1:]} do not fit {name}, which takes {allowed}")
        try:
            return compiled(clips.shape)([clips])
        except RuntimeError as error:
            raise InputError(f"{clips.shape[1]} frames are too few for {name} ({_first_line(error)})") from error

    return answer_of


def _has_empty_maps(network):
    """Whether a feature map (B, ..., C) of a network of fixed shape has no element."""
    shapes = [output.partial_shape for op in network.get_ops() for output in op.outputs()]
    return any(shape.is_static and len(shape) > 2 and 0 in list(shape.to_shape()) for shape in shapes)


def _first_line(error):
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
