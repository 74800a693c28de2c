"""The served network for other engines: ONNX Runtime, and LiteRT (TensorFlow Lite) for phones."""

import contextlib
import os
from pathlib import Path

import tensorflow as tf
from keras_vid.saved_models.check import check
from keras_vid.saved_models.fold import fold
from keras_vid.saved_models.forms import faster

from keras_vid.utils.files import atomic
from keras_vid.utils.optional import need

OPSET = 17  # of ONNX: what engines of the last years read


def to_onnx(model, path):
    """Write a network as an ONNX file, `clip` to `logits` and `scores`, and return how far its logits are off.

    The network is folded as for a SavedModel; names of labels are not inside. Needs `keras_vid[onnx]`.
    """
    need("onnx", "onnx")
    tf2onnx, runtime = need("tf2onnx", "onnx"), need("onnxruntime", "onnx")
    function, spec, _ = _network(model)
    path = _parent(path)
    with atomic(path) as part:
        with _without_copies():
            tf2onnx.convert.from_function(function, [spec], opset=OPSET, output_path=str(part))
        session = runtime.InferenceSession(str(part), providers=["CPUExecutionProvider"])
        checked = check(model, lambda clips: session.run(["logits"], {"clip": clips})[0], "float32", "ONNX file")
    return checked["largest_error"]


def to_litert(model, path, int8=False):
    """Write a network as a LiteRT file with the signature `serving_default`, and return how far its logits are off.

    Needs `keras_vid[litert]`.

    Args:
        model: A functional network of clips; where it leaves frames, height and width open, so does the file.
        path: The file to write, `.tflite` by custom.
        int8: Store weights as 8-bit integers: a quarter of the size, and logits that are off by more.
    """
    interpreter = _interpreter()
    function, _, module = _network(model)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()], module)
    if int8:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    path = _parent(path)
    with atomic(path) as part:
        part.write_bytes(converter.convert())
        run = interpreter(model_path=str(part)).get_signature_runner("serving_default")
        precision = "int8 weights" if int8 else "float32"
        checked = check(model, lambda clips: run(clip=clips)["logits"], precision, "LiteRT file")
    return checked["largest_error"]


def _network(model):
    """A function from clips to logits and scores, its input, and what keeps its weights alive."""
    net = faster(fold(model))
    clip = tf.TensorSpec((None, *model.input_shape[1:]), tf.uint8, name="clip")
    module = tf.Module()
    module.weights = [weight.value for weight in net.variables]

    @tf.function(input_signature=[clip])
    def serving_default(clip):
        logits = net(tf.cast(clip, tf.float32), training=False)
        return {"logits": logits, "scores": tf.nn.softmax(logits)}

    module.serving_default = serving_default
    return serving_default, clip, module


@contextlib.contextmanager
def _without_copies():
    """tf2onnx copies the whole graph before each of forty optimizations, for the case that one fails, unless a variable
    of the environment says not to."""
    name = "TF2ONNX_CATCH_ERRORS"
    before = os.environ.get(name)
    os.environ[name] = before or "FALSE"
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]


def _parent(path):
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _interpreter():
    return need("ai_edge_litert.interpreter", "litert").Interpreter
