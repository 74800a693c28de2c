"""A stand-in for tensorflow_model_server, in a process of its own that knows neither keras nor keras_vid.

    python serving_process.py MODEL_FOLDER [BUSY]

Serves the newest version under the folder's name and prints `{"grpc": port, "rest": port}`. Predict, GetModelMetadata
and GetModelStatus answer over gRPC by tensorflow-serving-api's stubs, and over HTTP in TF Serving's JSON. The first
BUSY predictions are refused as by a server whose queue is full.
"""

import base64
import gc
import json
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

gc.set_threshold(5_000, 10, 10)  # as the command line does: TensorFlow is there sooner

import grpc
import numpy as np
import tensorflow as tf
from google.protobuf import json_format
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

HTTP = {"INVALID_ARGUMENT": 400, "NOT_FOUND": 404, "UNAVAILABLE": 503, "INTERNAL": 500}


class Failure(Exception):
    """A gRPC status: its code's name and a message."""


class Model:
    def __init__(self, folder, busy):
        self.name, self.busy, self.lock = folder.name, busy, threading.Lock()
        self.version = max(int(path.name) for path in folder.iterdir() if path.name.isdigit())
        path = folder / str(self.version)
        self.loaded = tf.saved_model.load(str(path))
        saved = saved_model_pb2.SavedModel.FromString((path / "saved_model.pb").read_bytes())
        self.signatures = saved.meta_graphs[0].signature_def

    def check(self, name, version=None):
        if name != self.name or version not in (None, self.version):
            raise Failure("NOT_FOUND", f"Servable not found for request: {name}/{version or 'latest'}")

    def predict(self, signature, inputs):
        with self.lock:
            self.busy -= 1
            if self.busy >= 0:
                raise Failure("UNAVAILABLE", "The batch scheduling queue to which this task was submitted is full")
        signature = signature or "serving_default"
        if signature not in self.signatures:
            raise Failure("INVALID_ARGUMENT", f"Serving signature key {signature!r} not found.")
        fields = self.signatures[signature].inputs
        if set(fields) != set(inputs):
            raise Failure("INVALID_ARGUMENT", f"the inputs are {sorted(fields)}, and not {sorted(inputs)}")
        for name, info in fields.items():
            dtype, shape, value = tf.as_dtype(info.dtype), tf.TensorShape(info.tensor_shape), inputs[name]
            if tf.as_dtype(value.dtype) != dtype:
                raise Failure("INVALID_ARGUMENT", f"{name}: expected {dtype.name}, not {value.dtype}")
            if not shape.is_compatible_with(value.shape):
                raise Failure("INVALID_ARGUMENT", f"{name}: expected the shape {shape}, not {value.shape}")
            if not value.size:
                raise Failure("INVALID_ARGUMENT", f"{name}: empty: {value.shape}")
        try:
            answer = self.loaded.signatures[signature](**{name: tf.constant(value) for name, value in inputs.items()})
        except tf.errors.OpError as error:
            raise Failure("INVALID_ARGUMENT", f"{error.message} (inputs: {', '.join(sorted(inputs))})") from error
        return {name: value.numpy() for name, value in answer.items()}

    def metadata(self):
        answer = get_model_metadata_pb2.GetModelMetadataResponse()
        answer.model_spec.name, answer.model_spec.version.value = self.name, self.version
        table = get_model_metadata_pb2.SignatureDefMap()
        for name, signature in self.signatures.items():
            table.signature_def[name].CopyFrom(signature)
        answer.metadata["signature_def"].Pack(table)
        return answer

    def status(self):
        answer = get_model_status_pb2.GetModelStatusResponse()
        answer.model_version_status.add(version=self.version, state="AVAILABLE")
        return answer


class Services(prediction_service_pb2_grpc.PredictionServiceServicer, model_service_pb2_grpc.ModelServiceServicer):
    def __init__(self, model):
        self.model = model

    def Predict(self, request, context):
        def answer():
            inputs = {name: tf.make_ndarray(value) for name, value in request.inputs.items()}
            response = predict_pb2.PredictResponse(model_spec=request.model_spec)
            for name, value in self.model.predict(request.model_spec.signature_name, inputs).items():
                response.outputs[name].CopyFrom(tf.make_tensor_proto(value))
            return response

        return self._reply(request, context, answer)

    def GetModelMetadata(self, request, context):
        return self._reply(request, context, self.model.metadata)

    def GetModelStatus(self, request, context):
        return self._reply(request, context, self.model.status)

    def _reply(self, request, context, answer):
        try:
            spec = request.model_spec
            self.model.check(spec.name, spec.version.value if spec.HasField("version") else None)
            return answer()
        except Failure as failure:
            context.abort(getattr(grpc.StatusCode, failure.args[0]), failure.args[1])


class Handler(BaseHTTPRequestHandler):
    timeout = 20  # of a client that stops in the middle of its request

    def do_GET(self):
        self._reply(lambda rest: self._about(rest))

    def do_POST(self):
        self._reply(self._predict)

    def _about(self, rest):
        kind = {"/metadata": self.server.model.metadata, "": self.server.model.status}.get(rest)
        if kind is None:
            raise Failure("INVALID_ARGUMENT", f"Malformed request: GET {self.path}")
        told = json_format.MessageToDict(
            kind(), preserving_proto_field_name=True, always_print_fields_with_no_presence=True
        )
        return told

    def _predict(self, rest):
        if rest != ":predict":
            raise Failure("INVALID_ARGUMENT", f"Malformed request: POST {self.path}")
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            request = json.loads(body)
            fields = self.server.model.signatures[request.get("signature_name", "serving_default")].inputs
            inputs = {name: _array(name, value, fields) for name, value in request["inputs"].items()}
        except (ValueError, KeyError, AttributeError) as error:
            raise Failure("INVALID_ARGUMENT", f"JSON Parse error: {error}") from error
        outputs = self.server.model.predict(request.get("signature_name"), inputs)
        told = {name: _plain(value) for name, value in outputs.items()}
        return {"outputs": told if len(told) > 1 else next(iter(told.values()))}  # as TF Serving leaves the name out

    def _reply(self, answer):
        try:
            _, _, _, name, *rest = self.path.split("/")
            name, colon, verb = name.partition(":")
            self.server.model.check(name)
            code, told = 200, answer(colon + verb + "".join(f"/{part}" for part in rest))
        except ValueError:
            code, told = 400, {"error": f"Malformed request: {self.path}"}
        except Failure as failure:
            code, told = HTTP[failure.args[0]], {"error": failure.args[1]}
        data = json.dumps(told).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args):
        pass


def _array(name, value, fields):
    """TF Serving reads JSON by the signature's dtype: what is no number of that kind is refused."""
    dtype = tf.as_dtype(fields[name].dtype) if name in fields else tf.float32
    if dtype == tf.string:
        return np.asarray(_bytes(value), object)
    array = np.asarray(value)
    if dtype.is_integer and array.dtype.kind == "f":
        raise ValueError(f"{name}: expected {dtype.name}, got a real number")
    return array.astype(dtype.as_numpy_dtype)


def _bytes(value):
    if isinstance(value, list):
        return [_bytes(item) for item in value]
    return base64.b64decode(value["b64"]) if isinstance(value, dict) else str(value).encode()


def _plain(value):
    return np.char.decode(value.astype("S"), "utf-8").tolist() if value.dtype.kind in "SO" else value.tolist()


class Server(ThreadingHTTPServer):
    request_queue_size = 1024

    def handle_error(self, request, client_address):
        """A client that went away is its own affair."""


def main():
    model = Model(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0)
    assert not {"keras", "keras_vid"} & set(sys.modules) or "keras_vid" not in sys.modules
    services = Services(model)
    unlimited = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
    server = grpc.server(ThreadPoolExecutor(8), options=unlimited)
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(services, server)
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(services, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    rest = Server(("127.0.0.1", 0), Handler)
    rest.model = model
    threading.Thread(target=rest.serve_forever, daemon=True).start()
    print(json.dumps({"grpc": port, "rest": rest.server_port}), flush=True)
    sys.stdin.read()  # until the test that started it is gone


if __name__ == "__main__":
    main()
