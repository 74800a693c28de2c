"""A test by OpenVINO, or of an exported network, gives the scores of a test of the network by TensorFlow."""

import json
import sys

import numpy as np
import pytest

pytest.importorskip("openvino")

from keras_vid.saved_models.engines import openvino
from keras_vid.training.data.load import load_dataset
from keras_vid.training.evaluation.evaluate import scores_of
from keras_vid.training.evaluation.windowed import computed_by
from keras_vid.training.recipes import recipe
from networks import scattered
from tiny_videos import tiny_network, write_clips

from keras_vid.cli import main
from keras_vid.video import synthetic


def test_scores_are_the_same(tmp_path):
    synthetic.write_dataset(tmp_path, 3, frames=12, size=40, classes=synthetic.CLASSES[-2:])
    dataset = load_dataset("folder", tmp_path, None)
    network = scattered("tsm_resnet14", classes=2, frames=4, size=32)
    protocol = recipe("tsm_resnet14", size=32, short=36, frames=4, test_frames=4, test_size=32, views=2, crops=1)
    places, theirs, _ = scores_of(network, dataset, protocol, batch=4)
    found, ours, failures = scores_of(computed_by(network, "openvino"), dataset, protocol, batch=4)
    assert found == places and len(found) == 6 and not failures.rows
    assert np.ptp(theirs[:, 0]) > 0.02  # clips are told apart, so that mixing them up would show
    np.testing.assert_allclose(ours, theirs, atol=1e-4)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run folder of two classes, and a folder of other videos of both."""
    folder = tmp_path_factory.mktemp("run")
    model = tiny_network(folder / "tiny.keras")
    data = write_clips(folder / "videos", ["dark"] * 5 + ["grey"] * 5)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KERAS_VID_HOME", str(folder / "home"))
        assert main(["train", "--data", str(data), "--model", model, "-o", str(folder / "mine")]) == 0
    return folder / "mine", write_clips(folder / "others", ["dark"] * 4 + ["grey"] * 4, seed=1)


@pytest.mark.parametrize("engine", ["tensorflow", "openvino"])
def test_an_export_is_tested_as_the_run_that_it_is_of(engine, run, tmp_path, capsys):
    folder, others = run
    assert main(["export", str(folder), "-o", str(tmp_path / "served"), "--openvino"]) == 0
    command = ["--test-data", str(others), "--json", "--clips", "2"]
    capsys.readouterr()
    tested, predictions = [], []
    for source in (folder, tmp_path / "served"):
        flags = ["--engine", engine, "-o", str(tmp_path / "tested")] if source != folder else []
        assert main(["evaluate", str(source), *command, *flags]) == 0
        tested.append(json.loads(capsys.readouterr().out))
        predictions.append(np.load((tmp_path / "tested" if flags else folder) / "predictions.npz"))
    assert tested[0]["protocol"] == tested[1]["protocol"] and tested[0]["top1"] == tested[1]["top1"]
    assert np.ptp(predictions[0]["scores"][:, 0]) > 0.02
    np.testing.assert_allclose(predictions[1]["scores"], predictions[0]["scores"], atol=1e-3)


@pytest.mark.filterwarnings("ignore")  # NNCF's and its packages' own
def test_a_run_in_int8_is_calibrated_on_its_own_videos_and_tested(run, tmp_path, capsys):
    pytest.importorskip("nncf")
    folder, others = run
    assert main(["export", str(folder), "-o", str(tmp_path / "served"), "--precision", "int8"]) == 0
    quantization = json.loads((tmp_path / "served/1/metadata.json").read_text())["openvino"]["quantization"]
    assert quantization["calibration"]["clips"] + quantization["held_back"]["clips"] == 10
    capsys.readouterr()
    assert main(["evaluate", str(tmp_path / "served"), "--test-data", str(others), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["top1"] == 1


def test_what_an_export_cannot_be_shown_costs_one_line(run, tmp_path, capsys):
    folder, others = run
    assert main(["export", str(folder), "-o", str(tmp_path / "served")]) == 0
    command = ["evaluate", str(tmp_path / "served")]
    assert main(command) == 2 and "give --test-data" in capsys.readouterr().err
    assert main([*command, "--test-data", str(others), "--frames", "3"]) == 1
    assert "frames of a video, not 3" in capsys.readouterr().err


def test_embed_writes_the_same_features_by_both_engines(tmp_path, monkeypatch):
    """Each in a home of its own, where nothing is kept; in one home, the second finds what the first one kept."""
    model = tiny_network(tmp_path / "tiny.keras")
    data = write_clips(tmp_path / "videos", ["dark"] * 3 + ["grey"] * 3)
    made, outputs_of = [], openvino.outputs_of
    monkeypatch.setattr(openvino, "outputs_of", lambda network: made.append(network.name) or outputs_of(network))

    def embedded(engine, home):
        monkeypatch.setenv("KERAS_VID_HOME", str(tmp_path / home))
        out = tmp_path / f"{engine} {home}.npz"
        assert main(["embed", str(data), "--model", model, "--engine", engine, "-o", str(out)]) == 0
        with np.load(out) as file:
            return file["features"]

    exact, ours = embedded("tensorflow", "one"), embedded("openvino", "two")
    assert made == ["tiny"]  # by OpenVINO where it was asked for, and not elsewhere
    assert np.ptp(exact, axis=0).max() > 0.1 * np.abs(exact).max()  # clips are told apart
    np.testing.assert_allclose(ours, exact, rtol=1e-3, atol=1e-6)
    assert np.array_equal(embedded("openvino", "one"), exact)
    monkeypatch.setitem(sys.modules, "openvino", None)  # as where it is not installed
    assert np.array_equal(embedded("auto", "three"), exact)


def test_embed_says_what_openvino_needs(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("KERAS_VID_HOME", str(tmp_path / "home"))
    monkeypatch.setitem(sys.modules, "openvino", None)
    data = write_clips(tmp_path / "videos", ["dark", "grey"])
    command = ["embed", str(data), "--model", tiny_network(tmp_path / "tiny.keras"), "-o", str(tmp_path / "out.npz")]
    assert main([*command, "--engine", "openvino"]) == 1
    assert 'pip install "keras_vid[openvino]"' in capsys.readouterr().err
