"""The synthetic data set: pairs that differ in time only, looks that one frame tells, boxes that fit."""

import csv

import numpy as np
import pytest

from keras_vid import video
from keras_vid.video import synthetic


@pytest.mark.parametrize("pair", synthetic.TEMPORAL_PAIRS)
def test_a_pair_holds_the_same_frames_backwards(pair):
    for number in range(3):
        (first, boxes), (second, other_boxes) = (synthetic.clip(label, number, frames=12, size=48) for label in pair)
        np.testing.assert_array_equal(first[::-1], second)
        np.testing.assert_array_equal(boxes[::-1], other_boxes)
        assert (first != second).any(axis=(1, 2, 3)).sum() >= 8  # and the order shows in most frames


def test_looks_are_told_by_any_frame():
    """The middle of the person's box is red or green."""
    for label, channel in (("red_shirt", 0), ("green_shirt", 1)):
        for number in range(3):
            frames, boxes = synthetic.clip(label, number)
            for frame, (x1, y1, x2, y2) in zip(frames, boxes, strict=True):
                assert frame[int(y1 + y2) // 2, int(x1 + x2) // 2].argmax() == channel


def test_boxes_are_tight_half_open_and_inside():
    for label in synthetic.CLASSES:
        for size in (24, 64, (48, 80)):
            frames, boxes = synthetic.clip(label, 1, frames=6, size=size)
            height, width = frames.shape[1:3]
            assert boxes.dtype == np.float32 and boxes.shape == (6, 4)
            assert (boxes[:, :2] >= 0).all() and (boxes[:, 2] <= width).all() and (boxes[:, 3] <= height).all()
            assert (boxes[:, 2:] - boxes[:, :2] >= 4).all()


def test_box_moves_with_the_walker():
    _, boxes = synthetic.clip("walking_right", 0, frames=16)
    centres = (boxes[:, 0] + boxes[:, 2]) / 2
    assert (np.diff(centres) > 0).all()


def test_seeds():
    first, again, other = (synthetic.clip("red_shirt", 2, seed=s)[0] for s in (5, 5, 6))
    assert (first == again).all() and (first != other).any()


def test_dataset_on_disk(tmp_path):
    rows = synthetic.write_dataset(tmp_path, clips=2, frames=8, size=32, seed=1)
    assert len(rows) == 2 * len(synthetic.CLASSES)
    with open(tmp_path / "labels.csv", newline="") as file:
        assert [(row["path"], row["label"]) for row in csv.DictReader(file)] == rows
    with open(tmp_path / "boxes.csv", newline="") as file:
        boxes = list(csv.DictReader(file))
    assert len(boxes) == 8 * len(rows) and {row["path"] for row in boxes} == {path for path, _ in rows}
    for path, label in rows:
        decoded = video.read(tmp_path / path)
        drawn, drawn_boxes = synthetic.clip(label, int(path[-8:-4]), 8, 32, seed=1)
        assert abs(decoded.astype(int) - drawn).mean() < 12
        written = [[float(row[k]) for k in ("x1", "y1", "x2", "y2")] for row in boxes if row["path"] == path]
        np.testing.assert_array_equal(written, drawn_boxes)
    before = {p: p.read_bytes() for p in tmp_path.rglob("*.mp4")}
    synthetic.write_dataset(tmp_path, clips=2, frames=8, size=32, seed=1)
    assert before == {p: p.read_bytes() for p in tmp_path.rglob("*.mp4")}


def test_wrong_requests():
    with pytest.raises(ValueError, match="no class 'dancing'"):
        synthetic.clip("dancing")
    with pytest.raises(ValueError, match="24 pixels"):
        synthetic.clip("red_shirt", size=8)
