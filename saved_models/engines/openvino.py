"""Networks computed by OpenVINO, on processors: written, checked and read back. Reading needs neither Keras nor
TensorFlow."""

import dataclasses
import functools
import importlib.util
import json
import tempfile
from pathlib import Path

import numpy as np

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
    openvino = need("openvino", "openvino")
    import tensorflow as tf
    from keras_vid.saved_models.fold import fold

    net = fold(model)
    module = tf.Module()
    module.weights = [weight.value for weight in net.variables]
    spec = tf.TensorSpec((None, *model.input_shape[1:]), tf.uint8, name="clip")

    @tf.function(input_signature=[spec])
    def serve(clip):
        logits = net(tf.cast(clip, tf.float32), training=False)
        return {"logits": logits, "scores": tf.nn.softmax(logits)}

    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(module, folder, serve.get_concrete_function())
        converted = openvino.Core().read_model(folder)
        outputs = [converted.output(name) for name in ("logits", "scores")]
        return openvino.Model(outputs, converted.get_parameters(), model.name).clone()


def check_network(model, network):
    """Compare an OpenVINO model with the Keras network that it was made of (`keras_vid.saved_models.check.check`)."""
    from keras_vid.saved_models.check import check

    return check(model, logits_of(network, model.name), "float32", form="OpenVINO file")


def write(converted, path, name, view, **facts):
    """Write an OpenVINO model to `path` (.xml, and .bin beside it) with its name, its `ClipView` and further facts."""
    openvino = need("openvino", "openvino")
    path = Path(path)
    converted.set_rt_info(json.dumps({"name": name, "view": dataclasses.asdict(view), **facts}), INFO)
    with atomic(path.with_suffix(".bin")) as weights, atomic(path) as graph:
        openvino.serialize(converted, str(graph), str(weights))


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
    """A function of uint8 clips (B, T, H, W, C) that returns float32 logits (B, K).

    The network is compiled for each shape of clips anew, which takes about a second and makes it a third to a half
    faster than one for all shapes.
    """
    openvino = need("openvino", "openvino")
    core, allowed = openvino.Core(), network.input(0).partial_shape

    @functools.lru_cache(maxsize=SHAPES)
    def compiled(shape):
        fixed = network.clone()
        fixed.reshape(list(shape))
        return core.compile_model(fixed, "CPU", {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"})

    def logits(clips):
        clips = np.ascontiguousarray(clips, "uint8")
        if not allowed.compatible(openvino.PartialShape(list(clips.shape))):
            raise InputError(f"clips of the shape {clips.shape[1:]} do not fit {name}, which takes {allowed}")
        try:
            answer = compiled(clips.shape)([clips])
        except RuntimeError as error:
            raise InputError(f"{clips.shape[1]} frames are too few for {name} ({_first_line(error)})") from error
        return np.array(answer["logits"])

    return logits


def _first_line(error):
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
