"""Runs a SavedModel through TensorFlow's C library alone: no Python of TensorFlow, Keras or keras_vid.

python c_api.py LIBRARIES EXPORT_DIR INPUT OUTPUT CLIP.npy LOGITS.npy
"""

import ctypes
import sys
from pathlib import Path

import numpy as np

FLOAT, UINT8 = 1, 4  # TF_DataType


class Output(ctypes.Structure):
    _fields_ = [("operation", ctypes.c_void_p), ("index", ctypes.c_int)]


def main(libraries, export_dir, input_name, output_name, clip_path, logits_path):
    ctypes.CDLL(str(Path(libraries) / "libtensorflow_framework.so.2"), mode=ctypes.RTLD_GLOBAL)
    tf = ctypes.CDLL(str(Path(libraries) / "libtensorflow_cc.so.2"))
    made = "NewStatus NewGraph NewSessionOptions LoadSessionFromSavedModel AllocateTensor"
    for name in [*made.split(), "GraphOperationByName", "TensorData"]:
        getattr(tf, f"TF_{name}").restype = ctypes.c_void_p
    tf.TF_Message.restype = ctypes.c_char_p
    tf.TF_TensorByteSize.restype = ctypes.c_size_t
    pointer = ctypes.c_void_p

    def check():
        if tf.TF_GetCode(status):
            sys.exit(tf.TF_Message(status).decode())

    status, graph = pointer(tf.TF_NewStatus()), pointer(tf.TF_NewGraph())
    tags = (ctypes.c_char_p * 1)(b"serve")
    options = pointer(tf.TF_NewSessionOptions())
    session = pointer(tf.TF_LoadSessionFromSavedModel(options, None, export_dir.encode(), tags, 1, graph, None, status))
    check()

    def end(name):
        operation, _, index = name.partition(":")
        return Output(tf.TF_GraphOperationByName(graph, operation.encode()), int(index))

    clip = np.ascontiguousarray(np.load(clip_path))
    dims = (ctypes.c_int64 * clip.ndim)(*clip.shape)
    tensor = pointer(tf.TF_AllocateTensor(UINT8, dims, clip.ndim, ctypes.c_size_t(clip.nbytes)))
    ctypes.memmove(tf.TF_TensorData(tensor), clip.ctypes.data, clip.nbytes)
    inputs, outputs = (Output * 1)(end(input_name)), (Output * 1)(end(output_name))
    answers = (pointer * 1)()
    tf.TF_SessionRun(session, None, inputs, (pointer * 1)(tensor), 1, outputs, answers, 1, None, 0, None, status)
    check()
    answer = pointer(answers[0])
    data = ctypes.string_at(tf.TF_TensorData(answer), tf.TF_TensorByteSize(answer))
    np.save(logits_path, np.frombuffer(data, "float32").reshape(len(clip), -1))
    assert not {"tensorflow", "keras", "keras_vid"} & set(sys.modules)


if __name__ == "__main__":
    main(*sys.argv[1:])
