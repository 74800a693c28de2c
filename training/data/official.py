"""The public datasets: where their official files keep labels and splits.

Each reader takes (name, root, split, lists) and returns a Dataset. Official files are found by name below `lists`.
"""

import csv
import json
import re
from pathlib import Path

from keras_vid.training.data.datasets import Dataset, Finder, Item, from_folder

from keras_vid import weights
from keras_vid.utils.errors import InputError, MissingFile

TEST_LISTS = ("something_v1", "something_v2", "jester")  # benchmarks whose test labels are secret
NO_LABELS = "{name}: the official {split} list has no labels; `keras-vid evaluate RUN --submit FILE` classifies it"


def kinetics(name, root, split, lists):
    """Official CSV (label,youtube_id,time_start,time_end,split), or without one a folder of each class.

    Videos are called <youtube_id>_<start>_<end> with six digits each, or <youtube_id>; both are taken as cut already.
    Mini-Kinetics-200 is published as train_ytid_list.txt and val_ytid_list.txt, a YouTube id a line, beside which stand
    Kinetics-400's CSV files or folders: of those the clips in the list are taken.
    """
    ids = _mini_ids(lists, split) if name == "mini_kinetics200" else None
    split = {"val": "validate|validation|val", "test": "test", "train": "train"}[_plain(name, split)]
    tables = [f for f in _files(lists, "*.csv") if re.search(rf"(^|[_-])({split})([_.-]|$)", f.name)]
    if not tables:
        inside = [root / s for s in split.split("|") if (root / s).is_dir()]
        dataset = from_folder(inside[0] if inside else root)
        items = [item for item in dataset.items if ids is None or _youtube_id(item.path) in ids]
        present = sorted({item.label for item in items}) if ids else range(len(dataset.labels))
        labels = _all_labels(name, (_spaced(dataset.labels[number]) for number in present))
        numbers = {number: labels.index(_spaced(dataset.labels[number])) for number in present}
        items = [item._replace(label=numbers[item.label]) for item in items]
        return Dataset(name, items, labels, dataset.skipped)
    rows = list(csv.DictReader(_lines(tables[0])))
    if not rows or not {"label", "youtube_id", "time_start", "time_end"} <= set(rows[0]):
        raise InputError(f"{tables[0]}: expected the columns label,youtube_id,time_start,time_end")
    rows = [row for row in rows if ids is None or row["youtube_id"] in ids]
    wanted = []
    for row in rows:
        video = row["youtube_id"]
        start, end = (int(float(row[key])) for key in ("time_start", "time_end"))
        wanted.append(((f"{video}_{start:06d}_{end:06d}", video), row["label"]))
    return _find(name, root, wanted, _all_labels(name, (label for _, label in wanted)))


def _mini_ids(lists, split):
    """The YouTube ids of Mini-Kinetics' list of a split, or None without the list: then all that is there is taken."""
    files = _files(lists, f"*{_plain('mini_kinetics200', split)}_ytid_list.txt")
    return set(_lines(files[0])) if files else None


def _youtube_id(path):
    """The id in a clip's name: eleven characters, which may hold underscores, before the seconds."""
    return re.sub(r"_\d{6}_\d{6}$", "", Path(path).stem)


def _all_labels(name, present):
    """The label names in alphabetical order: all official ones where we know them, so that a part of the data set
    keeps its numbers."""
    present, official = set(present), DATASETS[name][2]
    names = official() if official else []
    return names if present <= set(names) else sorted(present)


def something_v1(name, root, split, lists):
    """something-something-v1-labels.csv, -train.csv and -validation.csv with `id;label` lines. Jester is alike."""
    labels = _lines(_one(lists, "*-labels.csv"))
    split = {"train": "train", "val": "validation", "test": "test"}[_plain(name, split)]
    rows = [line.split(";", 1) for line in _lines(_one(lists, f"*-{split}.csv"))]
    if any(len(row) < 2 for row in rows):
        raise InputError(NO_LABELS.format(name=name, split=split))
    return _find(name, root, [((number,), label) for number, label in rows], labels)


def something_v2(name, root, split, lists):
    """something-something-v2-labels.json and -train.json, or labels.json and train.json as in later packages."""
    labels = _v2_labels(lists)
    split = {"train": "train", "val": "validation", "test": "test"}[_plain(name, split)]
    rows = json.loads(_one(lists, f"*{split}.json").read_text(encoding="utf-8"))
    if any("template" not in row for row in rows):
        raise InputError(NO_LABELS.format(name=name, split=split))
    names = [row["template"].replace("[", "").replace("]", "") for row in rows]
    return _find(name, root, [((str(row["id"]),), label) for row, label in zip(rows, names)], labels)


def _v2_labels(lists):
    numbers = json.loads(_one(lists, "*labels.json").read_text(encoding="utf-8"))
    return sorted(numbers, key=lambda label: int(numbers[label]))


def unlabelled(name, root, lists):
    """The official test list of Something-Something or Jester, whose labels are secret: every clip has label 0."""
    if name == "something_v2":
        labels = _v2_labels(lists)
        ids = [str(row["id"]) for row in json.loads(_one(lists, "*test.json").read_text(encoding="utf-8"))]
    else:
        labels = _lines(_one(lists, "*-labels.csv"))
        ids = [line.split(";")[0] for line in _lines(_one(lists, "*-test.csv"))]
    dataset = _find(name, root, [((number,), labels[0]) for number in ids], labels)
    if not dataset.items:
        raise InputError(f"{root}: none of the {len(ids):,} clips of the official test list is in this folder")
    return dataset


def ucf101(name, root, split, lists):
    """classInd.txt, trainlist01.txt to trainlist03.txt and testlist01.txt to testlist03.txt."""
    kind, number = _numbered(name, split)
    labels = [line.split()[1] for line in _lines(_one(lists, "classInd.txt"))]
    lines = _lines(_one(lists, f"{kind}list{number:02d}.txt"))
    entries = [line.split()[0] for line in lines]
    return _find(name, root, [((Path(e).stem,), Path(e).parent.name) for e in entries], labels)


def hmdb51(name, root, split, lists):
    """<class>_test_split1.txt to 3, with a 1 (training), 2 (test) or 0 (neither) behind each file name."""
    kind, number = _numbered(name, split)
    tables = _files(lists, f"*_test_split{number}.txt")
    if not tables:
        raise MissingFile(f"{lists}: no file *_test_split{number}.txt below this folder")
    labels, wanted = [], []
    for table in sorted(tables):
        label = table.name.removesuffix(f"_test_split{number}.txt")
        labels.append(label)
        rows = [line.rsplit(None, 1) for line in _lines(table)]
        mark = {"train": "1", "test": "2"}[kind]
        wanted += [((Path(file).stem,), label) for file, use in rows if use == mark]
    return _find(name, root, wanted, labels)


def _kinetics_names():
    return list(weights.labels("kinetics400"))


# name: (reader, number of labels, official names where we know them)
DATASETS = {
    "kinetics400": (kinetics, 400, _kinetics_names),
    "kinetics600": (kinetics, 600, None),
    "mini_kinetics200": (kinetics, 200, None),
    "something_v1": (something_v1, 174, None),
    "something_v2": (something_v2, 174, None),
    "jester": (something_v1, 27, None),
    "ucf101": (ucf101, 101, None),
    "hmdb51": (hmdb51, 51, None),
}


def _find(name, root, wanted, labels):
    """The Dataset of (possible file names, label name) rows: what is there, and what is missing."""
    numbers, finder = {label: i for i, label in enumerate(labels)}, Finder(root)
    items, skipped = [], []
    for stems, label in wanted:
        if label not in numbers:
            raise InputError(f"{name}: label {label!r} of {stems[0]} is not in the official label list")
        path = next((p for p in (finder(stem, label) for stem in stems) if p), None)
        if path is None or (Path(path).is_file() and not Path(path).stat().st_size):
            skipped.append((path or stems[0], "empty file" if path else "missing"))
        else:
            items.append(Item(path, numbers[label]))
    return Dataset(name, items, list(labels), skipped)


def _plain(name, split):
    if split not in ("train", "val", "test"):
        raise InputError(f"the splits of {name} are train, val and test, not {split!r}")
    return split


def _numbered(name, split):
    match = re.fullmatch(r"(train|test|val)([123]?)", split)
    if not match:
        raise InputError(f"the splits of {name} are train, test, train2, test2, train3 and test3, not {split!r}")
    return match[1].replace("val", "test"), int(match[2] or 1)


def _files(folder, pattern):
    """Files of a name in a folder or up to two below it, without walking through a million frames."""
    folder = Path(folder)
    return sorted({f for depth in ("", "*/", "*/*/") for f in folder.glob(depth + pattern) if f.is_file()})


def _one(folder, pattern):
    files = _files(folder, pattern)
    if not files:
        raise MissingFile(f"{folder}: no file {pattern} below this folder; give the folder of the lists")
    return files[0]


def _lines(path):
    text = path.read_text(encoding="utf-8-sig")
    return [line.strip() for line in text.splitlines() if line.strip()]


def _spaced(label):
    return label.replace("_", " ")
