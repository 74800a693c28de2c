"""Features of a frozen network: what is kept, what is found again, what a killed pass leaves."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from keras_vid.training.data.datasets import Dataset, Item
from keras_vid.training.small.depths import check_depth, depths
from keras_vid.training.small.features import Reading, features_of, view_for
from random_weights import scatter

import keras_vid
from keras_vid.explain.features import features
from keras_vid.utils.errors import InputError
from keras_vid.video import write


def dataset(folder, count=4, frames=12):
    rng = np.random.default_rng(0)
    paths = [folder / f"{i}.mp4" for i in range(count)]
    for path in paths:
        write(path, rng.integers(0, 256, (frames, 6, 8, 3), "uint8").repeat(8, 1).repeat(8, 2), 12)
    return Dataset("four", [Item(str(path), i % 2) for i, path in enumerate(paths)], ["a", "b"])


@pytest.mark.parametrize(
    ("name", "ends"),
    [
        ("fast_s3d", ("Mixed_4f", "Mixed_5c")),
        ("tsm_resnet14", ("conv4", "conv5")),
        ("stm_resnet14", ("conv4", "conv5")),
        ("stnet_resnet14", ("conv4_modelling", "conv5")),
    ],
)
def test_both_depths_are_the_means_of_their_maps(name, ends, tmp_path):
    """Against the plain network with its BatchNorm, on clips as the view reads them."""
    network = scatter(keras_vid.create(name, classes=3, frames=10, size=64))
    assert depths(network) == ends
    data = dataset(tmp_path)
    view = view_for(network)
    found = features_of(data, network, Reading(view=view), folder=tmp_path / "kept")
    clips = np.stack([view.read(item.path) for item in data.items])
    maps = features(network, list(ends)).predict(clips, verbose=0)
    expected = [np.asarray(m).reshape(len(clips), -1, m.shape[-1]).mean(1) for m in maps]
    np.testing.assert_allclose(found.middle, np.concatenate(expected, -1), rtol=1e-3, atol=1e-4)
    assert found.widths == [m.shape[-1] for m in expected]


def test_a_clip_is_read_once(tmp_path):
    network = keras_vid.create("tsm_resnet14", classes=2, frames=4, size=32)
    data = dataset(tmp_path)
    first = features_of(data, network, folder=tmp_path / "kept")
    again = features_of(data, network, folder=tmp_path / "kept")
    assert (first.computed, again.computed) == (4, 0)
    assert np.array_equal(first.vectors, again.vectors)
    moved = tmp_path / "elsewhere.mp4"
    os.rename(data.items[0].path, moved)
    data.items[0] = Item(str(moved), 0)
    assert features_of(data, network, folder=tmp_path / "kept").computed == 0  # its bytes are known
    write(moved, np.zeros((12, 48, 64, 3), "uint8"), 12)
    assert features_of(data, network, folder=tmp_path / "kept").computed == 1
    network.layers[-2].set_weights([w + 1 for w in network.layers[-2].get_weights()])
    assert features_of(data, network, folder=tmp_path / "kept").computed == 0  # only the classifier changed
    layer = next(layer for layer in network.layers if layer.name.startswith("conv2") and layer.weights)
    layer.set_weights([w + 0.1 for w in layer.get_weights()])
    assert features_of(data, network, folder=tmp_path / "kept").computed == 4


def test_mirrored_clips_views_and_the_frozen_frame(tmp_path):
    network = scatter(keras_vid.create("fast_s3d", classes=2, frames=16, size=64))
    data = dataset(tmp_path, count=2, frames=20)
    view = view_for(network)
    several = features_of(data, network, Reading(mirrored=True, views=3), folder=tmp_path / "kept")
    assert several.vectors.shape[:2] == (2, 6)
    clip = view.read(data.items[1].path)
    lower = features(network, "Mixed_4f")
    mirrored = np.asarray(lower(clip[None, :, :, ::-1])).mean((0, 1, 2, 3))
    np.testing.assert_allclose(several.vectors[1, 3][:832], mirrored, rtol=1e-3, atol=1e-4)
    frozen = features_of(data, network, Reading(frozen=True), folder=tmp_path / "kept")
    still = np.asarray(lower(clip[8][None, None].repeat(16, 1))).mean((0, 1, 2, 3))
    np.testing.assert_allclose(frozen.middle[1][:832], still, rtol=1e-3, atol=1e-4)


def test_kept_maps_are_those_of_the_network(tmp_path):
    network = scatter(keras_vid.create("tsm_resnet14", classes=2, frames=4, size=64))
    data = dataset(tmp_path, count=2)
    found = features_of(data, network, Reading(map="conv4"), folder=tmp_path / "kept")
    clip = view_for(network).read(data.items[1].path)
    np.testing.assert_allclose(found.map(1, "conv4"), features(network, "conv4")(clip[None]), rtol=1e-2, atol=1e-2)
    assert found.map(1, "conv4").dtype == np.float16


def test_unreadable_clips_are_left_out_and_named(tmp_path):
    network = keras_vid.create("tsm_resnet14", classes=2, frames=4, size=32)
    data = dataset(tmp_path)
    (tmp_path / "1.mp4").write_text("no video")
    found = features_of(data, network, folder=tmp_path / "kept")
    assert found.places == [0, 2, 3] and list(found.failures) == [str(tmp_path / "1.mp4")]
    for i in range(4):
        (tmp_path / f"{i}.mp4").write_text("no video")
    with pytest.raises(InputError, match="none of the 4 clips can be read, such as .*0.mp4"):
        features_of(data, network, folder=tmp_path / "kept")


def test_a_network_is_cut_only_where_everything_passes(tmp_path):
    network = keras_vid.create("fast_s3d", classes=2, frames=16, size=64)
    assert check_depth(network, "Mixed_4e") == "Mixed_4e"
    inside = next(layer.name for layer in network.layers if layer.name.startswith("Mixed_4e_") and layer.weights)
    with pytest.raises(InputError, match="cannot be frozen up to"):
        check_depth(network, inside)


def kept(folder):
    return [path for path in folder.rglob("*.vector.npy") if not path.name.startswith(".")]


KILLED = """
import sys
from keras_vid.training.data.datasets import Dataset, Item
from keras_vid.training.small.features import features_of
import keras, keras_vid
keras.utils.set_random_seed(0)
network = keras_vid.create("tsm_resnet14", classes=2, frames=4, size=32)
items = [Item(path, 0) for path in sys.argv[2:]]
print(features_of(Dataset("x", items, ["a"]), network, folder=sys.argv[1], batch=1).computed)
"""


@pytest.mark.slow
def test_a_killed_pass_goes_on(tmp_path):
    data = dataset(tmp_path, count=40)
    command = [sys.executable, "-c", KILLED, str(tmp_path / "kept"), *(item.path for item in data.items)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    while process.poll() is None and len(kept(tmp_path)) < 3:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    there = len(kept(tmp_path))
    assert there >= 3
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(done.stdout) == 40 - there


@pytest.mark.parametrize(("syncs", "left"), [(0, 0), (2, 4)], ids=["about.json", "a feature"])
def test_two_runs_may_keep_the_same_features_at_once(syncs, left, tmp_path, monkeypatch):
    """A second run does everything while a file of the first is written and has no name yet."""
    network = keras_vid.create("tsm_resnet14", classes=2, frames=4, size=32)
    data, sync = dataset(tmp_path), os.fsync

    calls = iter(range(100))

    def let_another_run(descriptor):
        if next(calls) == syncs:
            assert features_of(data, network, folder=tmp_path / "kept").computed == 4
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", let_another_run)
    assert features_of(data, network, folder=tmp_path / "kept").computed == left
    assert features_of(data, network, folder=tmp_path / "kept").computed == 0


@pytest.mark.parametrize("content", [b"", b"no array", "cut"])
def test_what_is_kept_and_damaged_is_computed_anew(content, tmp_path):
    network = keras_vid.create("tsm_resnet14", classes=2, frames=4, size=32)
    data = dataset(tmp_path, count=2)
    first = features_of(data, network, folder=tmp_path / "kept")
    kept = next((tmp_path / "kept").rglob("*.npy"))
    kept.write_bytes(kept.read_bytes()[:-9] if content == "cut" else content)
    again = features_of(data, network, folder=tmp_path / "kept")
    assert again.computed == 1 and np.allclose(again.vectors, first.vectors, rtol=1e-4, atol=1e-5)
