"""JHMDB's own files: puppet masks, ActionTubes' jhmdb_annot.mat, and the lists of its three splits."""

from pathlib import Path

import numpy as np
from keras_vid.detection.data.boxes import from_xywh
from keras_vid.detection.data.matlab import variable
from keras_vid.detection.data.table import from_tubes, numbered

from keras_vid.utils.errors import MissingFile

# The puppet masks of three videos end too early, by 14 frames in all: video to (frames with a mask, frames).
SHORT_MASKS = {
    "clap/The_Slow_Clap_clap_u_cm_np1_fr_med_4": (27, 33),
    "clap/The_Slow_Clap_clap_u_nm_np1_fr_bad_20": (18, 25),
    "stand/BIG_FISH_stand_u_nm_np1_fr_med_27": (35, 36),
}


def read_masks(folder):
    """Boxes around the puppets of `<class>/<video>/puppet_mask.mat` under a folder."""
    files = sorted(Path(folder).glob("*/*/puppet_mask.mat"))
    if not files:
        raise MissingFile(f"{folder}: no <class>/<video>/puppet_mask.mat in it")
    spans, shape = {}, None
    for file in files:
        mask = variable(file, "part_mask")
        shape = mask.shape[:2]
        spans["/".join(file.parts[-3:-1])] = mask_boxes(mask)
    return _one_tube_a_video(spans, (shape[1], shape[0]))


def mask_boxes(mask):
    """(frames, boxes) of a mask (H, W, T) or (H, W): around all that is above 0, no box where nothing is.

    >>> mask = np.zeros((240, 320, 2), np.uint8)
    >>> mask[10:20, 30:50, 1] = 1
    >>> mask_boxes(mask)[1].tolist()
    [[30.0, 10.0, 50.0, 20.0]]
    """
    there = np.asarray(mask) > 0
    there = there[..., None] if there.ndim == 2 else there
    columns, lines = there.any(axis=0), there.any(axis=1)
    frames = np.flatnonzero(columns.any(axis=0))
    ends = [[len(side) - side[::-1].argmax(axis=0), side.argmax(axis=0)] for side in (columns, lines)]
    (x2, x1), (y2, y1) = ends
    return frames, np.stack([x1, y1, x2, y2], axis=1)[frames].astype("float32")


def from_annot(annot):
    """A table of all videos from `jhmdb_annot.mat` of ActionTubes: a row a frame, x y width height from 1."""
    names = [f"{action}/{video}" for action, video in zip(annot.action, annot.video_id)]
    videos, video = numbered(names)
    order = np.lexsort((annot.frame, video))
    frame, box = annot.frame[order].astype("int64") - 1, from_xywh(annot.bound)[order]
    ends = np.cumsum(np.bincount(video))[:-1]
    spans = dict(zip(videos, zip(np.split(frame, ends), np.split(box, ends))))
    return _one_tube_a_video(spans, (320, 240))


def splits(folder):
    """The lists `<class>_test_split<k>.txt` as [{"train": videos, "test": videos}] of splits 1 to 3."""
    lists = []
    for split in (1, 2, 3):
        parts = {"train": [], "test": []}
        files = sorted(Path(folder).glob(f"*_test_split{split}.txt"))
        if not files:
            raise MissingFile(f"{folder}: no <class>_test_split{split}.txt in it")
        for file in files:
            name = file.name.removesuffix(f"_test_split{split}.txt")
            for line in file.read_text().splitlines():
                if line.strip():
                    video, part = line.rsplit(maxsplit=1)
                    parts[{"1": "train", "2": "test"}[part]].append(f"{name}/{video.removesuffix('.avi')}")
        lists.append(parts)
    return lists


def without_mask(table):
    """Which rows are in the 14 frames that have no puppet mask."""
    rows = np.zeros(len(table), bool)
    for video, (masked, _) in SHORT_MASKS.items():
        if video in table.videos:
            rows |= (table.video == table.videos.index(video)) & (table.frame >= masked)
    return rows


def _one_tube_a_video(spans, size):
    """A table; where the masks end too early the last box is repeated, as in JHMDB-GT.pkl."""
    tubes, frames = [], {}
    for video, (frame, box) in spans.items():
        masked, length = SHORT_MASKS.get(video, (0, 0))
        if len(frame) and frame[-1] + 1 == masked:
            extra = np.arange(masked, length)
            frame, box = np.append(frame, extra), np.vstack([box, np.repeat(box[-1:], len(extra), axis=0)])
        tubes.append((video, video.split("/")[0], 0, frame, box))
        frames[video] = int(frame[-1]) + 1 if len(frame) else 0
    classes = sorted({label for _, label, *_ in tubes})
    tubes = [(video, classes.index(label), *rest) for video, label, *rest in tubes]
    return from_tubes(tubes, list(spans), classes, frames, size)
