"""Boxes, and the counts of the real annotations."""

import pytest

from detection import data as sets
from detection import table

JHMDB = {1: (660, 22713, 268, 9139), 2: (658, 22895, 270, 8957), 3: (663, 22807, 265, 9045)}


@pytest.mark.parametrize("split", JHMDB)
def test_jhmdb_counts(data, split):
    folder = data / "detection"
    lists = sets.jhmdb_splits(folder / "JHMDB_splits", split)
    found = []
    for subset in ("train", "test"):
        gt = sets.jhmdb(folder / "JHMDB-GT.pkl", split, subset)
        assert set(gt.videos) == lists[subset]
        count = sets.counts(gt)
        assert count["frames"] == count["frames with boxes"] == count["boxes"] and count["classes"] == 21
        assert gt.frame.min() == 0 and gt.box.min() >= 0 and (gt.box.max(axis=0) <= [320, 240, 320, 240]).all()
        found += [count["videos"], count["boxes"]]
    assert tuple(found) == JHMDB[split]


@pytest.mark.parametrize(
    ("subset", "want"), [("test", (910, 24, 159289, 138527, 170580)), ("train", (2284, 24, 395868, 340336, 403282))]
)
def test_ucf24_counts(data, subset, want):
    folder = data / "detection"
    gt = sets.ucf24(folder / "pyannot_with_class_names.pkl", folder / "testlist01.txt", subset)
    assert tuple(sets.counts(gt).values()) == want
    assert gt.box.min() == 0 and (gt.box.max(axis=0)[2:] == [319, 239]).all()
    assert (gt.box[:, 2:] > gt.box[:, :2]).all()  # nothing overflowed


def test_unknown_files_say_so(tmp_path):
    with pytest.raises(ValueError, match="csv, .json or .npz"):
        table.read(tmp_path / "a.txt")
    (tmp_path / "a.csv").write_text("video,frame,label\na,0,x\n")
    with pytest.raises(ValueError, match="no column 'x1'"):
        table.read(tmp_path / "a.csv")


def test_ucf24_pickle_and_mat_agree_box_by_box(data):
    pytest.importorskip("scipy")
    folder = data / "detection"
    a = sets.ucf24(folder / "pyannot_with_class_names.pkl", folder / "testlist01.txt")
    b = sets.ucf24_mat(folder / "finalAnnots.mat", folder / "testlist01.txt", a.classes)
    assert a.videos == b.videos and a.frames == b.frames
    for column in ("video", "frame", "label", "box", "tube"):
        assert (getattr(a, column) == getattr(b, column)).all()
