"""OpenVINO returns what the network returns, from a file that needs neither Keras nor TensorFlow."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from keras_vid.saved_models.engines import openvino as engine
from keras_vid.saved_models.export import export
from keras_vid.saved_models.predictor import keep_ready, open_predictor
from networks import FAMILIES, scattered
from small_network import small

import keras_vid
from keras_vid import video
from keras_vid.cli import main
from keras_vid.inference.predict import random_clips
from keras_vid.utils.errors import InputError

pytest.importorskip("openvino")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A network's file, its export with the OpenVINO file, and a video."""
    folder = tmp_path_factory.mktemp("openvino")
    network = small()
    network.save(folder / "small.keras")
    export(network, folder / "served", labels=["run", "jump", "fall"], openvino=True)
    frames = np.random.default_rng(0).integers(0, 256, (12, 40, 48, 3)).astype("uint8")
    video.write(folder / "video.mp4", frames.repeat(2, 0))
    return folder


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_VID_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KERAS_VID_READY", "1")
    return tmp_path / "home"


def run_alone(folder, *arguments, blocked=("tensorflow", "keras")):
    """The command in a process that ends with 3 where it imported one of `blocked`."""
    program = "import sys; from keras_vid.cli import main; code = main(sys.argv[1:]); "
    program += f"sys.exit(3 if {set(blocked)!r} & set(sys.modules) else code)"
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=300, env=dict(os.environ))


def scale_answers(network, factor):
    last = [layer for layer in network.layers if layer.weights][-1]
    last.set_weights([factor * weight for weight in last.get_weights()])


def labels_of(text):
    return {line.split(maxsplit=1)[1]: float(line.split("%")[0]) for line in text.strip().splitlines()}


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.slow) for name in FAMILIES])
def test_one_of_each_family(name):
    network = scattered(name)
    clips = random_clips(network, count=3, seed=5)
    expected = np.asarray(network(clips, training=False))
    found = open_predictor(network, engine="openvino").logits(clips)
    assert np.ptp(expected, axis=0).max() > 0.1 * np.abs(expected).max()
    assert np.abs(found - expected).max() < 1e-4 * np.abs(expected).max()


def test_export_writes_a_checked_file_that_knows_its_view(folder):
    path = folder / "served" / "1"
    facts = json.loads((path / "metadata.json").read_text())
    assert facts["openvino"]["precision"] == "float32" and facts["openvino"]["equivalence"]["largest_error"] < 1e-4
    assert {"model.xml", "model.bin", "saved_model.pb"} <= set(facts["sha256"])
    predictor = open_predictor(folder / "served")
    assert predictor.engine == "openvino" and predictor.view.labels == ("run", "jump", "fall")
    clip = predictor.read(folder / "video.mp4")
    theirs = open_predictor(folder / "served", engine="tensorflow")
    assert theirs.view == predictor.view
    np.testing.assert_allclose(predictor.logits(clip[None]), theirs.logits(clip[None]), atol=1e-5)


def test_a_wrong_file_is_refused_and_nothing_is_left(folder, tmp_path, monkeypatch):
    network = small()
    right = network.get_weights()
    scale_answers(network, 1.01)
    wrong = engine.convert(network)
    network.set_weights(right)
    monkeypatch.setattr(engine, "convert", lambda model: wrong)
    with pytest.raises(ValueError, match="the OpenVINO file of small returns"):
        export(network, tmp_path, openvino=True)
    assert not list(tmp_path.iterdir())


def test_the_command_exports_it(folder, tmp_path, capsys):
    arguments = ["export", str(folder / "small.keras"), "-o", str(tmp_path / "served"), "--openvino"]
    assert main(arguments) == 0
    assert (tmp_path / "served/1/model.xml").is_file()
    assert main([*arguments, "--precision", "bfloat16"]) != 0
    assert "float32 or int8" in capsys.readouterr().err


def test_an_exported_network_is_asked_without_tensorflow(folder):
    shown = run_alone(folder, "predict", "video.mp4", "--model", "served")
    assert shown.returncode == 0, shown.stderr
    expected = keras_vid.predict(folder / "small.keras", folder / "video.mp4", labels=["run", "jump", "fall"])
    assert labels_of(shown.stdout) == pytest.approx({name: 100 * share for name, share in expected}, abs=0.06)


def test_the_second_time_needs_no_tensorflow(folder, home, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    command = ["predict", "video.mp4", "--model", "small.keras"]
    assert main(command) == 0
    first, told = capsys.readouterr()
    assert "ready for the next time" in told
    second = run_alone(folder, *command)
    assert second.returncode == 0 and second.stdout == first and "ready" not in second.stderr
    Path("list.csv").write_text("path\nvideo.mp4\n")
    bulk = run_alone(folder, "predict", "list.csv", "-o", home / "out.jsonl", *command[2:])
    assert bulk.returncode == 0, bulk.stderr
    assert main([*command, "--engine", "tensorflow"]) == 0
    assert labels_of(capsys.readouterr().out) == labels_of(first)


def test_windows_of_a_stream_are_the_same(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    rows = {}
    for engine_name in ("tensorflow", "openvino"):
        command = ["stream", "video.mp4", "--model", "served", "--window", "8", "--engine", engine_name]
        assert main([*command, "--json"]) == 0
        rows[engine_name] = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(rows["openvino"]) > 2
    for mine, theirs in zip(*rows.values(), strict=True):
        assert (mine["start"], mine["end"]) == (theirs["start"], theirs["end"])
        mine, theirs = ({row["label"]: row["probability"] for row in one["labels"]} for one in (mine, theirs))
        assert mine == pytest.approx(theirs, abs=1e-5)


def test_another_state_of_the_source_is_made_ready_anew(folder, home, tmp_path):
    path = tmp_path / "net.keras"
    network = small()
    network.save(path)
    clips = random_clips(network)
    first = open_predictor(path, engine="openvino").logits(clips)
    scale_answers(network, 2)
    network.save(path)
    assert open_predictor(path).engine == "tensorflow"  # the old file is not taken
    np.testing.assert_allclose(open_predictor(path, engine="openvino").logits(clips), 2 * first, rtol=1e-4)
    assert len(list((home / "ready").glob("*.xml"))) == 1 == len(list((home / "ready").glob("*.bin")))


@pytest.mark.slow
def test_clips_of_any_length_where_it_is_open():
    network = keras_vid.create("fast_s3d", classes=3, size=32)
    predictor = open_predictor(network, engine="openvino")
    for frames in (16, 24):
        clips = np.random.default_rng(frames).integers(0, 256, (1, frames, 32, 32, 3)).astype("uint8")
        np.testing.assert_allclose(predictor.logits(clips), network.predict_on_batch(clips), atol=1e-5)


def test_what_does_not_fit_is_said(folder, tmp_path):
    predictor = open_predictor(folder / "served")
    with pytest.raises(ValueError, match="do not fit small"):
        predictor.logits(np.zeros((1, 5, 32, 32, 3), "uint8"))
    damaged = tmp_path / "served/1"
    damaged.mkdir(parents=True)
    (damaged / "saved_model.pb").touch()
    (damaged / "model.xml").write_text("<net>")
    with pytest.raises(ValueError, match="model.xml is not a file of keras-vid export"):
        open_predictor(tmp_path / "served")
    with pytest.raises(ValueError, match="an engine is one of auto, tensorflow, openvino"):
        open_predictor("i3d", engine="onnx")


def test_a_clip_of_which_no_feature_is_left_is_refused(tmp_path, capsys):
    """OpenVINO's mean of nothing is zero: all classes would be equally probable."""
    keras_vid.create("fast_s3d", classes=2, size=32).save(tmp_path / "open.keras")
    video.write(tmp_path / "video.mp4", np.random.default_rng(0).integers(0, 256, (20, 32, 32, 3)).astype("uint8"))
    command = ["predict", str(tmp_path / "video.mp4"), "--model", str(tmp_path / "open.keras"), "--engine", "openvino"]
    assert main([*command, "--frames", "2"]) == 1
    assert "2 frames are too few" in capsys.readouterr().err.splitlines()[-1]
    assert main([*command, "--frames", "20"]) == 0


def test_a_missing_package_is_said(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(ImportError, match=r"keras_vid\[openvino\]"):
        open_predictor(folder / "small.keras", engine="openvino")


def test_files_for_the_model_server(folder, tmp_path, capsys):
    assert main(["serve-config", str(folder / "served"), "-o", str(tmp_path / "config"), "--openvino"]) == 0
    listed, composed = map(Path, capsys.readouterr().out.splitlines())
    (row,) = json.loads(listed.read_text())["model_config_list"]
    service = json.loads(composed.read_text())["services"]["serving"]
    mounted = {mount["target"]: (composed.parent / mount["source"]).resolve() for mount in service["volumes"]}
    assert (mounted[row["config"]["base_path"]] / "1/model.xml").is_file()
    assert (mounted["/config"] / "openvino.json").is_file() and "/config/openvino.json" in service["command"]
    (tmp_path / "plain/1").mkdir(parents=True)
    (tmp_path / "plain/1/saved_model.pb").touch()
    assert main(["serve-config", str(tmp_path / "plain"), "-o", str(tmp_path / "config"), "--openvino"]) == 1
    assert "keras-vid export --openvino" in capsys.readouterr().err


def test_what_openvino_cannot_compute_is_not_kept_ready(tmp_path, monkeypatch, capsys):
    """The prediction was made; that no file can be kept for the next one is said, and is no failure."""
    monkeypatch.setenv("KERAS_VID_HOME", str(tmp_path))
    monkeypatch.setenv("KERAS_VID_READY", "1")
    small_file = tmp_path / "small.keras"
    scattered("fast_s3d", size=32).save(small_file)
    predictor = open_predictor(small_file)

    def refuse(file, network):
        raise InputError("the OpenVINO file returns other logits")

    monkeypatch.setattr("keras_vid.saved_models.predictor.ready.write", refuse)
    keep_ready(predictor, small_file)
    assert "not kept ready: the OpenVINO file returns other logits" in capsys.readouterr().err
