"""Videos with their labels, as figures are made of them: one file, a folder with a folder for each class, or a CSV."""

from pathlib import Path

from keras_vid.utils.errors import InputError, MissingFile
from keras_vid.utils.files import read_rows
from keras_vid.video.finding import videos_below

# S3D's ten action groups (its footnote 6): how the names of Something-Something's classes begin
ACTION_GROUPS = {
    "dropping": "0 dropping",
    "moving something from right to left": "1 moving right to left",
    "moving something from left to right": "2 moving left to right",
    "picking": "3 picking",
    "putting": "4 putting",
    "poking": "5 poking",
    "tearing": "6 tearing",
    "pouring": "7 pouring",
    "holding": "8 holding",
    "showing": "9 showing",
}
OTHER = "other"


def labelled_videos(source) -> list[tuple[str, str | None]]:
    """[(path, label)]: the label is a CSV's column `label`, or the name of a video's folder; None of a single video.

    >>> labelled_videos("nowhere")
    Traceback (most recent call last):
    ...
    keras_vid.utils.errors.MissingFile: nowhere: no such file or folder
    """
    source = Path(source)
    if not source.exists():
        raise MissingFile(f"{source}: no such file or folder")
    if source.suffix.lower() == ".csv":
        return _of_table(source)
    if source.is_file():
        return [(str(source), None)]
    videos = sorted(videos_below(source))
    if not videos:
        raise MissingFile(f"{source}: no videos below this folder")
    if videos == [str(source)]:
        return [(str(source), None)]
    return [(path, Path(path).parent.name if Path(path).parent != source else None) for path in videos]


def _of_table(path):
    rows = read_rows(path)
    if not rows or not {"path", "label"} <= set(rows[0]):
        raise InputError(f"{path}: wants a header with the columns path and label, and videos below it")
    return [(str(path.parent / row["path"]), row["label"]) for row in rows]


def action_group(label) -> str:
    """The group of S3D's Fig. 7 that a class of Something-Something belongs to.

    >>> action_group("Putting [something] onto [something]"), action_group("Moving [something] from left to right")
    ('4 putting', '2 moving left to right')
    """
    name = label.lower().replace("[", "").replace("]", "")
    return next((group for start, group in ACTION_GROUPS.items() if name.startswith(start)), OTHER)


def grouped(labels):
    """The labels; or, where they are Something-Something's, their action groups.

    >>> grouped(["run", "jump"])
    ['run', 'jump']
    """
    something = sum("something" in label.lower() for label in labels)
    return [action_group(label) for label in labels] if something > len(labels) / 2 else list(labels)
