"""Segments of time: the best path against all paths, moments by hand, files that players read, and bounded memory."""

import csv
import itertools
import json

import keras
import numpy as np
import pytest
from keras import layers

import keras_vid
from keras_vid import cli
from keras_vid.inference import switching
from keras_vid.inference.segment_files import write_segments
from keras_vid.inference.switching import Switching
from keras_vid.inference.timeline import Merging, Segment, Timeline, means_of_moments
from keras_vid.video import read, write
from keras_vid.view import set_view

LABELS = ("red", "green", "blue")


def colours(frames=4, size=32, name="colours"):
    """A network that tells the strongest mean colour of its frames, each of which it sees alone."""
    clip = keras.Input((frames, size, size, 3), name="clip")
    network = keras.Model(clip, layers.GlobalAveragePooling3D()(layers.Rescaling(0.04)(clip)), name=name)
    set_view(network, labels=LABELS)
    return network


def painted(parts, size=(40, 48)):
    """Frames of (number of frames, colour's number or None for grey) one after another."""
    frames = [np.full((count, *size, 3), 100, "uint8") for count, _ in parts]
    for block, (_, number) in zip(frames, parts):
        if number is not None:
            block[..., number] = 250
    return np.concatenate(frames)


def decided(cost, scores, longest=None):
    path = Switching(cost)
    found = [number for row in scores for number, _ in path.add(row, None)]
    return found + [number for number, _ in path.end()]


@pytest.mark.parametrize("seed", range(8))
def test_the_path_is_the_best_of_all_paths(seed):
    rng = np.random.default_rng(seed)
    scores, cost = rng.normal(size=(7, 3)), rng.uniform(0, 2)

    def total(path):
        return sum(scores[i, c] for i, c in enumerate(path)) - cost * sum(a != b for a, b in zip(path, path[1:]))

    best = max(itertools.product(range(3), repeat=7), key=total)
    assert decided(cost, scores) == list(best)


def test_steps_are_decided_soon_and_never_held_beyond_the_limit(monkeypatch):
    monkeypatch.setattr(switching, "LONGEST", 10)
    path, held = Switching(cost=50.0), []
    for i in range(200):
        path.add(np.random.default_rng(i).normal(size=4) * 0.01, i)  # nothing is ever certain
        held.append(len(path.held))
    assert max(held) <= 10
    path = Switching(cost=1.0)
    lags = [i - last for i in range(50) for _, last in path.add([0, 5] if i % 20 < 10 else [5, 0], i)[-1:]]
    assert max(lags) <= 2


def test_a_moment_has_the_mean_of_all_windows_that_show_it():
    windows = [(0, 4, [0.0, 0.0]), (2, 6, [0.0, 50.0]), (3, 7, [50.0, 0.0])]
    by_hand = [(0, 2, 0.5), (2, 3, 0.75), (3, 4, 0.5), (4, 6, 0.5), (6, 7, 0.0)]
    assert [(s, e, pytest.approx(p[1])) for s, e, p in means_of_moments(windows)] == by_hand
    gap = list(means_of_moments([(0, 1, [0.0, 9.0]), (3, 4, [9.0, 0.0])]))
    assert [(s, e) for s, e, _ in gap] == [(0, 1), (3, 4)]  # what no window shows has no moment


def test_segments_are_what_was_painted():
    video = painted([(80, 0), (80, None), (80, 2), (80, 1)])
    parts = list(keras_vid.timeline(colours(), video, window=8, stride=8, min_score=0.6))  # 25 frames a second
    assert [part.label for part in parts] == ["red", "blue", "green"]  # grey is below the least score
    assert [(part.start, part.end) for part in parts] == [(0, 3.2), (6.4, 9.6), (9.6, 12.8)]
    assert all(part.score > 0.9 for part in parts)


def test_a_flicker_is_shorter_than_the_cost_of_a_switch():
    video = painted([(80, 0), (8, 1), (80, 0)])

    def labels(cost):
        found = keras_vid.timeline(colours(), video, window=8, stride=8, switch_cost=cost)
        return [part.label for part in found]

    assert labels(0.0) == ["red", "green", "red"] and labels(5.0) == ["red"]


def test_a_class_of_the_network_can_be_the_background():
    video = painted([(40, 0), (40, 1)])
    parts = list(keras_vid.timeline(colours(), video, window=8, stride=8, background=["green"]))
    assert [part.label for part in parts] == ["red"]
    with pytest.raises(ValueError, match="'grey' is not a label of the network"):
        keras_vid.timeline(colours(), video, background=["grey"])
    with pytest.raises(ValueError, match="between 0 and 1"):
        keras_vid.timeline(colours(), video, min_score=0)


def test_a_live_source_gives_segments_while_it_runs_and_holds_little():
    def camera():
        for block in itertools.cycle([painted([(50, 0)]), painted([(50, 2)])]):
            yield from block

    line = Timeline(colours(), camera(), window=8, stride=8)
    found = list(itertools.islice(line.follow(), 12))
    assert [part.label for part in found] == ["red", "blue"] * 6
    assert len(line.switching.held) < 10 and line.end < 12 * 2 + 3


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run folder: a network with its view."""
    folder = tmp_path_factory.mktemp("run")
    network = colours()
    network.save(folder / "best.keras")
    network.view.save(folder)
    return str(folder)


def seconds(text):
    hours, minutes, rest = text.replace(",", ".").split(":")
    return 3600 * int(hours) + 60 * int(minutes) + float(rest)


def test_the_command_writes_tables_subtitles_and_a_labelled_video(run, tmp_path, capsys):
    path = str(write(tmp_path / "long.mp4", painted([(60, 0), (60, None), (60, 2)], size=(64, 96)), fps=20))
    outputs = [tmp_path / f"out.{kind}" for kind in ("csv", "json", "vtt", "srt", "mp4")]
    command = ["timeline", path, "--model", run, "--window", "4", "--stride", "4", "--min-score", "0.6"]
    assert cli.main([*command, *(word for output in outputs for word in ("-o", str(output)))]) == 0
    assert capsys.readouterr().out.split() == list(map(str, outputs))
    table, record, vtt, srt, labelled = outputs
    rows = list(csv.DictReader(table.read_text().splitlines()))
    expected = [(0, 3, "red"), (6, 9, "blue")]
    found = [(float(row["start"]), float(row["end"]), row["label"]) for row in rows]
    assert [label for *_, label in found] == ["red", "blue"]
    assert np.abs(np.array([f[:2] for f in found]) - np.array([e[:2] for e in expected])).max() <= 0.2
    record = json.loads(record.read_text())
    assert [(s["start"], s["label"]) for s in record["segments"]] == [(f[0], f[2]) for f in found]
    for file, head in ((vtt, "WEBVTT"), (srt, "1")):
        lines = file.read_text().splitlines()
        times = [tuple(map(seconds, line.split(" --> "))) for line in lines if "-->" in line]
        assert lines[0] == head and times == [pytest.approx(f[:2], abs=1e-3) for f in found]
    pictures, plain = read(labelled).astype(int), read(path).astype(int)
    assert len(pictures) == len(plain) == 180
    changed = (np.abs(pictures - plain).max(axis=-1) > 60)[:, : pictures.shape[1] - 8].any(axis=(1, 2))
    assert changed[5:50].all() and changed[130:].all() and not changed[70:110].any()  # labels stand where there are any
    assert cli.main([*command, "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["label"] for line in lines] == ["red", "blue"]


def test_what_is_not_one_video_is_refused_before_the_network_is_loaded(tmp_path, capsys):
    (tmp_path / "list.csv").write_text("path\na.mp4\n")
    for words, code, told in (
        ([str(tmp_path / "none.mp4")], 1, "none.mp4: no such file"),
        ([str(tmp_path / "list.csv")], 1, "is a list: give one video"),
        (["rtsp://camera/1", "-o", "x.mp4"], 2, "is live and cannot be seen twice"),
        ([str(tmp_path / "none.mp4"), "-o", "x.avi"], 2, "give .csv, .json, .vtt, .srt or .mp4"),
    ):
        assert cli.main(["timeline", *words]) == code
        lines = capsys.readouterr().err.strip().splitlines()
        assert len(lines) == 1 and told in lines[0]


@pytest.mark.parametrize(("cost", "labels"), [(0.8, ["red", "green", "red"]), (1.2, ["red"])])
def test_the_cost_of_a_switch_is_in_seconds(cost, labels):
    """Green for 0.32 s, e^6 times as probable then: 1.92 is more than two switches of 0.8 and less than two of 1.2."""
    video = painted([(80, 0), (8, 1), (80, 0)])
    found = keras_vid.timeline(colours(), video, window=8, stride=8, switch_cost=cost)
    assert [part.label for part in found] == labels


def test_a_long_moment_counts_more_in_the_score_of_a_segment():
    merging = Merging(["run"])
    for start, end, score in ((0, 1, 0.9), (1, 4, 0.5), (4, 5, 0.1)):
        assert merging.add(0, start, end, [score]) == []
    [segment] = merging.close()
    assert (segment.start, segment.end, segment.score) == (0, 5, 0.5)  # (0.9 + 3 x 0.5 + 0.1) / 5


def test_all_labels_of_the_background_together_outweigh_one_label():
    """Red is as probable as 0.4, green and blue as 0.3 each: together they are more than red, each alone is less."""
    video = painted([(40, None)])
    video[..., 0] = 107  # 0.04 x 7 = 0.28: e^0.28 times as probable as the others
    labels = [
        [part.label for part in keras_vid.timeline(colours(), video, window=8, stride=8, background=background)]
        for background in ([], ["green"], ["green", "blue"])
    ]
    assert labels == [["red"], ["red"], []]


def test_subtitles_as_players_want_them(tmp_path):
    """WebVTT has points in its times, SubRip commas and numbers."""
    segments = [Segment(0.0, 1.5, "run", 0.9), Segment(3661.25, 3662.0, "sit", 0.5)]
    cues = ["00:00:00.000 --> 00:00:01.500\nrun (90%)\n", "01:01:01.250 --> 01:01:02.000\nsit (50%)\n"]
    for kind in ("vtt", "srt"):
        write_segments(tmp_path / f"a.{kind}", segments, {})
    assert (tmp_path / "a.vtt").read_text() == "\n".join(["WEBVTT\n", *cues])
    numbered = [f"{number}\n{cue.replace('.', ',')}" for number, cue in enumerate(cues, 1)]
    assert (tmp_path / "a.srt").read_text() == "\n".join(numbered)
