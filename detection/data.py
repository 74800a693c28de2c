"""Ground truth of JHMDB and UCF101-24 as tables: frames 0-based, boxes half-open pixels of 320x240."""

from pathlib import Path

import numpy as np

from detection import boxes as bx
from detection import table
from keras_vid.convert.pickles import load_arrays
from keras_vid.extras import need

SIZE = (320, 240)


def jhmdb(path, split=1, subset="test"):
    """JHMDB from `JHMDB-GT.pkl`; split 1, 2 or 3. One tube a video, on every frame.

    The pickle repeats the last mask's box on the 14 frames that have no puppet mask, so all 31,852 frames have one.
    """
    gt = load_arrays(path, encoding="latin1")
    videos = _subset(gt, path)[subset][_split(split, 3)]
    rows = [
        (video, label, number, tube[:, 0].astype("int64") - 1, bx.from_inclusive(tube[:, 1:5]))
        for video in videos
        for label, tubes in gt["gttubes"][video].items()
        for number, tube in enumerate(tubes)
    ]
    return _assemble(rows, videos, gt["labels"], {v: int(gt["nframes"][v]) for v in videos})


def jhmdb_splits(folder, split=1):
    """The official lists `<class>_test_split<k>.txt`: {"train": set of videos, "test": set of videos}."""
    found = {"train": set(), "test": set()}
    files = sorted(Path(folder).glob(f"*_test_split{split}.txt"))
    if len(files) != 21:
        raise FileNotFoundError(f"{folder}: {len(files)} files *_test_split{split}.txt instead of 21")
    for file in files:
        name = file.name.removesuffix(f"_test_split{split}.txt")
        for line in file.read_text().split("\n"):
            if line.strip():
                video, part = line.split()
                if part in "12":
                    found["train" if part == "1" else "test"].add(f"{name}/{video.removesuffix('.avi')}")
    return found


def ucf24(path, test_list, subset="test"):
    """UCF101-24, corrected annotations (`pyannot_with_class_names.pkl`), split 1 by its list of test videos.

    The lists name 3,207 videos; 13 of them are not annotated, so 910 of 914 are tested and 2,284 of 2,293 trained.
    """
    gt = load_arrays(path, encoding="latin1")
    if not isinstance(gt, dict) or not {"db", "classes"} <= gt.keys():
        raise ValueError(f"{path}: no `db` and `classes`; this reads pyannot_with_class_names.pkl")
    test = names(test_list)
    annotated = gt["db"]
    videos = sorted(v for v in annotated if (v in test) == (subset == "test"))
    rows = []
    for name in videos:
        for number, tube in enumerate(annotated[name]["annotations"]):
            first, last = int(tube["sf"]), int(tube["ef"])
            box = bx.from_xywh(tube["boxes"])  # stored as uint8: x + w would overflow in one box of ten
            rows.append((name, int(tube["label"]), number, np.arange(first, last), box))
    return _assemble(rows, videos, gt["classes"], {v: int(annotated[v]["numf"]) for v in videos})


def ucf24_mat(path, test_list, classes, subset="test"):
    """The same from `finalAnnots.mat`, which has no class names: pass them in their order. Needs SciPy."""
    scipy_io = need("scipy.io", extra="report")
    test = names(test_list)
    found = {str(v.name): v for v in scipy_io.loadmat(path, squeeze_me=True, struct_as_record=False)["annot"]}
    videos = sorted(v for v in found if (v in test) == (subset == "test"))
    rows = []
    for name in videos:
        for number, tube in enumerate(np.atleast_1d(found[name].tubes)):
            span = np.arange(int(tube.sf) - 1, int(tube.ef))  # 1-based and inclusive there
            rows.append((name, int(getattr(tube, "class")) - 1, number, span, bx.from_xywh(tube.boxes)))
    return _assemble(rows, videos, classes, {v: int(found[v].num_imgs) for v in videos})


def names(path):
    """The set of `Class/video` names of a list file, without extension and label."""
    lines = Path(path).read_text().splitlines()
    return {line.split()[0].removesuffix(".avi") for line in lines if line.strip()}


def counts(gt):
    """What a table holds, to compare with what a paper says.

    >>> gt = table.make(["a", "a"], [0, 0], ["run", "run"], [[0, 0, 5, 5]] * 2)
    >>> counts(gt)
    {'videos': 1, 'classes': 1, 'frames': 0, 'frames with boxes': 1, 'boxes': 2}
    """
    keys = gt.video * (1 << 32) + gt.frame
    found = {"videos": len(gt.videos), "classes": len(gt.classes), "frames": sum(gt.frames.values())}
    return found | {"frames with boxes": len(np.unique(keys)), "boxes": len(gt)}


def _assemble(rows, videos, classes, frames):
    place = {v: i for i, v in enumerate(videos)}
    sizes = [len(r[3]) for r in rows]
    if sizes != [len(r[4]) for r in rows]:
        raise ValueError("a tube has more or fewer boxes than frames")
    head = np.array([(place[video], label, number) for video, label, number, _, _ in rows], "int64")
    video, label, tube = np.repeat(head, sizes, axis=0).T
    frame, box = np.concatenate([r[3] for r in rows]), np.concatenate([r[4] for r in rows])
    classes = [str(c) for c in classes]
    return table.Table([str(v) for v in videos], classes, video, frame, label, box, None, tube, frames, SIZE)


def _split(split, known):
    if split not in range(1, known + 1):
        raise ValueError(f"split {split}: there are splits 1 to {known}")
    return split - 1


def _subset(gt, path):
    if not isinstance(gt, dict) or not {"gttubes", "train_videos", "test_videos", "nframes", "labels"} <= gt.keys():
        raise ValueError(f"{path}: no gttubes, train_videos, test_videos, nframes and labels as in JHMDB-GT.pkl")
    return {"train": gt["train_videos"], "test": gt["test_videos"]}
