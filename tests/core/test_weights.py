"""The table of weights: every row is complete, fetched files are checked, and nothing half-fetched stays."""

import gc
import hashlib
from pathlib import Path

import numpy as np
import pytest

import keras_vid
from keras_vid import weights
from keras_vid.cli import main
from keras_vid.models.variants import VARIANTS
from keras_vid.utils.late import shapes_only
from keras_vid.view import set_view
from keras_vid.weights import fetch


@pytest.mark.parametrize("key", weights.WEIGHTS, ids="-".join)
def test_every_row_names_a_network_a_source_a_licence_and_a_protocol(key):
    row = weights.WEIGHTS[key]
    assert key[0] in VARIANTS and row.source and row.licence and row.protocol and row.files
    if row.labels:  # then it is a classifier, whose view and options name things that exist
        assert len(set(weights.labels(row.labels))) == row.options["classes"]


# One row for each network and set of options: the others differ in their files alone.
FORMS = {(key[0], repr(row.options)): key for key, row in weights.WEIGHTS.items() if row.labels}


@pytest.mark.parametrize("key", FORMS.values(), ids="-".join)
@shapes_only()
def test_every_row_builds_the_network_that_it_is_for(key):
    row = weights.WEIGHTS[key]
    model = keras_vid.create(key[0], **row.options)
    assert model.output_shape[-1] == row.options["classes"]
    assert model.input_shape[1] in (row.options.get("frames", 8), None)
    set_view(model, **row.view)
    expected = [0, 8, 16, 24, 32, 40, 48, 56] if row.view.get("dense") else None
    assert expected in (None, [8 * index for index in model.view.indices(8)])


def test_shipped_labels_are_whole():
    counts = {"kinetics600": 600, "something_v1": 174, "something_v2": 174, "jester": 27, "ucf101": 101, "hmdb51": 51}
    assert {name: len(set(weights.labels(name))) for name in counts} == counts
    assert weights.labels("something_v1") == tuple(sorted(weights.labels("something_v1")))
    assert weights.labels("something_v2")[0] == "Approaching something with your camera"


@pytest.mark.parametrize(
    "network, best",
    [
        ("tsm_resnet50", "kinetics400_dense"),
        ("tsn_resnet101", "kinetics400"),
        ("stm_resnet50", "kinetics400_tsn"),
        ("s3dg", "imagenet"),
        ("tsm_resnet14", None),
    ],
)
def test_the_best_start_of_a_network(network, best):
    assert weights.best_start(network) == best


def test_the_page_of_weights_shows_the_table(capsys):
    """docs/weights.md holds what `keras-vid list --weights` prints: run it again after a change of the table."""
    assert main(["list", "--weights"]) == 0
    printed = capsys.readouterr().out.strip()
    assert printed in (Path(__file__).parents[2] / "docs/weights.md").read_text()
    assert all(f"`{name}`" in printed for _, name in weights.WEIGHTS)


def test_a_fetched_file_is_checked_kept_and_fetched_once(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_VID_HOME", str(tmp_path / "home"))
    source = tmp_path / "x.pth"
    source.write_bytes(b"weights")
    checksum = hashlib.sha256(b"weights").hexdigest()[:8]
    path = fetch.fetch_url(source.as_uri(), checksum, "row")
    assert path.read_bytes() == b"weights"
    source.unlink()
    assert fetch.fetch_url(source.as_uri(), checksum, "row") == path


def test_a_damaged_or_absent_file_is_told_and_not_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_VID_HOME", str(tmp_path / "home"))
    (tmp_path / "x.pth").write_bytes(b"garbage")
    with pytest.raises(OSError, match="sha256"):
        fetch.fetch_url((tmp_path / "x.pth").as_uri(), "d76dad2f", "row")
    with pytest.raises(OSError, match="without a network, put the file at"):
        fetch.fetch_url((tmp_path / "y.pth").as_uri(), "", "row")
    assert not list((tmp_path / "home" / "row").iterdir())


def test_our_own_file_round_trips_and_a_wrong_one_is_told(tmp_path):
    model = keras_vid.create("tsm_resnet14", classes=3)
    path = tmp_path / "x.weights.h5"
    model.save_weights(path)
    again = keras_vid.create("tsm_resnet14", classes=3, weights=str(path))
    for ours, theirs in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    for call in (
        lambda: keras_vid.create("tsm_resnet14", classes=4, weights=str(path)),
        lambda: keras_vid.create("sth_resnet14", classes=3, weights=str(path)),
    ):
        with pytest.raises(ValueError, match="x.weights.h5 does not fit"):
            call()
    gc.collect()  # where warnings are errors, Keras stops half-way and leaves the file open
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ValueError, match="x.weights.h5 does not fit"):
        keras_vid.create("tsm_resnet14", classes=3, weights=str(path))
    with pytest.raises(FileNotFoundError, match="y.weights.h5 does not exist"):
        keras_vid.create("tsm_resnet14", classes=3, weights=str(tmp_path / "y.weights.h5"))


def test_unknown_weights_are_answered_with_the_known():
    with pytest.raises(ValueError, match="s3d has no weights called 'imagnet'.*kinetics400, imagenet"):
        keras_vid.create("s3d", weights="imagnet")
