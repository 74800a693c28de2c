"""A data set by its name: the public ones as their users have them on disk, folder trees, CSV files.

`load_dataset(name, root, split)` opens no video: it says which clips there are and which are missing. Videos may be
files or folders of frames, in any folders below `root`: they are found by their names.

>>> import pathlib, tempfile
>>> root = pathlib.Path(tempfile.mkdtemp())
>>> for name in ("run/a.mp4", "sit/b.mp4"):
...     (root / name).parent.mkdir()
...     _ = (root / name).write_bytes(b"x")
>>> dataset = load_dataset("folder", root)
>>> dataset.labels, [item.label for item in dataset.items]
(['run', 'sit'], [0, 1])
>>> print(dataset.report())
folder: 2 clips, 2 labels
"""

from pathlib import Path

from keras_vid.training.data.datasets import check_labels, from_csv, from_folder
from keras_vid.training.data.official import DATASETS

from keras_vid.utils.errors import InputError, MissingFile


def load_dataset(name, root, split="train", lists=None):
    """The clips of one split of a dataset.

    Args:
        name: One of DATASETS (keras_vid.training.data.official), "folder" for any tree of one folder a class, or "csv".
        root: The folder with the videos or frames; for "csv" the file.
        split: "train", "val" or "test"; for UCF101 and HMDB51 also "train2", "test3": split 2, split 3.
        lists: The folder with the official label and split files; None looks below `root`.
    """
    root = Path(root)
    if not root.exists():
        raise MissingFile(f"{root}: no such file or folder")
    if name == "csv":
        return from_csv(root)
    if name == "folder":
        inside = root / split
        return from_folder(inside if inside.is_dir() else root)
    if name not in DATASETS:
        raise InputError(f"no dataset {name!r}: the names are {', '.join(DATASETS)}, folder and csv")
    reader, classes, official = DATASETS[name]
    dataset = reader(name, root, split, Path(lists) if lists else root)
    check_labels(dataset, classes, official)
    if not dataset.items:
        raise InputError(f"{root}: none of the {len(dataset.skipped):,} clips of {name} {split} is in this folder")
    return dataset
