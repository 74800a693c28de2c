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
from typing import NamedTuple

from keras_vid.training.data.datasets import (
    PARTS,
    Dataset,
    check_labels,
    from_csv,
    from_folder,
    parts_in_table,
    read_table,
)
from keras_vid.training.data.official import DATASETS
from keras_vid.training.data.remote import enable, read_manifest
from keras_vid.training.data.splits import hold_out, set_groups, shared_sources
from keras_vid.training.recipes.fields import MODALITIES

from keras_vid.utils.errors import InputError, MissingFile

PREPARED = "prepared"  # the name of a data set that `keras-vid prepare` wrote
NUMBERED = ("ucf101", "hmdb51")  # data sets with several splits
SHARE = 0.2  # of one's own clips is held out where no part is named for validation
PUBLIC_SHARE = 0.1  # of a public data set's training clips


def load_dataset(name, root, split="train", lists=None, group_by=None) -> Dataset:
    """The clips of one split of a dataset.

    Args:
        name: One of DATASETS (keras_vid.training.data.official), "folder" for any tree of one folder a class, or "csv".
        root: The folder with the videos or frames; for "csv" the file.
        split: "train", "val" or "test"; for UCF101 and HMDB51 also "train2", "test3": split 2, split 3. None: all clips
            of a folder or CSV file.
        lists: The folder with the official label and split files; None looks below `root`.
        group_by: What clips have in common that no split may cut: a column of the CSV file, "folder", "looks"
            (clips that look alike stay together), or a regular expression over the paths. None: the column `group`, or
            what file names tell.
    """
    root = Path(root)
    if not root.exists():
        raise MissingFile(f"{root}: no such file or folder")
    if name == "csv":
        if root.is_dir():
            raise InputError(f"{root} is a folder: the data set csv is one file")
        by_column = group_by in read_table(root)[1] if group_by else False
        dataset = from_csv(root, split, group_by if by_column else None)
        return dataset if by_column else _grouped(dataset, group_by, root.parent)
    if name == "folder":
        root = _part_folders(root).get(split, root)
        dataset = from_folder(root)
    elif name in DATASETS:
        reader, classes, official = DATASETS[name]
        dataset = reader(name, root, split, Path(lists) if lists else root)
        check_labels(dataset, classes, official)
    else:
        raise InputError(f"no dataset {name!r}: the names are {', '.join(DATASETS)}, folder and csv")
    if not dataset.items:
        raise InputError(f"{root}: none of the {len(dataset.skipped):,} clips of {name} {split} is in this folder")
    return _grouped(dataset, group_by, root)


def _grouped(dataset, group_by, root):
    if group_by == "looks":
        from keras_vid.training.checking.looks import group_by_looks

        return group_by_looks(dataset)
    return set_groups(dataset, group_by, root) if group_by else dataset


class Parts(NamedTuple):
    """The data of a run, with the same label numbers.

    Attributes:
        training: What the network is trained on.
        validation: What chooses the network among the epochs; None where nothing does.
        test: What the network is tested on after all choices; None where no clips are left for that.
        how: In words, how the clips were split and which of them chose the network.
    """

    training: Dataset
    validation: Dataset | None
    test: Dataset | None
    how: str


def datasets(recipe, options) -> Parts:
    """The parts of a run's data, from the recipe's data set and the options data, lists, split, val_data, group_by,
    seed and validate of keras_vid.training.run.train.Options.

    A part named for validation (`val/`, the column `split`, `--val-data`) chooses the network, else whole groups of the
    training clips that are held out. The test clips (`test/`, the column, an official test list, or the official
    validation list of data sets whose test labels are secret) choose nothing.
    """
    if has_manifest(options.data):
        training = prepared_data(options.data, recipe.modality)
        if not options.validate or not options.val_data:
            return Parts(training, None, None, "no validation: the network of the last epoch")
        return _checked(training, own_videos(options.val_data, "val"), None, "--val-data chose the network")
    if options.service:
        raise InputError("--service reads prepared data: `keras-vid prepare` writes it")
    root, lists, group_by = Path(options.data), options.lists, options.group_by
    if options.split != 1 and recipe.dataset not in NUMBERED:
        raise InputError(f"--split {options.split}: {recipe.dataset} has no numbered splits; ucf101 and hmdb51 have")
    if recipe.dataset in ("folder", "synthetic"):
        there = _parts_of(root)
        if there and "train" not in there:
            raise InputError(f"{root} has clips for {' and '.join(sorted(there))}, but none for train")
        training = own_videos(root, "train", group_by)
        validation, test = (own_videos(root, part, group_by) if part in there else None for part in ("val", "test"))
        how, share = "part val chose the network", SHARE
    else:
        numbered = options.split if recipe.dataset in NUMBERED else ""
        training = load_dataset(recipe.dataset, root, f"train{numbered}", lists, group_by)
        tested = f"test{numbered}" if numbered else "val"
        validation, test = None, load_dataset(recipe.dataset, root, tested, lists, group_by)
        how, share = "", PUBLIC_SHARE
    if options.val_data:
        validation, how = own_videos(options.val_data, "val", group_by), "--val-data chose the network"
    if not options.validate:
        return _checked(training, None, test, "no validation: the network of the last epoch")
    if validation is None:
        training, validation = hold_out(training, share, options.seed)
        if validation is None:
            return _checked(training, None, test, "nothing can be held out by group: the network of the last epoch")
        how = f"{len(validation.items):,} held-out training clips, of other sources, chose the network"
    return _checked(training, validation, test, how)


def own_videos(path, part, group_by=None):
    """One part of one's own videos, in a folder or a CSV file; without such parts, all of them."""
    return load_dataset("csv" if Path(path).suffix == ".csv" else "folder", path, part, group_by=group_by)


def _parts_of(root):
    """Which of train, val and test one's own data names."""
    if root.suffix == ".csv" and root.is_file():
        return parts_in_table(root)
    return set(_part_folders(root))


def _part_folders(root):
    """{"train", "val" or "test": its folder} of those that are directly below `root`."""
    folders = sorted(root.iterdir()) if root.is_dir() else ()
    return {PARTS[f.name.lower()]: f for f in folders if f.name.lower() in PARTS and f.is_dir()}


def _checked(training, validation, test, how):
    """The parts with the label numbers of training; what they have in common is noted."""
    parts = {"val": validation, "test": test}
    for name, part in parts.items():
        if part is not None:
            parts[name] = part = aligned(part, training.labels)
            common = shared_sources(training, part) if training.name != PREPARED else []
            if common:
                part.notes.append(f"leak: {len(common):,} sources are in training too, such as {common[0]}")
    return Parts(training, parts["val"], parts["test"], how)


def aligned(dataset, labels) -> Dataset:
    """A data set with the label numbers of another one.

    >>> from keras_vid.training.data.datasets import Item
    >>> aligned(Dataset("mine", [Item("a.mp4", 0)], ["sit"]), ["run", "sit"]).items[0].label
    1
    """
    strange = sorted(set(dataset.labels) - set(labels))
    if strange:
        raise InputError(f"the test data has labels that training has not: {', '.join(strange[:5])}")
    numbers = [labels.index(label) for label in dataset.labels]
    items = [item._replace(label=numbers[item.label]) for item in dataset.items]
    return Dataset(dataset.name, items, list(labels), dataset.skipped, dataset.notes)


def prepared_data(folder, modality="rgb") -> Dataset:
    """What `keras-vid prepare` wrote, as a Dataset that says how many clips there are, but not which."""
    manifest = read_manifest(folder)
    holds = manifest["plan"]["modality"]
    if holds != modality:
        raise InputError(f"{folder} holds {MODALITIES[holds]}, not {MODALITIES[modality]}: --modality {holds} reads it")
    return Dataset(PREPARED, range(manifest["clips"]), manifest["labels"])


def has_manifest(folder) -> bool:
    """Whether a folder, on this machine or a remote one, is what `keras-vid prepare` wrote."""
    import tensorflow as tf

    return tf.io.gfile.exists(f"{enable(folder).rstrip('/')}/manifest.json")
