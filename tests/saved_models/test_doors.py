"""The same probabilities through every door: Python, commands, servers, engines, lists, and a window of a stream."""

import json
import shutil

import keras
import numpy as np
import pytest
from keras import layers

tf = pytest.importorskip("tensorflow")
pytest.importorskip("grpc")
pytest.importorskip("tensorflow_serving")

from keras_vid.saved_models.export import export
from keras_vid.saved_models.predictor import open_predictor
from keras_vid.saved_models.serving import bulk
from keras_vid.saved_models.serving.client import Client
from random_weights import scatter, settle
from served import serving

import keras_vid
from keras_vid import cli
from keras_vid.video import write
from keras_vid.view import ASPECTS, set_view, view_of

LABELS = ("run", "jump", "fall")


def dense():
    """A small network of 3D convolutions and pools, as S3D has them: all frames of its clips are neighbours."""
    x = clip = keras.Input((16, 32, 32, 3), name="clip")
    x = layers.Rescaling(1 / 127.5, -1)(x)
    for kernel, filters in (((1, 3, 3), 16), ((3, 1, 1), 16), (3, 32)):
        x = layers.Conv3D(filters, kernel, padding="same", use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
        x = layers.MaxPooling3D(3, 2, padding="same")(x)
    logits = layers.Dense(3, name="logits")(layers.GlobalAveragePooling3D()(x))
    return keras.Model(clip, logits, name="dense")


# One network of each way to look at time, each with its frames fixed, and the crops that training knows
NETWORKS = {
    "dense": dense,
    "segments": lambda: keras_vid.create("tsm_resnet14", classes=3, frames=4, size=32),
    "super_images": lambda: keras_vid.create("stnet_resnet14", classes=3, frames=10, size=32),
}
CROPS = {"own shape": None, **ASPECTS}
CLOSE = 2e-3


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    """Wider than high, and other at its sides and from second to second: each crop and each frame shows."""
    frames = np.random.default_rng(0).integers(0, 60, (60, 6, 10, 3)).repeat(12, 1).repeat(12, 2)
    frames[:, :, :24, 0] += 120
    frames[:, :, 50:70, 1] += 150
    frames += np.linspace(0, 40, 60).astype(int)[:, None, None, None]
    return str(write(tmp_path_factory.mktemp("video") / "clip.mp4", frames.astype("uint8"), fps=25))


@pytest.fixture(scope="module", params=NETWORKS)
def network(request, video):
    network = scatter(NETWORKS[request.param]())
    clips = [view_of(network).read(video)]
    clips += [clips[0][::-1], clips[0][:, ::-1], 255 - clips[0], clips[0] // 2, np.roll(clips[0], 5, 2)]
    settle(network, np.stack(clips))
    return network


@pytest.fixture(scope="module")
def best(network, tmp_path_factory):
    """The network's file, which is the same with every crop."""
    path = tmp_path_factory.mktemp("best") / "best.keras"
    network.save(path)
    return path


@pytest.fixture(scope="module", params=CROPS)
def house(request, network, best, tmp_path_factory):
    """The folder of a network with a crop: its run folder is `run`, its SavedModel's `served`."""
    set_view(network, labels=LABELS, aspect=CROPS[request.param])
    folder = tmp_path_factory.mktemp("house")
    (folder / "run").mkdir()
    shutil.copy(best, folder / "run")
    view_of(network).save(folder / "run")
    export(network, folder / "served")
    return folder


@pytest.fixture(scope="module")
def expected(house, video):
    return dict(keras_vid.predict(str(house / "run"), video))


@pytest.fixture(scope="module")
def loaded(house):
    """The network of the run folder, with its view."""
    return keras_vid.load_model(house / "run")


@pytest.fixture(scope="module")
def server(house):
    with serving(house / "served") as addresses:
        yield addresses


def same(expected, tolerance=CLOSE):
    return pytest.approx(expected, abs=tolerance)


def labels_of(row):
    return {label["label"]: label["probability"] for label in row["labels"]}


@pytest.mark.parametrize("kind", ["run", "served"])
def test_the_command(kind, house, video, expected, capsys):
    assert cli.main(["predict", video, "--model", str(house / kind), "--json"]) == 0
    assert labels_of(json.loads(capsys.readouterr().out)) == same(expected)


@pytest.mark.parametrize("engine", ["tensorflow", "openvino"])
def test_engines(engine, house, video, expected):
    if engine == "openvino":
        pytest.importorskip("openvino")
        from keras_vid.saved_models.engines.flag import ENGINES

        if engine not in ENGINES:
            pytest.skip("this engine is not there")
    for source in ("run", "served"):
        predictor = open_predictor(str(house / source), engine=engine)
        assert dict(predictor.label(predictor.read(video))) == same(expected)


@pytest.fixture(scope="module")
def onnx(best):
    """A session of the network's ONNX file, which holds no crop."""
    runtime = pytest.importorskip("onnxruntime")
    pytest.importorskip("tf2onnx")
    from keras_vid.saved_models.targets import to_onnx

    to_onnx(keras_vid.load_model(best), best.with_suffix(".onnx"))
    return runtime.InferenceSession(str(best.with_suffix(".onnx")), providers=["CPUExecutionProvider"])


@pytest.mark.slow
def test_onnx(onnx, loaded, video, expected):
    (scores,) = onnx.run(["scores"], {"clip": view_of(loaded).read(video)[None]})
    assert dict(zip(LABELS, scores[0])) == same(expected)


@pytest.mark.parametrize("protocol", ["grpc", "rest"])
def test_a_server_knows_what_its_network_is_shown(protocol, server, loaded, video, expected, capsys):
    with Client(server[protocol], "served", quality=None) as client:
        assert dict(client.predict(video)) == same(expected, 0.02)  # the server scales and crops with other rounding
        assert client.view() == view_of(loaded)
        pixels = client.call("serving_default", clip=client.view().read(video)[None])
        assert dict(zip(LABELS, pixels["scores"][0])) == same(expected)
    assert cli.main(["predict", video, "--model", "served", "--server", server[protocol], "--json"]) == 0
    assert set(labels_of(json.loads(capsys.readouterr().out))) == set(LABELS)  # JPEG's loss: test_client.py


@pytest.mark.parametrize("runner", [None, "DirectRunner"])
def test_lists(runner, house, video, expected, tmp_path):
    if runner:
        pytest.importorskip("apache_beam")
    (tmp_path / "list.txt").write_text(f"{video}\n")
    settings = {"source": str(house / "served"), "top": 3}
    assert bulk.predict_all(tmp_path / "list.txt", tmp_path / "out.jsonl", settings, runner=runner) == (1, 0)
    assert labels_of(json.loads((tmp_path / "out.jsonl").read_text())) == same(expected)


def test_one_window_of_a_stream(house, loaded, video, expected):
    view = view_of(loaded)
    window, stride = (60, 60) if view.group else (view.frames, (60 - view.frames) // 2)  # the second from the middle
    for model in (loaded, open_predictor(str(house / "served"))):
        found = [labels for *_, labels in keras_vid.stream(model, video, window, stride)]
        assert dict(found[0 if view.group else 1]) == same(expected)


def test_evaluation(loaded, video):
    from keras_vid.training.data import views
    from keras_vid.training.data.datasets import Dataset, Item
    from keras_vid.training.data.pipeline import clips
    from keras_vid.training.evaluation.evaluate import scores_of
    from keras_vid.training.recipes import Recipe

    from keras_vid.inference.predict import softmax

    view = view_of(loaded)
    crop = next((name for name, aspect in ASPECTS.items() if aspect == view.aspect), "random")
    sample = {None: "dense", 1: "segments"}.get(view.group, "super_images")
    recipe = Recipe(
        model=loaded.name,
        frames=view.frames,
        size=32,
        short=round(32 * 256 / 224),
        views=1,
        crops=1,
        crop=crop,
        sample=sample,
        neighbours=view.group or 1,
        batch=1,
    )
    dataset = Dataset("one", [Item(video, 0)], list(LABELS))
    look = {"training": False, "short": recipe.short}
    data = clips(dataset, views.test_indices(recipe), views.test_transform(recipe), 1, **look)
    clip = next(iter(data))[0].numpy()[0]
    # tf.image scales what the decoder scaled: some levels apart, which random weights multiply
    shown = view.read(video).astype(int)
    aside = np.abs(np.roll(clip, 2, axis=2) - shown).mean()  # two columns aside would show
    assert np.abs(clip - shown).mean() < min(5, aside)
    _, scores, _ = scores_of(loaded, dataset, recipe)
    assert scores[0] == pytest.approx(softmax(loaded.predict_on_batch(clip))[0], abs=1e-3)
