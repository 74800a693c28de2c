"""Windows over long and endless video: the answers of `predict`, frames computed once, and bounded memory."""

import contextlib
import itertools
import json
import os
import subprocess
import sys
import threading
import weakref

import keras
import numpy as np
import pytest
from keras import layers, ops
from random_weights import scatter, settle
from small_network import scattered, small

import keras_vid
from keras_vid import cli
from keras_vid.inference import stream as streaming
from keras_vid.inference.predict import random_clips
from keras_vid.inference.stream import MeanOfFrames, frame_network
from keras_vid.layers import TemporalShift
from keras_vid.video import VideoError, live, sample, write
from keras_vid.view import set_view, view_of


@pytest.fixture(scope="module")
def tsn():
    return small()


@pytest.fixture(scope="module")
def video():
    """Noise that brightens: windows of even noise would all be answered alike."""
    bright = np.linspace(50, 255, 45)[:, None, None, None]
    return np.random.default_rng(1).uniform(0, bright, (45, 40, 60, 3)).astype("uint8")


def check_windows(model, video, window, stride):
    """Each window's answer is that of `predict` on those frames alone."""
    answers = list(keras_vid.stream(model, video, window, stride, fps=10))
    expected = sample.windows(len(video), window, stride)
    assert len(answers) == len(expected)
    for (start, end, labels), indices in zip(answers, expected):
        assert (start, end) == pytest.approx((indices[0] / 10, (indices[-1] + 1) / 10))
        assert dict(labels) == pytest.approx(dict(keras_vid.predict(model, video[indices])), abs=1e-4)
    best = answers[0][-1][0][0]
    assert np.ptp([dict(labels)[best] for *_, labels in answers]) > 0.01  # answers hang on their windows


@pytest.mark.parametrize("window, stride", [(16, 8), (16, 5), (10, 20), (4, 1)])
def test_shared_frames_change_no_answer(tsn, video, window, stride):
    check_windows(tsn, video, window, stride)


def shifted():
    return small(after={"conv": TemporalShift(4, name="shift")})


def test_frames_that_meet_are_computed_anew(video):
    assert frame_network(shifted()) is None
    check_windows(shifted(), video, 16, 12)


def test_frames_that_meet_in_a_layer_unknown_to_the_library_are_found_by_trying():
    class Meet(layers.Layer):
        def call(self, x):
            return x + ops.roll(x, 1, axis=0)

    assert frame_network(small(after={"conv": Meet(name="meet")})) is None


@pytest.mark.slow
@pytest.mark.parametrize("name, options", [("fast_s3d", {}), ("stnet_mobilenet_v2", {"frames": 10})])
def test_networks_of_neighbouring_frames(name, options, video):
    model = scatter(keras_vid.create(name, classes=3, size=32, **options))
    settle(model, random_clips(model, count=8, seed=2))
    assert frame_network(model) is None
    check_windows(model, video, 20, 15)


@pytest.mark.slow
def test_frames_are_shared_only_where_they_meet_in_nothing_but_the_mean():
    shared = {"tsn_mobilenet_v2": True, "tsm_mobilenet_v2": False}
    for name, expected in shared.items():
        network = frame_network(scattered(keras_vid.create(name, classes=3, frames=4, size=32)))
        assert (network is not None) == expected, name


def test_every_frame_is_computed_once(tsn, video, monkeypatch):
    seen = []

    def counted(model):
        network = frame_network(model)
        predict = network.predict_on_batch
        network.predict_on_batch = lambda clip: seen.extend(frame.tobytes() for frame in clip[0]) or predict(clip)
        return network

    monkeypatch.setattr(streaming, "frame_network", counted)
    answers = list(keras_vid.stream(tsn, video[:40]))  # 32 frames, one of each 8; 16 from window to window
    assert len(answers) == 2 and len(seen) == len(set(seen))
    seen.clear()
    answers = list(keras_vid.stream(tsn, video[:44], window=16, stride=4))
    assert len(answers) == 8 and len(seen) == len(set(seen)) == 11  # 4 frames, then one more a window


def test_what_is_known_of_past_frames_is_forgotten(tsn):
    mean = MeanOfFrames(frame_network(tsn), view_of(tsn))
    held = [(number, np.zeros((32, 32, 3), "uint8")) for number in range(1000)]
    for start in range(0, 300, 3):
        mean(held[start : start + 16])
        assert len(mean.known) <= 16


def test_endless_video_in_bounded_memory(tsn):
    alive = set()

    def camera():
        for number in itertools.count():
            frame = np.full((36, 36, 3), number % 256, "uint8")
            alive.add(number)
            weakref.finalize(frame, alive.discard, number)
            yield frame

    most, windows = 0, keras_vid.stream(tsn, camera(), window=8, stride=8)
    for _ in range(60):
        next(windows)
        most = max(most, len(alive))
    assert most <= 2 * 8 + 2


def test_a_short_video_is_one_window_and_gets_the_answer_of_predict(tsn, video):
    for length in (1, 3, 10):
        ((start, _, labels),) = keras_vid.stream(tsn, video[:length], window=16)
        assert start == 0 and dict(labels) == pytest.approx(dict(keras_vid.predict(tsn, video[:length])), abs=1e-4)


def test_a_file_has_seconds_of_its_own_clock(tsn, tmp_path, video):
    path = write(tmp_path / "clip.mp4", video, fps=20)
    times = [(start, end) for start, end, _ in keras_vid.stream(tsn, path, window=20, stride=20)]
    assert times == [pytest.approx(pair) for pair in ((0, 1), (1, 2), (1.25, 2.25))]


def test_a_clock_that_is_missing_or_starts_over_still_goes_on():
    class Frame:
        def __init__(self, time):
            self.time = time

    def seconds(times):
        return [round(second, 6) for second, _ in live._timed(map(Frame, times), fps=10)]

    assert seconds([5.0, 5.5, 6.0, 0.0, 0.5, 1.0]) == [0, 0.5, 1, 1.5, 2, 2.5]
    assert seconds([None, None, None]) == [0, 0.1, 0.2]
    assert seconds([1.0, 1.0, 1.5]) == [0, 0.1, 0.6]


@pytest.mark.parametrize(
    "source, words",
    [
        ("missing.mp4", "missing.mp4: no such file"),
        ("tcp://127.0.0.1:9", "tcp://127.0.0.1:9: no video comes from here"),
        (iter([np.zeros((8, 8), "uint8")]), r"a frame is \(H, W, 3\) uint8, not \(8, 8\)"),
        (np.zeros((0, 8, 8, 3), "uint8"), "an array of frames"),
    ],
)
def test_what_is_no_video_is_said(tsn, source, words):
    with pytest.raises(VideoError, match=words):
        list(keras_vid.stream(tsn, source))


def test_windows_that_the_network_cannot_have_are_said(tsn, video):
    with pytest.raises(ValueError, match="at least 1 frame"):
        next(keras_vid.stream(tsn, video, window=0))
    clip = keras.Input((16, 32, 32, 3))
    dense = keras.Model(clip, layers.GlobalAveragePooling3D()(layers.Conv3D(3, 3)(clip)), name="dense")
    with pytest.raises(ValueError, match="dense takes 16 neighbouring frames: a window cannot have 8"):
        next(keras_vid.stream(dense, video, window=8))


@pytest.fixture(scope="module")
def model_file(tsn, tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "small.keras"
    tsn.save(path)
    return str(path)


def transport_stream(frames):
    """A video in a form that can be cut and joined anywhere, as broadcast is."""
    import io

    import av

    file = io.BytesIO()
    with av.open(file, "w", format="mpegts") as container:
        coder = container.add_stream("mpeg2video", rate=25)
        coder.height, coder.width, coder.pix_fmt = *frames.shape[1:3], "yuv420p"
        for frame in frames:
            container.mux(coder.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), "rgb24")))
        container.mux(coder.encode())
    return file.getvalue()


def test_a_pipe_is_read_as_it_comes_and_damage_costs_only_its_pictures(tsn, tmp_path, video):
    data = transport_stream(video)
    middle = len(data) // 2
    pipe = tmp_path / "camera"
    os.mkfifo(pipe)
    feeder = threading.Thread(
        target=lambda: pipe.write_bytes(data + data[:middle] + b"\x47" * 4000 + data[middle:] + data)
    )
    feeder.start()
    answers = list(keras_vid.stream(tsn, pipe, window=20))
    feeder.join()
    assert answers[-1][1] > 4.5  # three times 1.8 s, less the damage
    starts = [start for start, _, _ in answers]
    assert starts == sorted(set(starts))


def test_a_live_packet_that_does_not_decode_costs_its_own_pictures():
    class Picture:
        is_corrupt = False

    class Camera(contextlib.nullcontext):
        codec_context = property(lambda self: self)

        def demux(self, stream):
            return iter(["whole", "damaged", "whole"])

        def decode(self, packet):
            if packet == "damaged":
                raise ValueError(packet)
            return [Picture()]

    assert len(list(live._decoded_live(Camera(), Camera(), "camera"))) == 2


def test_the_command_prints_windows_as_lines(model_file, tmp_path, video, capsys):
    path = str(write(tmp_path / "clip.mp4", video, fps=20))
    options = ["--model", model_file, "--window", "20", "--stride", "20", "--top", "1"]
    assert cli.main(["stream", path, *options, "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(row["start"], row["end"]) for row in rows] == [(0, 1), (1, 2), (1.25, 2.25)]
    assert all(row["video"] == path and len(row["labels"]) == 1 for row in rows)
    assert cli.main(["stream", path, *options]) == 0
    assert capsys.readouterr().out.splitlines()[1].startswith("     1.00      2.00")
    assert cli.main(["stream", str(tmp_path / "none.mp4"), *options]) == 1
    assert "none.mp4: no such file" in capsys.readouterr().err


@pytest.mark.slow
def test_lines_come_while_standard_input_is_still_open(model_file, video):
    command = [sys.executable, "-m", "keras_vid.cli", "stream", "-", "--model", model_file, "--json"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        feeder = threading.Thread(target=feed, args=(process.stdin, transport_stream(video)))
        feeder.start()
        rows = [json.loads(process.stdout.readline()) for _ in range(5)]
        process.kill()
        feeder.join()
    assert [row["video"] for row in rows] == ["-"] * 5


def feed(pipe, data):
    """Write without end, until the reader is gone."""
    with contextlib.suppress(BrokenPipeError), pipe:
        while True:
            pipe.write(data)


def test_a_window_has_the_shape_of_pictures_that_the_network_learnt_from():
    clip = keras.Input((4, 48, 48, 3))
    colours = keras.layers.GlobalAveragePooling3D()(keras.layers.Rescaling(0.02)(clip))
    model = keras.Model(clip, colours)
    pictures = np.zeros((4, 120, 320, 3), "uint8")
    pictures[:, :, 110:210, 1] = 255  # all that is left where the sides are cropped
    kept = keras_vid.predict(model, pictures)
    set_view(model, aspect=1)
    squashed = keras_vid.predict(model, pictures)
    ((_, _, answer),) = keras_vid.stream(model, pictures, window=4)
    assert kept[0][1] > 0.95 > 0.8 > squashed[0][1]
    assert dict(answer) == pytest.approx(dict(squashed), abs=0.01)


def test_windows_overlap_by_half_where_nothing_is_said(video):
    clip = keras.Input((16, 32, 32, 3))
    dense = keras.Model(clip, layers.GlobalAveragePooling3D()(layers.Conv3D(3, 3)(clip)), name="dense")
    assert [start for start, *_ in keras_vid.stream(dense, video[:40], fps=10)] == [0, 0.8, 1.6, 2.4]
