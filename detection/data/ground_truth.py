"""Ground truth of JHMDB and UCF101-24, or any table of boxes, from whatever file there is; counted when it is read."""

from pathlib import Path

import numpy as np
from keras_vid.detection.data import act_pickle, box_files, jhmdb, ucf24
from keras_vid.detection.data.matlab import variable

from keras_vid.utils.errors import InputError, MissingFile
from keras_vid.weights.convert.pickles import load_arrays

# (videos, frames, frames with boxes, boxes) of the sets as published; JHMDB has one box in every frame.
KNOWN = {
    ("JHMDB", 1, "train"): (660, 22713, 22713, 22713),
    ("JHMDB", 1, "test"): (268, 9139, 9139, 9139),
    ("JHMDB", 2, "train"): (658, 22895, 22895, 22895),
    ("JHMDB", 2, "test"): (270, 8957, 8957, 8957),
    ("JHMDB", 3, "train"): (663, 22807, 22807, 22807),
    ("JHMDB", 3, "test"): (265, 9045, 9045, 9045),
    ("JHMDB", 1, "all"): (928, 31852, 31852, 31852),
    ("UCF101-24", 1, "train"): (2284, 395868, 340336, 403282),
    ("UCF101-24", 1, "test"): (910, 159289, 138527, 170580),
    ("UCF101-24", 1, "all"): (3194, 555157, 478863, 573862),
}

NAMES = {"brush_hair": "JHMDB", "WalkingWithDog": "UCF101-24"}  # by a class that only they have


def ground_truth(path, lists=None, split=1, subset="test"):
    """A table of ground truth from any of the known files.

    Args:
        path: `JHMDB-GT.pkl` or `UCF101v2-GT.pkl`; `pyannot.pkl`, `pyannot_with_class_names.pkl` or `finalAnnots.mat`;
            `jhmdb_annot.mat` or a folder `puppet_mask`; or a .csv, .json or .npz of boxes, which is taken whole.
        lists: The folder of JHMDB's `<class>_test_split1.txt` files, or UCF101-24's `testlist01.txt`. None looks
            beside `path`. The pickles with `gttubes` know their splits.
        split: 1, 2 or 3 of JHMDB; UCF101-24 has split 1.
        subset: "train", "test" or "all".

    Returns:
        Table: its `notes` tell what the file holds, and where that is not what is published.
    """
    table, splits, name = open_set(path, None if subset == "all" else lists, wanted=subset != "all")
    if name is None:
        return table
    if subset != "all":
        if split not in range(1, len(splits) + 1):
            raise InputError(f"split {split}: {path} has splits 1 to {len(splits)}")
        if subset not in ("train", "test"):
            raise InputError(f"subset {subset!r}: train, test or all")
        table = table.only(sorted(splits[split - 1][subset]))
    table.notes = notes(table, name, split, subset)
    return table


def notes(table, name, split=1, subset="all"):
    """What to know about a set from `open_set`, a sentence each: its counts against the published ones comes first."""
    return (_summary_line(table, name, 1 if subset == "all" else split, subset), *table.notes, *_about(table, name))


def open_set(path, lists=None, wanted=True):
    """(table of all videos, its splits, the set's name): `ground_truth` before a part is chosen. Tables have no name.

    Args:
        wanted: Look for lists of splits; False reads files without them.
    """
    path = Path(path)
    if not path.exists():
        raise MissingFile(f"{path} does not exist")
    if path.suffix in (".csv", ".json", ".npz"):
        return box_files.read_boxes(path), [], None
    if path.is_dir():
        return jhmdb.read_masks(path), _jhmdb_lists(path, lists, wanted), "JHMDB"
    if path.suffix == ".pkl":
        content = load_arrays(path, encoding="latin1")
        if isinstance(content, dict) and "gttubes" in content:
            table, splits = act_pickle.from_content(content, path)
            return table, splits, next((NAMES[c] for c in table.classes if c in NAMES), path.stem)
        table = ucf24.from_pickle(content, path)
    elif path.suffix == ".mat":
        annot = variable(path, "annot")
        if hasattr(annot, "bound"):
            return jhmdb.from_annot(annot), _jhmdb_lists(path, lists, wanted), "JHMDB"
        table = ucf24.from_annot(annot)
    else:
        raise InputError(f"{path}: ground truth is a .pkl, .mat, .csv, .json or .npz file, or a folder of puppet masks")
    return (*_ucf24_lists(table, path, lists, wanted), "UCF101-24")


def counts(table):
    """What a table holds, to compare with what a paper says.

    >>> from keras_vid.detection.data.table import make
    >>> counts(make(["a", "a"], [0, 0], ["run", "run"], [[0, 0, 5, 5]] * 2))
    {'videos': 1, 'frames': 0, 'frames with boxes': 1, 'boxes': 2}
    """
    with_boxes = len(np.unique(table.video << 32 | table.frame))
    counted = {"videos": len(table.videos), "frames": sum(table.frames.values())}
    return counted | {"frames with boxes": with_boxes, "boxes": len(table)}


def _summary_line(table, name, split, subset):
    counted, known = counts(table), KNOWN.get((name, split, subset))
    part = "all videos" if subset == "all" else f"split {split}, {subset}"
    line = f"{name}, {part}: " + ", ".join(f"{count:,} {what}" for what, count in counted.items())
    if tuple(counted.values()) == known:
        return f"{line}: as published"
    return line if known is None else f"{line}; published are {', '.join(f'{count:,}' for count in known)}"


def _about(table, name):
    if name == "JHMDB":
        rows = int(jhmdb.without_mask(table).sum())
        return (f"{rows} frames have no puppet mask: the last mask's box is repeated there",) if rows else ()
    if name != "UCF101-24":
        return ()
    ignored = sorted(table.ignored)
    listed = (f"in the list, but not annotated and never scored: {', '.join(ignored)}",)
    return ("of the 3,207 videos in the official lists 3,194 are annotated", *(listed if ignored else ()))


def _jhmdb_lists(path, lists, wanted):
    if not wanted:
        return []
    beside = [path.parent / "splits", path.parent / "JHMDB_splits"]
    folder = lists or next((folder for folder in beside if folder.is_dir()), None)
    if folder is None:
        raise InputError(f"{path} does not say its splits: name the folder of <class>_test_split1.txt files (--lists)")
    return jhmdb.splits(folder)


def _ucf24_lists(table, path, lists, wanted):
    if not wanted:
        return table, []
    test_list = Path(lists) if lists else path.parent / "testlist01.txt"
    if not test_list.is_file():
        raise InputError(
            f"{path} does not say its split: name its testlist01.txt (--lists); {test_list} does not exist"
        )
    splits, missing = ucf24.splits(table, test_list)
    table.ignored = frozenset(missing)
    return table, splits
