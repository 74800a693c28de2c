"""The client asks OpenVINO Model Server as it asks TF Serving.

The server is on no package index, so a stand-in takes its place. It replies at three addresses in the form that the
server's documentation describes. The numbers come from OpenVINO and the file that `keras-vid export --openvino` wrote.
"""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from keras_vid.saved_models.export import export
from small_network import small

import keras_vid
from keras_vid import video
from keras_vid.cli import main

openvino = pytest.importorskip("openvino")
pytest.importorskip("tensorflow_serving")

LABELS = ["run", "jump", "fall"]


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        about = {
            "/v1/models/net/metadata": {"metadata": {"signature_def": {"signature_def": self.signatures()}}},
            "/v2/models/net": {"name": "net", "rt_info": self.info()},
        }
        self.reply(about.get(self.path))

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer = self.server.compiled([np.array(body["inputs"]["clip"], "uint8")])
        self.reply({"outputs": {name: answer[name].tolist() for name in ("logits", "scores")}})

    def signatures(self):
        def tensors(ports, dtype):
            return {
                port.get_any_name(): {
                    "dtype": dtype,
                    "tensor_shape": {"dim": [{"size": str(size.get_max_length())} for size in port.partial_shape]},
                }
                for port in ports
            }

        network = self.server.network
        tables = {"inputs": tensors(network.inputs, "DT_UINT8"), "outputs": tensors(network.outputs, "DT_FLOAT")}
        return {"serving_default": tables}

    def info(self):
        return {"keras_vid": {"facts": self.server.network.get_rt_info(["keras_vid", "facts"]).astype(str)}}

    def reply(self, answer):
        content = json.dumps(answer or {"error": "Model with requested name is not found"}).encode()
        self.send_response(200 if answer else 404)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def network():
    return small()


@pytest.fixture(scope="module")
def server(network, tmp_path_factory):
    path = export(network, tmp_path_factory.mktemp("served") / "net", LABELS, openvino=True)
    server = ThreadingHTTPServer(("localhost", 0), Handler)
    server.network = openvino.Core().read_model(str(path / "model.xml"))
    server.compiled = openvino.Core().compile_model(server.network, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://localhost:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_video_gets_the_networks_labels(server, network, tmp_path, capsys):
    frames = np.random.default_rng(0).integers(0, 256, (24, 40, 48, 3)).astype("uint8")
    video.write(tmp_path / "a.mp4", frames)
    expected = dict(keras_vid.predict(network, tmp_path / "a.mp4", labels=LABELS))
    assert main(["predict", str(tmp_path / "a.mp4"), "--server", server, "--model", "net", "--json"]) == 0
    found = {row["label"]: row["probability"] for row in json.loads(capsys.readouterr().out)["labels"]}
    assert found == pytest.approx(expected, abs=1e-3) and max(expected.values()) - min(expected.values()) > 0.01


def test_a_file_that_is_not_ours_is_said_in_one_line(server, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(Handler, "info", lambda self: {"MO_version": "2025.0"})
    video.write(tmp_path / "a.mp4", np.zeros((24, 40, 48, 3), "uint8"))
    assert main(["predict", str(tmp_path / "a.mp4"), "--server", server, "--model", "net"]) == 1
    assert capsys.readouterr().err.strip().endswith("export it with keras-vid export")
