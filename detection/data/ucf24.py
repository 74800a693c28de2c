"""UCF101-24's corrected annotations: pyannot pickles, finalAnnots.mat, and lists of videos.

The official lists of split 1 name 3,207 videos (2,293 and 914); 3,194 are annotated (2,284 and 910).
"""

from pathlib import Path

import numpy as np
from keras_vid.detection.data.boxes import from_xywh
from keras_vid.detection.data.table import from_tubes

from keras_vid.utils.errors import InputError

SIZE = (320, 240)


def from_pickle(gt, path):
    """A table of all videos from the content of `pyannot.pkl` or `pyannot_with_class_names.pkl`."""
    db = gt.get("db", gt) if isinstance(gt, dict) else {}
    if not db or not all(isinstance(v, dict) and {"annotations", "numf"} <= v.keys() for v in db.values()):
        raise InputError(f"{path}: neither gttubes, as in JHMDB-GT.pkl, nor videos with annotations, as in pyannot.pkl")
    tubes, narrow = [], 0
    for name in sorted(db):
        for number, tube in enumerate(db[name]["annotations"]):
            frames = np.arange(int(tube["sf"]), int(tube["ef"]))  # from 0, end exclusive
            tubes.append((name, int(tube["label"]), number, frames, from_xywh(tube["boxes"])))
            narrow += _overflowing(tube["boxes"])
    table = from_tubes(tubes, sorted(db), _classes(tubes), {v: int(db[v]["numf"]) for v in sorted(db)}, SIZE)
    if narrow:
        every = f"{narrow:,} of the file's {len(table):,} boxes"
        table.notes = (f"{every} would overflow in the uint8 they are stored in: cast before x + width",)
    return table


def from_annot(annot):
    """A table of all videos from `finalAnnots.mat`."""
    annotations = {str(v.name): v for v in annot}
    tubes = []
    for name in sorted(annotations):
        for number, tube in enumerate(np.atleast_1d(annotations[name].tubes)):
            frames = np.arange(int(tube.sf) - 1, int(tube.ef))  # from 1, end inclusive
            box = from_xywh(np.atleast_2d(tube.boxes))
            tubes.append((name, int(getattr(tube, "class")) - 1, number, frames, box))
    return from_tubes(
        tubes,
        sorted(annotations),
        _classes(tubes),
        {v: int(annotations[v].num_imgs) for v in sorted(annotations)},
        SIZE,
    )


def names(path):
    """The `Class/video` names of a list file, without extension and label."""
    lines = Path(path).read_text().splitlines()
    return [line.split()[0].removesuffix(".avi") for line in lines if line.strip()]


def splits(table, test_list):
    """([{"train": videos, "test": videos}], videos of the list's classes that are not annotated)."""
    listed = {v for v in names(test_list) if v.split("/")[0] in table.classes}
    if not listed & set(table.videos):
        raise InputError(f"{test_list}: names no video of the annotations ({table.videos[0]}, ...)")
    split = {"train": [v for v in table.videos if v not in listed], "test": [v for v in table.videos if v in listed]}
    return [split], listed - set(table.videos)


def _classes(tubes):
    """Class names in the order of their numbers: each is the folder of its videos."""
    names_of = dict(sorted({label: name.split("/")[0] for name, label, *_ in tubes}.items()))
    if list(names_of) != list(range(len(names_of))):
        raise InputError(f"the classes are numbered {list(names_of)}")
    return list(names_of.values())


def _overflowing(boxes):
    if boxes.dtype != np.uint8:
        return 0
    wide = boxes.astype("int64")
    return int((wide[:, :2] + wide[:, 2:] > 255).any(axis=1).sum())
