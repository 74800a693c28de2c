"""The client against a server process: right answers, and one clear line for all that goes wrong."""

import contextlib
import http.client
import json
import shutil
import socket
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")
grpc = pytest.importorskip("grpc")
pytest.importorskip("tensorflow_serving")

from keras_vid.saved_models.export import export
from keras_vid.saved_models.serving.client import Client, encode, near_crop
from keras_vid.saved_models.serving.transport import Refused, Rest, Unavailable
from networks import mean_colours
from served import serving
from small_network import small

import keras_vid
from keras_vid import cli, video
from keras_vid.view import ClipView, set_view

LABELS = ["run", "jump", "fall"]
SMALL = ClipView(height=32, width=32)


@pytest.fixture(scope="module")
def network():
    keras.utils.set_random_seed(0)  # the seed of a test comes after this
    return small()


@pytest.fixture(scope="module")
def folder(network, tmp_path_factory):
    folder = tmp_path_factory.mktemp("served") / "small"
    export(network, folder, labels=LABELS)
    return folder


@pytest.fixture(scope="module")
def server(folder):
    with serving(folder) as addresses:
        yield addresses


@pytest.fixture(params=["grpc", "rest"])
def client(request, server):
    with Client(server[request.param], "small", timeout=60) as client:
        yield client


@pytest.fixture(scope="module")
def reference(folder):
    """The SavedModel's own answer to encoded frames, without any server."""
    serve = tf.saved_model.load(str(folder / "1")).signatures["encoded_frames"]
    return lambda files: serve(frames=tf.constant([files]))["scores"].numpy()[0]


def clip(number, frames=4):
    return np.random.default_rng(number).integers(0, 256, (frames, 37, 49, 3)).astype("uint8")


def as_dict(scores):
    return pytest.approx(dict(zip(LABELS, scores)), abs=1e-5)


def test_it_learns_the_model_from_the_server(client):
    assert client.signatures()["serving_default"]["inputs"] == {"clip": ("uint8", (None, 4, 32, 32, 3))}
    assert set(client.signatures()["serving_default"]["outputs"]) == {"logits", "scores", "labels"}
    assert client.status() == {1: "AVAILABLE"}


def test_a_video_gets_the_answer_of_predict(client, network, tmp_path):
    frames = (clip(0, frames=20) * [1, 0.5, 0.1]).astype("uint8")  # orange: grey noise would hide the order of colours
    path = video.write(tmp_path / "clip.mp4", frames)
    client.quality = None  # PNG: what the server sees is what the network would
    expected = keras_vid.predict(network, path, labels=LABELS)
    assert [label for label, _ in client.predict(path)] == [label for label, _ in expected]
    assert dict(client.predict(path)) == pytest.approx(dict(expected), abs=1e-5)
    client.quality = 95
    assert dict(client.predict(path)) == pytest.approx(dict(expected), abs=0.01)
    blue = keras_vid.predict(network, video.read(path)[..., ::-1], labels=LABELS)
    assert dict(blue) != pytest.approx(dict(expected), abs=0.1)
    assert len(client.predict(frames, top=1)) == 1


def test_a_model_that_takes_no_encoded_frames_gets_pixels(client):
    client.quality = None
    expected = dict(client.predict(clip(1)))
    client.known = {"serving_default": client.signatures()["serving_default"]}
    assert dict(client.predict(clip(1))) == pytest.approx(expected, abs=1e-5)


def test_pictures_get_the_shape_that_the_network_learnt_from(tmp_path):
    """A network that was trained on pictures of one shape says so itself."""
    network = mean_colours()
    frames = np.full((4, 120, 320, 3), 40, "uint8")
    frames[:, :, 110:210, 1] = 250  # all that is left where the sides are cropped
    cropped = dict(keras_vid.predict(network, frames, labels=LABELS))
    set_view(network, aspect=340 / 256)
    expected = dict(keras_vid.predict(network, frames, labels=LABELS))
    path = export(network, tmp_path / "colours", labels=LABELS)
    with serving(path.parent) as server:
        for address in server.values():
            with Client(address, "colours", quality=None) as client:
                assert dict(client.predict(frames)) == pytest.approx(expected, abs=0.01)
    assert abs(cropped["jump"] - expected["jump"]) > 0.1


@pytest.mark.parametrize("shape", [(40, 60), (41, 60), (60, 41), (37, 37), (38, 50)])
def test_what_is_not_sent_is_what_the_server_would_crop_away(shape):
    from keras_vid.saved_models.signatures import decode

    frames = np.random.default_rng(0).integers(0, 256, (1, *shape, 3)).astype("uint8")
    frames = video.read(frames, size=37)  # 32 * 256 / 224
    sent, whole = (decode(tf.constant([encode(c, None)]), SMALL) for c in (near_crop(frames, SMALL), frames))
    assert (sent.numpy() == whole.numpy()).all()


MALFORMED = [
    ({"clip": np.zeros((4, 32, 32, 3), "uint8")}, r"clip has the shape \(4, 32, 32, 3\), not \(\?, 4, 32, 32, 3\)"),
    ({"clip": np.zeros((1, 5, 32, 32, 3), "uint8")}, r"clip has the shape \(1, 5, "),
    ({"clip": np.zeros((1, 4, 32, 32, 3), "float32")}, "clip is float32, not uint8"),
    ({"clip": np.zeros((0, 4, 32, 32, 3), "uint8")}, "clip is empty"),
    ({"clip": [[1], [1, 2]]}, "clip is not an array"),
    ({"klip": np.zeros((1, 4, 32, 32, 3), "uint8")}, "the inputs are clip, not klip"),
    ({"frames": [[b"text"] * 4]}, r"frames\[0, 0\] is not a JPEG or PNG"),
    ({"frames": [[b"\xff\xd8\xff"] * 3]}, r"frames has the shape \(1, 3\)"),
]


@pytest.mark.parametrize("inputs, words", MALFORMED)
def test_malformed_requests_are_refused_before_they_are_sent(client, inputs, words):
    with pytest.raises(Refused, match=words):
        client.call("encoded_frames" if "frames" in inputs else "serving_default", **inputs)


@pytest.mark.parametrize("inputs, words", [row for row in MALFORMED if isinstance(row[0].get("clip"), np.ndarray)])
def test_and_by_the_server_where_a_client_sends_them(client, inputs, words):
    if isinstance(client.transport, Rest) and inputs["clip"].dtype == "float32":
        inputs = {"clip": inputs["clip"] + 0.5}  # JSON has no types, but a half is no uint8
    with pytest.raises(Refused, match="clip"):
        client.transport.predict("serving_default", inputs, 60)


def test_undecodable_frames_are_refused_with_the_field(client):
    torn = encode(clip(0))
    torn[2] = torn[2][:20]
    with pytest.raises(Refused, match="frames"):
        client.call("encoded_frames", frames=[torn])


def test_wrong_names_are_said(server):
    for address in server.values():
        with (
            Client(address, "other", tries=1) as other,
            pytest.raises(Refused, match="model other: Servable not found"),
        ):
            other.predict(clip(0))
        with (
            Client(address, "small", version=7, tries=1) as other,
            pytest.raises(Refused, match="(?i)not found|malformed"),
        ):
            other.predict(clip(0))
        with Client(address, "small") as right, pytest.raises(Refused, match="no signature 'nothing'"):
            right.call("nothing")
    for address, words in (
        ("ftp://x", "server 'ftp://x' is not an address"),
        ("localhost", "server 'localhost' has no port: localhost:8500 is TF Serving's for gRPC"),
        ("localhost:http", "server 'localhost:http'"),
    ):
        with pytest.raises(ValueError, match=words):
            Client(address, "small")


def test_grpc_on_a_rest_port_is_said_at_once(server):
    with Client(server["rest"].removeprefix("http://"), "small", tries=50, timeout=50) as client:
        with pytest.raises(Refused, match="this port speaks HTTP, not gRPC: ask it as http://"):
            client.predict(clip(0))


def test_videos_that_cannot_be_read_are_said(client, tmp_path):
    (tmp_path / "text.mp4").write_bytes(b"nothing" * 40)
    for name, words in (("text.mp4", "text.mp4: not a readable video"), ("none.mp4", "none.mp4: no such file")):
        with pytest.raises(ValueError, match=words):
            client.predict(tmp_path / name)


def test_a_busy_server_is_asked_again(folder, reference):
    with serving(folder, 3) as server, Client(server["grpc"], "small") as one, Client(server["rest"], "small") as two:
        one.signatures(), two.signatures()
        one.tries = 2
        with pytest.raises(Unavailable, match=r"small: The batch scheduling queue .* full \(asked 2 times\)"):
            one.predict(clip(0))  # refused twice; once more before the client below gets its answer
        assert dict(two.predict(clip(0))) == as_dict(reference(encode(near_crop(clip(0), SMALL))))


# What HTTP and gRPC call it, and whether the same request may succeed later
STATUS = [
    (400, "INVALID_ARGUMENT", Refused, 1),
    (404, "NOT_FOUND", Refused, 1),
    (429, "RESOURCE_EXHAUSTED", Unavailable, 3),
    (500, "INTERNAL", Refused, 1),
    (503, "UNAVAILABLE", Unavailable, 3),
    (504, "DEADLINE_EXCEEDED", TimeoutError, 1),
    (409, "ABORTED", None, 3),  # gRPC alone asks again
    (502, None, Unavailable, 3),  # a proxy's, HTTP alone
]


@pytest.mark.parametrize("code, name, error, times", STATUS)
def test_what_is_asked_again_by_status(code, name, error, times):
    asked = []

    def reply(connection):
        connection.recv(1000)
        asked.append("rest")
        connection.sendall(f"HTTP/1.1 {code} no\r\nContent-Length: 0\r\n\r\n".encode())

    if error:
        with broken_server(reply) as port, Client(f"http://127.0.0.1:{port}", "small", tries=3, timeout=60) as client:
            with pytest.raises(error):
                client.signatures()
        assert len(asked) == times
    if name:
        with grpc_server(getattr(grpc.StatusCode, name), asked) as port:
            asked.clear()
            with Client(f"127.0.0.1:{port}", "small", tries=3, timeout=60) as client:
                with pytest.raises(error or Unavailable):
                    client.signatures()
            assert len(asked) == times


@contextlib.contextmanager
def grpc_server(code, asked):
    """A server that refuses every call with one status."""

    def refuse(request, context):
        asked.append("grpc")
        context.abort(code, "no")

    class Handler(grpc.GenericRpcHandler):
        def service(self, details):
            return grpc.unary_unary_rpc_method_handler(refuse)

    server = grpc.server(ThreadPoolExecutor(2), handlers=[Handler()])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield port
    server.stop(None)


class Away:
    """A transport to a server that is always away, on a clock of its own."""

    def __init__(self, patch):
        self.now, self.left = 0.0, []
        patch.setattr(time, "monotonic", lambda: self.now)
        patch.setattr(time, "sleep", self.wait)

    def wait(self, seconds):
        self.now += seconds

    def signatures(self, left):
        self.left.append((self.now, left))
        self.now += 0.25
        raise Unavailable("away")

    def close(self):
        pass


def test_an_always_away_server_is_given_up_in_time():
    with pytest.MonkeyPatch.context() as patch:
        client, away = Client("127.0.0.1:1", "small", timeout=7, tries=10**6), Away(patch)
        client.transport = away
        with pytest.raises(Unavailable, match="away"):
            client.predict(clip(0))
    assert 2 < away.now <= 7.25  # the last request began in time
    assert all(now + left <= 7.001 for now, left in away.left) and len(away.left) > 3


@contextlib.contextmanager
def broken_server(treat):
    """A port where each connection is treated by `treat(socket)`."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:

        def accept():
            with contextlib.suppress(OSError):
                while True:
                    threading.Thread(target=one, args=(listener.accept()[0],), daemon=True).start()

        def one(connection):
            with contextlib.suppress(OSError), connection:
                treat(connection)

        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1]


def drip(connection):
    connection.recv(1000)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(100):
        connection.sendall(b" ")
        time.sleep(0.05)


BROKEN = {
    "hangs": (lambda c: time.sleep(5), TimeoutError, "no reply within 0.5 s", ("http://", "")),
    "drips": (drip, TimeoutError, "no reply within 0.5 s", ("http://",)),
    "closes": (lambda c: c.close(), Unavailable, "asked 2 times", ("http://", "")),
    "no http": (lambda c: c.recv(1000) and c.sendall(b"what?\r\n"), Unavailable, "does not speak HTTP", ("http://",)),
    "torn": (
        lambda c: c.recv(1000) and c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"),
        Unavailable,
        "the connection broke",
        ("http://",),
    ),
    "no json": (
        lambda c: c.recv(1000) and c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"),
        Refused,
        "not JSON",
        ("http://",),
    ),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_broken_servers_cost_one_clear_line(kind):
    treat, error, words, schemes = BROKEN[kind]
    with broken_server(treat) as port:
        for scheme in schemes:
            timeout = 0.5 if error is TimeoutError else 20
            with Client(f"{scheme}127.0.0.1:{port}", "small", timeout=timeout, tries=2) as client:
                with pytest.raises(error, match=words) as raised:
                    client.predict(clip(0))
                assert f"127.0.0.1:{port}, model small" in str(raised.value)


def test_nobody_at_home():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    for address in (f"127.0.0.1:{port}", f"http://127.0.0.1:{port}"):
        with (
            Client(address, "small", tries=2) as client,
            pytest.raises(Unavailable, match="(?i)refused.*asked 2 times"),
        ):
            client.predict(clip(0))


def test_the_command(server, tmp_path, capsys):
    path = str(video.write(tmp_path / "clip.mp4", clip(0, 20)))
    for address in server.values():
        assert cli.main(["predict", path, "--server", address, "--model", "small", "--json"]) == 0
        assert {row["label"] for row in json.loads(capsys.readouterr().out)["labels"]} == set(LABELS)
    assert cli.main(["predict", path, "--server", server["grpc"], "--model", "other"]) == 1
    assert "model other: Servable not found" in capsys.readouterr().err


def crowd(server, reference, count):
    """`count` clients at once, half over gRPC and half over REST. One in ten sends its request slowly, one in ten
    breaks off, one in ten asks what must be refused. Answers how each fared."""
    host, rest_port = server["rest"].removeprefix("http://").split(":")
    files = [encode(clip(number), 95) for number in range(16)]
    expected = [reference(frames) for frames in files]
    clients = {
        "grpc": Client(server["grpc"], "small", timeout=240),
        "rest": Client(server["rest"], "small", timeout=240),
    }
    for client in clients.values():
        client.signatures()
    results, start = [None] * count, threading.Barrier(count)

    def right(scores, number):
        return "right" if np.allclose(np.asarray(scores, float), expected[number % 16], atol=1e-5) else "wrong"

    def body(number):
        from keras_vid.saved_models.serving.transport import _as_json

        frames = _as_json(np.asarray([files[number % 16]], object))
        return json.dumps({"signature_name": "encoded_frames", "inputs": {"frames": frames}}).encode()

    def slow(number):
        data = body(number)
        for _ in range(5):
            connection = http.client.HTTPConnection(host, int(rest_port), timeout=240)
            with contextlib.suppress(ConnectionError), contextlib.closing(connection):
                connection.putrequest("POST", "/v1/models/small:predict")
                connection.putheader("Content-Length", str(len(data)))
                connection.endheaders()
                for part in range(5):
                    connection.send(data[part * len(data) // 5 : (part + 1) * len(data) // 5])
                    time.sleep(0.3)
                return right(json.loads(connection.getresponse().read())["outputs"]["scores"][0], number)
        return "lost"

    def broken(number):
        port = int(server["grpc"].split(":")[1]) if number % 20 < 10 else int(rest_port)
        with contextlib.suppress(ConnectionError), socket.create_connection((host, port), timeout=60) as connection:
            connection.sendall(
                [b"\x00\xff" * 500, b"POST /v1/models/small:predict HTTP/1.1\r\nContent-Le"][number % 3 > 0]
            )
        return "broke off"

    def refused(number, client):
        torn = [files[0][0][:30]] + files[0][1:]
        try:
            client.call("encoded_frames", frames=[torn])
        except Refused as error:
            return "refused" if "frames" in str(error) else str(error)

    def one(number):
        start.wait()
        client = clients["grpc" if number % 2 else "rest"]
        try:
            if number % 10 == 0:
                results[number] = slow(number)
            elif number % 10 == 1:
                results[number] = broken(number)
            elif number % 10 == 2:
                results[number] = refused(number, clients["grpc" if number % 4 else "rest"])
            else:
                answer = client.call("encoded_frames", frames=[files[number % 16]])
                results[number] = right(answer["scores"][0], number)
        except Exception as error:
            results[number] = repr(error)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for client in clients.values():
        client.close()
    return results


def check_crowd(server, reference, count):
    results = crowd(server, reference, count)
    fared = {kind: results.count(kind) for kind in set(results)}
    assert fared == {"right": 8 * count // 10, "broke off": count // 10, "refused": count // 10}


def test_a_crowd_with_slow_and_broken_clients(server, reference):
    check_crowd(server, reference, 100)


@pytest.mark.slow
def test_a_thousand_at_once(server, reference):
    check_crowd(server, reference, 1000)


@pytest.mark.skipif(not shutil.which("tensorflow_model_server"), reason="tensorflow_model_server is not on the PATH")
def test_the_real_server(folder, reference, tmp_path):
    """The official binary, started with the files that serve-config writes."""
    from keras_vid.saved_models.serving import serve_config

    serve_config.write([folder], tmp_path)
    (tmp_path / "models.config").write_text(serve_config.models_config({"small": folder}, base=str(folder.parent)))
    ports = []
    for _ in range(2):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            ports.append(listener.getsockname()[1])
    command = ["tensorflow_model_server", f"--port={ports[0]}", f"--rest_api_port={ports[1]}"]
    # without batching: in the crowd, a frame that cannot be decoded would fail the right ones that it is joined with
    command += [flag.replace("/config", str(tmp_path)) for flag in serve_config.arguments(batching=False)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            server = {"grpc": f"127.0.0.1:{ports[0]}", "rest": f"http://127.0.0.1:{ports[1]}"}
            for address in server.values():
                with Client(address, "small", tries=20) as client:
                    assert client.status() == {1: "AVAILABLE"}
                    files = encode(near_crop(clip(0), SMALL))
                    assert dict(client.predict(clip(0))) == as_dict(reference(files))
            check_crowd(server, reference, 100)
        finally:
            process.kill()
