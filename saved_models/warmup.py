"""Requests that TF Serving computes for itself after loading a model, so that the first user does not wait.

They are records of `PredictionLog`, the message that TF Serving logs requests in. The few fields that are needed are
written by hand, so that an export needs no package beyond TensorFlow.
"""

from pathlib import Path

import tensorflow as tf

FRAMES = 64  # of the clip, for a network that leaves them open
FILE = Path("assets.extra") / "tf_serving_warmup_requests"


def write(path, name, signatures):
    """Write one request of one clip for each signature of a SavedModel that takes raw clips or encoded frames."""
    target = Path(path) / FILE
    target.parent.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(target)) as writer:
        for signature, function in signatures.items():
            if signature not in ("features", "view"):
                (spec,) = function.structured_input_signature[0] or function.structured_input_signature[1].values()
                writer.write(_prediction_log(name, signature, spec.name, _one_clip(spec)))


def _one_clip(spec):
    """A grey clip, or grey pictures, as a TensorProto."""
    shape = [1, *(size or usual for size, usual in zip(spec.shape[1:], (FRAMES, 224, 224, 3)))]
    if spec.dtype == tf.string:
        picture = tf.io.encode_jpeg(tf.fill((16, 16, 3), tf.constant(127, tf.uint8))).numpy()
        return tf.make_tensor_proto([[picture] * shape[1]])
    proto = tf.make_tensor_proto(127, tf.uint8, [])
    proto.tensor_content = b""
    proto.int_val[:] = [127]  # one value for all pixels: the message stays small
    proto.tensor_shape.CopyFrom(tf.TensorShape(shape).as_proto())
    return proto


def _prediction_log(model, signature, name, tensor):
    """PredictionLog{6: PredictLog{1: PredictRequest{1: ModelSpec{1: name, 3: signature}, 2: inputs}}}"""
    spec = _field(1, model.encode()) + _field(3, signature.encode())
    entry = _field(1, name.encode()) + _field(2, tensor.SerializeToString())
    request = _field(1, spec) + _field(2, entry)
    return _field(6, _field(1, request))


def _field(number, content):
    """A length-delimited field of a protocol buffer."""
    size, length = len(content), b""
    while size > 127:
        length += bytes([size & 127 | 128])
        size >>= 7
    return bytes([number << 3 | 2]) + length + bytes([size]) + content
