"""Writing videos: what is written is what is read, whole or not at all."""

import numpy as np
import pytest

from keras_vid import video
from keras_vid.video import writing


def picture(height=48, width=64, frames=6):
    y, x = np.mgrid[:height, :width]
    return np.stack([np.stack([(x * 3 + 9 * t) % 256, y * 4 % 256, (x + y) % 256], -1) for t in range(frames)]).astype(
        np.uint8
    )


def test_mp4_round_trip(tmp_path):
    smooth = np.repeat(np.linspace(30, 220, 6).astype(np.uint8), 48 * 64 * 3).reshape(6, 48, 64, 3)
    path = video.write(tmp_path / "a.mp4", smooth, fps=12.5)
    found = video.probe(path)
    assert (found["frames"], found["fps"], found["height"], found["width"]) == (6, 12.5, 48, 64)
    assert abs(video.read(path).astype(int) - smooth).max() <= 3


def test_odd_sides_gain_a_pixel(tmp_path):
    path = video.write(tmp_path / "odd.mp4", picture(33, 47))
    assert video.read(path).shape == (6, 34, 48, 3)


def test_gif_keeps_every_frame_and_few_colours_exactly(tmp_path):
    frames = (picture() // 64) * 64
    frames = np.concatenate([frames, frames[-1:], frames[-1:], frames[:1]])  # equal neighbours stay frames
    path = video.write(tmp_path / "a.gif", frames, fps=10)
    np.testing.assert_array_equal(video.read(path), frames)
    assert video.probe(path)["times"] == pytest.approx(np.arange(9) / 10)


def test_a_file_appears_whole_or_not_at_all(tmp_path, monkeypatch):
    path = video.write(tmp_path / "a.mp4", picture())
    before = path.read_bytes()

    def fail(path, frames, fps):
        path.write_bytes(b"half")
        raise RuntimeError("disk full")

    monkeypatch.setattr(writing, "_write_mp4", fail)
    with pytest.raises(RuntimeError):
        video.write(path, picture())
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.mp4"]


@pytest.mark.parametrize(
    "name, frames, fps, line",
    [
        ("a.mp4", np.zeros((0, 8, 8, 3), np.uint8), 25, "frames to write are"),
        ("a.mp4", np.zeros((2, 8, 8, 3), np.float32), 25, "uint8"),
        ("a.mp4", np.zeros((8, 8, 3), np.uint8), 25, "frames to write are"),
        ("a.mov", np.zeros((2, 8, 8, 3), np.uint8), 25, "can write .mp4 and .gif"),
        ("a.mp4", np.zeros((2, 8, 8, 3), np.uint8), 0, "must be positive"),
    ],
)
def test_what_cannot_be_written_is_said(tmp_path, name, frames, fps, line):
    with pytest.raises(video.VideoError, match=line):
        video.write(tmp_path / name, frames, fps)
    assert not list(tmp_path.iterdir())
