"""Data sets to train and test on: the table of boxes, and where on disk each video is."""

from pathlib import Path

from keras_vid.detection.data.ground_truth import ground_truth

from keras_vid.utils.errors import InputError, MissingFile
from keras_vid.utils.files import write_whole
from keras_vid.video.finding import videos_below
from keras_vid.video.synthetic import write_dataset

# The files of ground truth that a data set's folder may hold, best first
FILES = {
    "jhmdb": ("JHMDB-GT.pkl", "jhmdb_annot.mat", "puppet_mask"),
    "ucf101-24": ("pyannot_with_class_names.pkl", "UCF101v2-GT.pkl", "finalAnnots.mat"),
}
SETS = (*FILES, "csv", "synthetic")


def load(name, folder, split=1, subset="train"):
    """The table of a data set and the paths of its videos, {name: path}; videos that are missing have none.

    Args:
        name: One of `SETS`. "csv" reads `train.csv` and `test.csv` (columns video, frame, label, x1, y1, x2, y2);
            "synthetic" writes itself into the folder if that is empty.
        folder: Holds the ground truth and, in any folders below, the videos or folders of frames.
    """
    folder = Path(folder)
    if name == "synthetic" and not (folder / "test.csv").is_file():
        write_synthetic(folder)
    if not folder.is_dir():
        raise MissingFile(f"{folder}: no such folder")
    if name in FILES:
        table = ground_truth(_first(folder, FILES[name]), split=split, subset=subset)
    elif name in SETS:
        table = ground_truth(_first(folder, [f"{subset}.csv"]))
    else:
        raise InputError(f"no data set is called {name!r}; there are: {', '.join(SETS)}")
    return table, locate(folder, table.videos)


def write_synthetic(folder, clips=(24, 6), frames=16, size=64):
    """The synthetic set with exact boxes: `train` and `test`, a number of videos of each class."""
    for part, count, seed in zip(("train", "test"), clips, (0, 1)):
        write_dataset(Path(folder) / part, count, frames, size, seed)
        lines = (Path(folder) / part / "boxes.csv").read_text().splitlines()
        rows = ["video" + lines[0].removeprefix("path"), *(f"{part}/{line}" for line in lines[1:])]
        write_whole(Path(folder) / f"{part}.csv", "\n".join(rows) + "\n")


def locate(folder, names):
    """Where the videos of some names are, {name: path}: files, or folders of frames, anywhere below a folder.

    A name is a path below the folder, or `Class/video` without the folders above and the ending.

    >>> import tempfile
    >>> root = Path(tempfile.mkdtemp())
    >>> (root / "Frames" / "run" / "a").mkdir(parents=True)
    >>> _ = (root / "Frames" / "run" / "a" / "00001.png").write_bytes(b"")
    >>> locate(root, ["run/a", "run/b"])["run/a"].endswith("a"), len(locate(root, ["run/a", "run/b"]))
    (True, 1)
    """
    folder = Path(folder)
    paths = {name: str(folder / name) for name in names if (folder / name).exists()}
    if len(paths) == len(names):
        return paths
    below = {}
    for path in map(Path, sorted(videos_below(folder))):
        name = path if path.is_dir() else path.with_suffix("")
        below.setdefault("/".join(name.parts[-2:]), str(path))
    short = {name: "/".join(Path(name).parts[-2:]) for name in names if name not in paths}
    return paths | {name: below[key] for name, key in short.items() if key in below}


def _first(folder, files):
    for file in files:
        path = next(iter([folder / file] if (folder / file).exists() else sorted(folder.rglob(file))), None)
        if path:
            return path
    raise MissingFile(f"{folder}: holds no {', '.join(files)}")
