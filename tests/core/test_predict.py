"""A video in, labels out; and one clear line for everything that is no video, or too little of one."""

import dataclasses
import json

import keras
import numpy as np
import pytest
from keras import layers
from random_weights import scatter, settle

import keras_vid
from keras_vid import cli, weights
from keras_vid.inference.predict import random_clips
from keras_vid.video import VideoError, write
from keras_vid.view import ClipView, set_view, view_of


@pytest.fixture(scope="module")
def model():
    network = scatter(keras_vid.create("s3d", classes=3, size=32))
    return settle(network, random_clips(network, count=8, seed=2))


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    frames = np.zeros((40, 48, 64, 3), "uint8") + np.arange(0, 240, 6, dtype="uint8")[:, None, None, None]
    path = tmp_path_factory.mktemp("videos") / "ramp.mp4"
    write(path, frames)
    return path


def test_probabilities_are_sorted_and_add_up(model, video):
    answers = keras_vid.predict(model, video, labels=["a", "b", "c"])
    scores = [score for _, score in answers]
    assert {label for label, _ in answers} == {"a", "b", "c"}
    assert scores == sorted(scores, reverse=True) and sum(scores) == pytest.approx(1)


def test_a_file_its_frames_and_their_array_get_one_answer(model, video, tmp_path):
    from PIL import Image

    from keras_vid.video import read

    tinted = read(video) * np.linspace(0.2, 1, 64)[:, None] * [1, 0.6, 0.2]  # to the right, and orange
    path = write(tmp_path / "tinted.mp4", tinted.astype("uint8"))
    array = read(path)
    (tmp_path / "frames").mkdir()
    for i, frame in enumerate(array):
        Image.fromarray(frame).save(tmp_path / f"frames/{i:05}.png")
    expected = dict(keras_vid.predict(model, array))
    assert dict(keras_vid.predict(model, str(tmp_path / "frames"))) == pytest.approx(expected, abs=1e-3)
    assert dict(keras_vid.predict(model, path)) == pytest.approx(expected, abs=2e-2)  # scaled in the decoder
    for other in (array[::-1], array[:, :, ::-1], array[..., ::-1]):  # backwards, mirrored, blue for red
        assert dict(keras_vid.predict(model, other)) != pytest.approx(expected, abs=5e-2)


def test_frames_come_from_the_middle(model, video):
    brightness = view_of(model).read(video, frames=10).mean(axis=(1, 2, 3))
    assert np.abs(brightness - 6 * np.arange(15, 25)).max() < 6
    assert len(view_of(model).read(video)) == len(view_of(model).read(video, "all")) == 40


def test_a_centre_crop_is_what_is_left_and_right_of_the_middle(model):
    frames = np.zeros((16, 32, 64, 3), "uint8") + np.arange(64, dtype="uint8")[None, None, :, None]
    cropped = view_of(model).read(frames)
    assert cropped.shape == (16, 32, 32, 3)
    assert abs(cropped.astype(float).mean() - 31.5) < 1


@pytest.mark.parametrize("frames", [50, 1000])
def test_too_few_frames_are_said(model, video, frames):
    with pytest.raises(VideoError, match=f"ramp.mp4 has 40 frames, too few for the {frames}"):
        keras_vid.predict(model, video, frames=frames)


def test_a_clip_too_short_for_the_network_is_said(model):
    with pytest.raises(VideoError, match="the array: 8 frames are too few for s3d"):
        keras_vid.predict(model, np.zeros((8, 32, 32, 3), "uint8"))
    keras_vid.predict(model, np.zeros((9, 32, 32, 3), "uint8"))


def test_labels_must_fit(model, video):
    with pytest.raises(ValueError, match="2 labels were given, but s3d has 3 classes"):
        keras_vid.predict(model, video, labels=["a", "b"])


def tiny():
    """A network of clips of any length that is built and loaded in a moment."""
    clip = keras.Input((None, 32, 32, 3), name="clip")
    x = layers.GlobalAveragePooling3D()(layers.Rescaling(1 / 255)(clip))
    return keras.Model(clip, layers.Dense(3, name="logits")(x), name="tiny")


@pytest.fixture(scope="module")
def model_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "small.keras"
    tiny().save(path)
    return str(path)


def bad_files(folder, video):
    data = video.read_bytes()
    files = {
        "empty.mp4": b"",
        "text.mp4": b"this is no video" * 50,
        "cut.mp4": data[: len(data) // 3],
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    audio_only(folder / "audio.wav")
    return [*files, "audio.wav", "missing.mp4"]


def audio_only(path):
    import wave

    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(b"\0\0" * 8000)


def test_each_bad_file_costs_one_line_and_exit_code_1(model_file, video, tmp_path, capsys):
    for name in bad_files(tmp_path, video):
        assert cli.main(["predict", str(tmp_path / name), "--model", model_file]) == 1
        lines = capsys.readouterr().err.strip().splitlines()
        assert len(lines) == 1 and name in lines[0] and lines[0].startswith("keras-vid: "), lines


def test_bad_files_among_good_ones_do_not_stop_the_rest(model_file, video, tmp_path, capsys):
    names = bad_files(tmp_path, video)
    paths = [str(tmp_path / name) for name in names] + [str(video)]
    assert cli.main(["predict", *paths, "--model", model_file, "--json"]) == 0
    out, err = capsys.readouterr()
    rows = [json.loads(line) for line in out.splitlines()]
    assert [row["video"] for row in rows] == paths
    assert ["labels" in row for row in rows] == [False] * len(names) + [True]
    told = [line for line in err.splitlines() if line.startswith("keras-vid: ")]
    assert len(told) == len(names) and f"{len(names)} of {len(paths)} videos" in err
    assert cli.main(["predict", *paths[:-1], "--model", model_file]) == 1
    assert "no video could be read" in capsys.readouterr().err


@pytest.mark.slow
def test_published_weights_recognise_real_actions(data, tmp_path):
    """Kinetics-400 I3D on real clips: 64 frames at its rate, 25 a second; and 250 neighbouring frames of a long one."""
    import csv

    try:
        model = keras_vid.create("i3d", weights="kinetics400")
    except OSError as error:
        pytest.skip(f"the weights could not be fetched: {error}")
    with open(data / "clips" / "labels.csv") as file:
        rows = [row for row in csv.DictReader(file) if row["kinetics400_equivalent"]]
    right = {}
    for row in rows:
        answers = keras_vid.predict(model, data / "clips" / row["file"], top=1, frames=64)
        right[row["file"]] = answers[0][0] == row["kinetics400_equivalent"]
    assert sum(right.values()) >= 0.9 * len(right), right
    assert right["WUzgd7C1pWA.mp4"]  # which is wrong from 64 neighbouring frames at its own rate
    own_rate = dataclasses.replace(view_of(model), fps=None)
    model.view = own_rate
    assert keras_vid.predict(model, data / "clips" / "WUzgd7C1pWA.mp4", top=1)[0][0] == "using segway"  # 250 frames


def test_a_video_is_looked_at_at_the_rate_asked_for(tmp_path):
    frames = np.repeat(np.arange(20, dtype="uint8")[:, None, None, None] * 12, 3, axis=3) + np.zeros((1, 32, 32, 1))
    path = str(write(tmp_path / "a.mp4", frames.astype("uint8"), fps=20))

    def shown(fps, frames="all"):
        clip, _ = ClipView(height=28, width=28, fps=fps).read_uncropped(path, frames)
        return (clip.mean(axis=(1, 2, 3)) / 12).round().astype(int).tolist()

    assert shown(None) == shown(20) == list(range(20)) and shown(10) == list(range(0, 20, 2))
    assert len(shown(40)) == 39  # the last frame has no time after it
    with pytest.raises(ValueError, match="has 10 frames at 10 a second, too few for the 16"):
        shown(10, 16)
    array = np.zeros((20, 32, 32, 3), "uint8")
    assert len(ClipView(height=28, width=28, fps=10).read_uncropped(array, "all")[0]) == 20  # an array has no clock


def test_fewer_frames_than_the_network_learnt_from_are_told(video, tmp_path, capsys):
    model = tiny()
    set_view(model, labels=("a", "b", "c"), trained_frames=16)
    model.save(tmp_path / "best.keras")
    model.view.save(tmp_path)
    for frames, told in (("10", True), ("16", False), ("all", False)):
        assert cli.main(["predict", str(video), "--model", str(tmp_path), "--frames", frames]) == 0
        assert ("learnt from clips of 16 frames, and may err with 10" in capsys.readouterr().err) == told
    assert weights.WEIGHTS["i3d", "kinetics400"].view == {"trained_frames": 64, "fps": 25}


def test_a_damaged_video_is_told_beside_its_labels(model_file, data, capsys):
    path = str(data / "clips" / "corrupted.mp4")
    assert cli.main(["predict", path, "--model", model_file, "--json"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert row["note"] == "damaged: only the first 28 of 50 frames decode" and len(row["labels"]) == 3
    assert cli.main(["predict", path, "--model", model_file]) == 0
    assert "only the first 28 of 50" in capsys.readouterr().err
