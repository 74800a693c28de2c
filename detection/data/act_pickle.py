"""The pickle of ACT, MOC and mmaction2: JHMDB-GT.pkl, UCF101v2-GT.pkl. Read and written.

A dict: `labels`, `gttubes` {video: {label: [tube]}}, `nframes`, `resolution` (height, width), and `train_videos` and
`test_videos`, a list a split. A tube is float32 (T, 5): frame from 1, x1 y1 x2 y2 of the first and the last pixel.
"""

import pickle

import numpy as np
from keras_vid.detection.data import boxes
from keras_vid.detection.data.table import from_tubes, in_order

from keras_vid.utils.errors import InputError
from keras_vid.utils.files import atomic

KEYS = {"labels", "gttubes", "nframes", "resolution", "train_videos", "test_videos"}


def from_content(gt, path):
    """(table of all videos, [{"train": videos, "test": videos}] of each split) from what the pickle holds."""
    if not isinstance(gt, dict) or not KEYS <= gt.keys():
        raise InputError(f"{path}: not a pickle with {', '.join(sorted(KEYS))}, as JHMDB-GT.pkl is")
    videos = sorted(str(v) for v in gt["gttubes"])
    tubes = []
    for video in videos:
        listed = [(label, tube) for label, tubes_of_label in gt["gttubes"][video].items() for tube in tubes_of_label]
        for number, (label, tube) in enumerate(listed):
            tubes.append((video, label, number, tube[:, 0].astype("int64") - 1, boxes.from_inclusive(tube[:, 1:5])))
    sizes = {(int(width), int(height)) for height, width in gt["resolution"].values()}
    frames = {v: int(gt["nframes"][v]) for v in videos}
    table = from_tubes(tubes, videos, gt["labels"], frames, sizes.pop() if len(sizes) == 1 else None)
    splits = [
        {"train": [str(v) for v in train], "test": [str(v) for v in test]}
        for train, test in zip(gt["train_videos"], gt["test_videos"])
    ]
    return table, splits


def write(table, splits, path):
    """Write a table of ground truth with its splits, for ACT, MOC, mmaction2 and their descendants."""
    if table.tube is None:
        raise InputError("this ground truth does not say which boxes make a tube: it needs a column tube")
    if not table.size or set(table.videos) - table.frames.keys():
        raise InputError("this ground truth does not know its videos' frames and size, which such a pickle states")
    table = in_order(table)
    rows = np.column_stack([table.frame + 1, table.box - np.float32([0, 0, 1, 1])]).astype("float32")
    heads = np.column_stack([table.video, table.tube, table.label])
    starts = np.flatnonzero(np.any(np.diff(heads, axis=0, prepend=-1), axis=1))
    gttubes = {video: {} for video in table.videos}
    for (video, _, label), tube in zip(heads[starts], np.split(rows, starts[1:])):
        gttubes[table.videos[video]].setdefault(int(label), []).append(tube)
    content = {"labels": table.classes, "gttubes": gttubes, "nframes": {v: table.frames[v] for v in table.videos}}
    content["resolution"] = {v: (table.size[1], table.size[0]) for v in table.videos}
    content |= {f"{part}_videos": [list(split[part]) for split in splits] for part in ("train", "test")}
    with atomic(path) as part, open(part, "wb") as file:
        pickle.dump(content, file, protocol=2)  # ACT's own code runs on Python 2
