"""Files of boxes.

CSV: `video,frame,label,x1,y1,x2,y2[,score][,tube]` with a header; `frame` counts from 0, `label` is the class name,
boxes are half-open pixels. JSON is a list of such objects. An .npz file has arrays `video frame label box [score]
[tube]`, where video and label are names, or whole numbers into the names `videos` and `classes`: the form for millions
of rows, which also keeps `frames` (of each video, -1 unknown) and `size` (width, height).
"""

import csv
import itertools
import json
from pathlib import Path

import numpy as np
from keras_vid.detection.data.table import Table, make

from keras_vid.utils.errors import InputError, MissingFile
from keras_vid.utils.files import atomic, read_npz

NEEDED = ("video", "frame", "label", "x1", "y1", "x2", "y2")
PART = 1 << 16  # lines of text in memory at a time


def read_boxes(path):
    """Read a .csv, .json or .npz table.

    >>> import tempfile
    >>> path = tempfile.mkdtemp() + "/a.csv"
    >>> _ = Path(path).write_text("video,frame,label,x1,y1,x2,y2\\na,0,run,0,0,5,5\\n")
    >>> read_boxes(path).box.tolist()
    [[0.0, 0.0, 5.0, 5.0]]
    """
    path = Path(path)
    readers = {".csv": _read_csv, ".json": _read_json, ".npz": _read_npz}
    if path.suffix.lower() not in readers:
        raise InputError(f"{path}: boxes are read from .csv, .json or .npz files")
    if not path.is_file():
        raise MissingFile(f"{path} does not exist")
    try:
        table = readers[path.suffix.lower()](path)
        check_boxes(table)
        return table
    except KeyError as error:
        raise InputError(f"{path}: no column {error}; a table has {', '.join(NEEDED)} and score, tube") from error
    except (ValueError, TypeError, RecursionError, csv.Error) as error:
        reason = str(error) if str(path) in str(error) else f"{path}: {error}"
        raise InputError(reason) from error


def check_boxes(table):
    """Refuse boxes and scores that are not numbers, and boxes whose corners are exchanged."""
    for row in np.flatnonzero(~np.isfinite(table.box).all(axis=1))[:1]:
        raise InputError(f"{_row(table, row)}: a corner is not finite")
    for row in np.flatnonzero((table.box[:, 2:] < table.box[:, :2]).any(axis=1))[:1]:
        raise InputError(f"{_row(table, row)}: x2 < x1 or y2 < y1; boxes are x1 y1 x2 y2, not x y width height")
    if table.score is not None:
        for row in np.flatnonzero(~np.isfinite(table.score))[:1]:
            raise InputError(f"{_row(table, row)}: its score {table.score[row]} is not a finite number")


def _row(table, row):
    box = " ".join(f"{value:g}" for value in table.box[row])
    return f"box {box} in frame {table.frame[row]} of {table.videos[table.video[row]]}"


def write_boxes(table, path):
    """Write a table as .csv, .json or .npz; numbers keep their full precision."""
    path = Path(path)
    writers = {".npz": _write_npz, ".json": _write_json, ".csv": _write_csv}
    if path.suffix not in writers:
        raise InputError(f"{path}: boxes are written to .csv, .json or .npz files")
    with atomic(path) as part:
        writers[path.suffix](table, part)


def _write_json(table, path):
    path.write_text(json.dumps([dict(zip(_header(table), row)) for row in _rows(table, slice(None))]))


def _write_csv(table, path):
    with open(path, "w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(_header(table))
        for start in range(0, len(table), PART):
            lines.writerows(_rows(table, slice(start, start + PART)))


def _header(table):
    return [*NEEDED, *(k for k in ("score", "tube") if getattr(table, k) is not None)]


def _rows(table, part):
    videos = [table.videos[i] for i in table.video[part].tolist()]
    labels = [table.classes[i] for i in table.label[part].tolist()]
    corners = [[float(text) for text in table.box[part, i].astype(str)] for i in range(4)]  # 0.1, not 0.10000000149
    extra = [getattr(table, k)[part].tolist() for k in _header(table)[len(NEEDED) :]]
    return zip(videos, table.frame[part].tolist(), labels, *corners, *extra)


def _read_csv(path):
    with open(path, newline="") as file:
        lines = csv.reader(file)
        header = [name.strip() for name in next(lines, [])]
        twice = [name for name in (*NEEDED, "score", "tube") if header.count(name) > 1]
        if twice:
            raise InputError(f"column {twice[0]} is there {header.count(twice[0])} times")
        column_of = {k: header.index(k) for k in (*NEEDED, "score", "tube") if k in header}
        parts, seen = [], {}
        while True:
            rows = [row for row in itertools.islice(lines, PART) if row]
            ragged = next((row for row in rows if len(row) != len(header)), None)
            if ragged:
                raise InputError(f"{len(ragged)} fields instead of {len(header)} in the line {','.join(ragged)}")
            columns = list(zip(*rows)) or [()] * len(header)
            named = {k: columns[i] for k, i in column_of.items()}
            for k in named.keys() & {"video", "label"}:
                named[k] = [seen.setdefault(name, name) for name in named[k]]  # one string for all its rows
            parts.append(_numbers(named))
            if not rows:
                break
    return _table({k: np.concatenate([part[k] for part in parts]) for k in column_of})


def _read_json(path):
    rows = json.loads(path.read_text())
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InputError(f"not a list of objects with {', '.join(NEEDED)}")
    extra = [k for k in ("score", "tube") if rows and k in rows[0]]
    return _table(_numbers({k: [row[k] for row in rows] for k in (*NEEDED, *extra)}))


def _read_npz(path):
    arrays = read_npz(path)
    columns = {k: arrays[k] for k in ("video", "frame", "label", "box")}
    columns |= {k: arrays[k] for k in ("score", "tube") if k in arrays}
    if len({len(column) for column in columns.values()}) > 1:
        raise InputError("its columns have different lengths")
    if columns["video"].dtype.kind not in "iu":
        return make(**columns)
    names = {"video": arrays["videos"].astype(str).tolist(), "label": arrays["classes"].astype(str).tolist()}
    for k, known in names.items():
        columns[k] = columns[k].astype("int64")
        if len(columns[k]) and not 0 <= columns[k].min() <= columns[k].max() < len(known):
            raise InputError(f"column {k} has numbers outside 0 to {len(known) - 1}")
    columns["frame"], columns["box"] = columns["frame"].astype("int64"), columns["box"].astype("float32").reshape(-1, 4)
    table = Table(names["video"], names["label"], **columns)
    table.frames = {v: int(n) for v, n in zip(table.videos, arrays.get("frames", [])) if n >= 0}
    table.size = tuple(arrays["size"].tolist()) if "size" in arrays else None
    return table


def _write_npz(table, path):
    about = {"videos": np.array(table.videos, str), "classes": np.array(table.classes, str)}
    about["frames"] = np.array([table.frames.get(v, -1) for v in table.videos], "int64")
    if table.size:
        about["size"] = np.array(table.size)
    columns = {k: getattr(table, k) for k in ("video", "frame", "label", "box", "score", "tube")}
    np.savez_compressed(path, **about, **{k: v for k, v in columns.items() if v is not None})


def _numbers(columns):
    """Texts to arrays, a column at a time."""
    kinds = {"video": object, "label": object, "frame": "int64", "tube": "int64"}
    return {k: np.array(v, kinds.get(k, "float64")) for k, v in columns.items()}


def _table(columns):
    for k in NEEDED:
        if k not in columns:
            raise KeyError(k)
    box = np.column_stack([columns.pop(k) for k in NEEDED[3:]])
    return make(**columns, box=box)
