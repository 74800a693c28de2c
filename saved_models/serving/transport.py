"""How TF Serving and OpenVINO Model Server are asked: gRPC and REST, each as a class with the same methods.

Both tell three kinds of failure apart. `Unavailable`: no server replied, or it is busy; asking again may help.
`TimeoutError`: the time was up. `Refused`: the server understood and says no; the same request would be refused again.
"""

import base64
import http.client
import json
import time
import urllib.error
import urllib.parse
import urllib.request

import numpy as np

from keras_vid.utils.errors import InputError
from keras_vid.utils.optional import need

NO_VIEW = "it does not say what it is shown of a video: export it with keras-vid export"


class Unavailable(OSError):
    """The server cannot be reached, or is too busy now."""


class Refused(InputError):
    """The server refuses this request, with its reason."""


def open_transport(server, model, version=None):
    """`host:port` and `grpc://host:port` are gRPC, `grpcs://` with TLS; `http://` and `https://` are REST."""
    address = server if "://" in server else f"grpc://{server}"
    parts = urllib.parse.urlsplit(address)
    if parts.scheme not in ("grpc", "grpcs", "http", "https") or not parts.hostname:
        raise InputError(f"server {server!r} is not an address: give HOST:8500 for gRPC, or http://HOST:8501 for REST")
    try:
        port = parts.port
    except ValueError as error:
        raise InputError(f"server {server!r}: {error}") from error
    if port is None and parts.scheme in ("grpc", "grpcs"):
        raise InputError(f"server {server!r} has no port: {server}:8500 is TF Serving's for gRPC")
    kind = Rest if parts.scheme.startswith("http") else Grpc
    return kind(address, model, version)


class Grpc:
    """The prediction and model services of tensorflow-serving-api."""

    def __init__(self, address, model, version=None):
        apis = "tensorflow_serving.apis"
        self.grpc = need("grpc", extra="serving")
        self.messages = {
            name: need(f"{apis}.{name}_pb2", extra="serving")
            for name in ("predict", "get_model_metadata", "get_model_status", "model")
        }
        prediction = need(f"{apis}.prediction_service_pb2_grpc", extra="serving")
        service = need(f"{apis}.model_service_pb2_grpc", extra="serving")
        scheme, _, target = address.partition("://")
        options = [
            ("grpc.max_send_message_length", -1),
            ("grpc.max_receive_message_length", -1),
            ("grpc.initial_reconnect_backoff_ms", 100),
            ("grpc.max_reconnect_backoff_ms", 5000),
        ]
        if scheme == "grpcs":
            self.channel = self.grpc.secure_channel(target, self.grpc.ssl_channel_credentials(), options)
        else:
            self.channel = self.grpc.insecure_channel(target, options)
        self.prediction = prediction.PredictionServiceStub(self.channel)
        self.service = service.ModelServiceStub(self.channel)
        self.model, self.version = model, version

    def signatures(self, timeout):
        metadata = self.messages["get_model_metadata"]
        request = metadata.GetModelMetadataRequest(model_spec=self._spec(), metadata_field=["signature_def"])
        answer = self._ask(self.prediction.GetModelMetadata, request, timeout)
        table = metadata.SignatureDefMap()
        answer.metadata["signature_def"].Unpack(table)
        return {
            name: {kind: _fields(getattr(signature, kind)) for kind in ("inputs", "outputs")}
            for name, signature in table.signature_def.items()
            if not name.startswith("__")  # TensorFlow's own
        }

    def view(self, timeout):
        raise Refused(f"{NO_VIEW}; of OpenVINO Model Server, ask the REST port, http://HOST:8501")

    def predict(self, signature, inputs, timeout):
        import tensorflow as tf

        request = self.messages["predict"].PredictRequest(model_spec=self._spec(signature))
        for name, value in inputs.items():
            request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
        answer = self._ask(self.prediction.Predict, request, timeout)
        return {name: tf.make_ndarray(tensor) for name, tensor in answer.outputs.items()}

    def status(self, timeout):
        request = self.messages["get_model_status"].GetModelStatusRequest(model_spec=self._spec())
        answer = self._ask(self.service.GetModelStatus, request, timeout)
        states = self.messages["get_model_status"].ModelVersionStatus.State
        return {row.version: states.Name(row.state) for row in answer.model_version_status}

    def close(self):
        self.channel.close()

    def _spec(self, signature=""):
        spec = self.messages["model"].ModelSpec(name=self.model, signature_name=signature)
        if self.version is not None:
            spec.version.value = self.version
        return spec

    def _ask(self, call, request, timeout):
        codes = self.grpc.StatusCode
        try:
            return call(request, timeout=timeout)
        except self.grpc.RpcError as error:
            said = error.details() or error.code().name
            if "http1.x" in said or "Failed parsing HTTP/2" in said:  # a server that speaks HTTP/1
                raise Refused("this port speaks HTTP, not gRPC: ask it as http://HOST:PORT") from error
            if error.code() in (codes.UNAVAILABLE, codes.RESOURCE_EXHAUSTED, codes.ABORTED):
                raise Unavailable(said) from error
            if error.code() == codes.DEADLINE_EXCEEDED:
                raise TimeoutError("no reply in time") from error
            raise Refused(said) from error


def _fields(table):
    """`{name: (dtype, shape)}` of the tensors of a signature."""
    import tensorflow as tf

    return {
        name: (tf.as_dtype(info.dtype).name, _shape([dim.size for dim in info.tensor_shape.dim]))
        for name, info in table.items()
    }


def _shape(sizes):
    return tuple(None if int(size) < 0 else int(size) for size in sizes)


class Rest:
    """TF Serving's REST API. Needs no package beyond Python."""

    def __init__(self, address, model, version=None):
        path = f"/models/{urllib.parse.quote(model)}" + (f"/versions/{version}" if version is not None else "")
        self.address, self.about = (f"{address.rstrip('/')}/{api}{path}" for api in ("v1", "v2"))
        self.outputs = {}  # names of each signature's outputs: the only one of a signature comes without its name

    def signatures(self, timeout):
        answer = self._ask("/metadata", None, timeout)
        table = answer["metadata"]["signature_def"]["signature_def"]
        self.outputs = {name: list(signature.get("outputs", {})) for name, signature in table.items()}
        return {
            name: {kind: self._fields(signature.get(kind, {})) for kind in ("inputs", "outputs")}
            for name, signature in table.items()
            if not name.startswith("__")
        }

    def view(self, timeout):
        """The view of a model without that signature: OpenVINO Model Server returns what its file says of itself."""
        try:
            facts = self._request(self.about, None, timeout)["rt_info"]["keras_vid"]["facts"]
            return json.dumps(json.loads(facts)["view"])
        except (Refused, KeyError, TypeError, ValueError) as error:
            raise Refused(NO_VIEW) from error

    def predict(self, signature, inputs, timeout):
        inputs = {name: _as_json(np.asarray(value)) for name, value in inputs.items()}
        outputs = self._ask(":predict", {"signature_name": signature, "inputs": inputs}, timeout)["outputs"]
        if not isinstance(outputs, dict):
            outputs = {self.outputs[signature][0]: outputs}
        return {name: _from_json(value) for name, value in outputs.items()}

    def status(self, timeout):
        rows = self._ask("", None, timeout)["model_version_status"]
        return {int(row["version"]): row["state"] for row in rows}

    def close(self):
        """Every request has a connection of its own: there is nothing to close."""

    @staticmethod
    def _fields(table):
        dims = {name: info["tensor_shape"].get("dim", ()) for name, info in table.items()}
        return {
            name: (info["dtype"].removeprefix("DT_").lower(), _shape([dim["size"] for dim in dims[name]]))
            for name, info in table.items()
        }

    def _ask(self, path, body, timeout):
        return self._request(self.address + path, body, timeout)

    @staticmethod
    def _request(url, body, timeout):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                return json.loads(_read(answer, time.monotonic() + timeout))
        except urllib.error.HTTPError as error:
            said = _reason(error)
            if error.code == 504:
                raise TimeoutError(said) from error
            raise (Unavailable if error.code in (429, 502, 503) else Refused)(said) from error
        except TimeoutError as error:
            raise TimeoutError("no reply in time") from error
        except urllib.error.URLError as error:
            if isinstance(error.reason, TimeoutError):
                raise TimeoutError("no reply in time") from error
            raise Unavailable(str(error.reason)) from error
        except json.JSONDecodeError as error:
            raise Refused(f"its reply is not JSON ({error}): is this TF Serving's REST port?") from error
        except http.client.BadStatusLine as error:
            raise Unavailable("it does not speak HTTP: is this TF Serving's REST port?") from error
        except (OSError, http.client.HTTPException) as error:
            raise Unavailable(f"the connection broke ({type(error).__name__})") from error


def _read(answer, until):
    """The body; a server that sends it drop by drop is cut off when the time is up."""
    parts = []
    while part := answer.read1(1 << 16):
        parts.append(part)
        if time.monotonic() > until:
            raise TimeoutError
    if answer.length:
        raise http.client.IncompleteRead(b"".join(parts), answer.length)
    return b"".join(parts)


def _reason(error):
    try:
        return json.loads(error.read())["error"]
    except (ValueError, KeyError, TypeError, OSError, http.client.HTTPException):
        return f"HTTP {error.code} {error.reason}"


def _as_json(value):
    if value.dtype.kind not in "SO":
        return value.tolist()
    if value.ndim:
        return [_as_json(np.asarray(item, value.dtype)) for item in value]
    return {"b64": base64.b64encode(value.item()).decode()}


def _from_json(value):
    """Text comes as text; what is not text comes as `{"b64": ...}`."""
    array = np.asarray(value)
    return np.char.encode(array, "utf-8").astype(object) if array.dtype.kind == "U" else array
