"""Which clips there is the time for, and by what kept features are found again."""

import dataclasses
import os

import keras
import pytest
from keras import layers
from keras_vid.training.small import cache, choose
from keras_vid.training.small.cache import Cache, video_key
from keras_vid.training.small.choose import Choices, choose_network
from keras_vid.training.small.features import view_for
from keras_vid.training.small.look import Facts

FACTS = Facts(100, {"a": 50, "b": 50}, 40, 300.0, 25.0, (25.0, 25.0), 240.0)


def small_network(choices=None, frames=8, size=16):
    """A network whose multiply-adds grow with frames and pixels."""
    clip = keras.Input((frames, size, size, 3), name="clip")
    x = layers.GlobalAveragePooling3D()(layers.Conv3D(4, 1, name="low")(clip))
    return keras.Model(clip, layers.Dense(2, name="logits")(x), name="small")


@pytest.mark.parametrize(
    ("allowed", "shape", "why"),
    [
        # one second for 32 frames of 128 x 128: 48 of 160 take 2.3, 64 of 224 take 6.1
        (7.0, (64, 224), "the most that the time allows: 6.1"),
        (3.0, (48, 160), "the most that the time allows: 2.3"),
        (1.5, (32, 128), "the most that the time allows: 1.0"),
        (0.5, (32, 128), "the smallest there is, for the time is short"),
    ],
)
def test_the_largest_clips_that_there_is_the_time_for(allowed, shape, why, monkeypatch):
    monkeypatch.setattr(choose, "load_network", small_network)
    monkeypatch.setattr(choose, "seconds_a_clip", lambda network: 1.0)
    lines = []
    _, view, _ = choose_network(FACTS, Choices(model="s3d", weights="none"), allowed, lines)
    assert (view.frames, view.height) == shape
    assert [reason for what, _, reason in lines if what == "clips"][0].startswith(why)


def test_another_view_of_a_clip_has_other_features(tmp_path):
    network = small_network()
    view = view_for(network)
    views = [view, *(dataclasses.replace(view, **change) for change in ({"fps": 5.0}, {"stride": 2}, {"aspect": 1}))]
    folders = {Cache(network, one, ["low"], tmp_path).folder for one in views}
    assert len(folders) == 4
    named = dataclasses.replace(view, labels=("a", "b"))  # names of classes change no feature
    assert Cache(network, named, ["low"], tmp_path).folder in folders


def test_a_large_video_is_known_by_both_its_ends(tmp_path, monkeypatch):
    """Of the same size and time of change: another first or last piece is another video, another name is not."""
    monkeypatch.setattr(cache, "WHOLE", 10)
    monkeypatch.setattr(cache, "END", 4)
    contents = {"a": b"headmiddletail", "b": b"HEADmiddletail", "c": b"headmiddleTAIL", "again": b"headmiddletail"}
    keys = {}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
        os.utime(tmp_path / name, (1000, 1000))
        keys[name] = video_key(tmp_path / name)
    assert len(set(keys.values())) == 3 and keys["again"] == keys["a"]
    os.utime(tmp_path / "again", (2000, 2000))
    assert video_key(tmp_path / "again") != keys["a"]
