"""What the arguments of a command name: files, folders, patterns, lists and addresses, told apart by their content."""

import csv
import glob
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from keras_vid.utils.errors import InputError, MissingFile
from keras_vid.video.finding import PICTURE_SUFFIXES, VIDEO_SUFFIXES
from keras_vid.video.live import is_live

HEADERS = ("path", "video", "file")  # names of the column of a list that holds the videos
# The first bytes of files, and how many bytes come before them: of containers of video, and of pictures
VIDEO_STARTS = (
    (4, b"ftyp moov mdat free wide skip".split()),
    (0, [b"\x1a\x45\xdf\xa3", b"FLV", b"OggS", b"\x00\x00\x01\xba", b"\x00\x00\x01\xb3", b"GIF8", b"YUV4MPEG2"]),
    (0, [b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", b"\x00\x00\x00\x01\x67"]),
    (8, [b"AVI "]),
)
PICTURE_STARTS = ((0, [b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"BM"]), (8, [b"WEBP"]))


@dataclass(frozen=True)
class Found:
    """What one argument names.

    Attributes:
        name: The argument.
        kind: In words: "video", "folder of videos", "pictures of one video", "pattern", "list", "address" or "missing".
        videos: The path or address of each video, in order.
        others: How many files of a folder are neither videos nor pictures of one.
    """

    name: str
    kind: str
    videos: tuple[str, ...]
    others: int = 0


def find_videos(names) -> list[Found]:
    """What each of the names is, and the videos in it.

    >>> [found.kind for found in find_videos(["https://example.org/clip.mp4", "no/such/clip.mp4"])]
    ['address', 'missing']
    """
    return [_find(str(name)) for name in names]


def _find(name):
    path = Path(name)
    if is_live(name):
        return Found(name, "address", (name,))
    if path.is_dir():
        return _find_in_folder(name)
    if path.exists():
        return _find_in_list(name) if is_list(path) else Found(name, "video", (name,))
    if any(mark in name for mark in "*?["):
        matches = [_find(match) for match in sorted(glob.glob(name, recursive=True), key=by_number)]
        if not matches:
            raise MissingFile(f"{name}: nothing matches this pattern")
        videos = tuple(video for found in matches for video in found.videos)
        return Found(name, "pattern", videos, sum(found.others for found in matches))
    return Found(name, "missing", (name,))


def _find_in_folder(name):
    videos, others = [], 0
    for folder, folders, files in os.walk(name):
        folders[:] = sorted((f for f in folders if not f.startswith(".")), key=by_number)
        paths = [os.path.join(folder, f) for f in sorted(files, key=by_number) if not f.startswith(".")]
        pictures = [path for path in paths if Path(path).suffix.lower() in PICTURE_SUFFIXES]
        moving = [path for path in paths if path not in pictures and is_video(path)]
        if pictures and not moving:
            moving, pictures = [folder], []
            others += sum(Path(path).suffix.lower() not in PICTURE_SUFFIXES for path in paths)
        else:
            others += len(paths) - len(moving)
        videos += moving
    if not videos:
        raise InputError(f"{name}: no videos and no pictures in this folder")
    return Found(name, "pictures of one video" if videos == [name] else "folder of videos", tuple(videos), others)


def _find_in_list(name):
    videos = tuple(beside(name, video) for _, video in rows(name))
    if not videos:
        raise InputError(f"{name}: no videos in this list")
    return Found(name, "list", videos)


def refuse_live(name):
    """Say that what has no end has no one label, and what to do instead."""
    scheme = name.split("://")[0] if "://" in name else ""
    if is_live(name) and scheme not in ("http", "https", "file"):
        raise InputError(f"{name} is live and has no end: use keras-vid stream, or keras-vid timeline")


def check_streamable(name):
    """Refuse, before a network is loaded, what is not one video: nothing there, a folder of videos, a list."""
    found = _find(name)
    if found.kind == "missing":
        raise MissingFile(f"{name}: no such file or folder")
    if found.kind not in ("video", "address", "pictures of one video"):
        raise InputError(f"{name} is a {found.kind}: give one video")


def is_video(path):
    """Whether a file is a video by its first bytes, or claims to be one by its name."""
    return Path(path).suffix.lower() in VIDEO_SUFFIXES or _starts(_head(path), VIDEO_STARTS)


def is_list(path):
    """Whether a file is text, and does not claim to be a video or a picture by its name."""
    head = _head(path, 4096)
    if not head or Path(path).suffix.lower() in VIDEO_SUFFIXES | PICTURE_SUFFIXES:
        return False
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 3:  # a letter may be cut at the end
            return False
    return b"\0" not in head and not _starts(head, VIDEO_STARTS) and not _starts(head, PICTURE_STARTS)


def _head(path, length=16):
    if not os.path.isfile(path):
        return b""
    with open(path, "rb") as file:
        return file.read(length)


def _starts(head, table):
    return any(head[offset:].startswith(start) for offset, starts in table for start in starts)


def by_number(name):
    """A key to sort names by, in which numbers count as numbers: clip 10 follows clip 9."""
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", str(name))]


def rows(path, offset=0) -> Iterator[tuple[int, str]]:
    """Yield (where the next row begins, the video as the list names it), from a byte offset on.

    A `.txt` file has a video a line. Every other list is CSV: the videos are in the column that its first line calls
    `path`, `video` or `file`, or else in the first column.
    """
    plain = Path(path).suffix.lower() == ".txt"
    try:
        file = open(path, "rb")
    except IsADirectoryError as error:
        raise InputError(f"{path} is a folder, not a list") from error
    with file:
        first = _cells(path, file.readline(), 0, plain)
        names = [cell.strip().lower() for cell in first]
        column = next((names.index(name) for name in HEADERS if name in names), None)
        header, column = column is not None, column or 0
        file.seek(offset)
        for line in file:
            cells, is_first = _cells(path, line, offset, plain), offset == 0
            offset += len(line)
            video = cells[column].strip() if len(cells) > column else ""
            if video and not (is_first and header):
                yield offset, video


def _cells(path, line, offset, plain):
    try:
        text = line.decode("utf-8" if offset else "utf-8-sig")
        return [text.strip()] if plain else next(csv.reader([text]), [])
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: the line at byte {offset} is not CSV ({error})") from error


def groups_in_list(path) -> list[tuple[str, str]]:
    """[(video, its source)] of the rows of a CSV file that say so in the column `group`.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "clips.csv"
    >>> _ = path.write_text("path,label,group\\na.mp4,run,camera 1\\nb.mp4,run,\\n")
    >>> [(Path(video).name, group) for video, group in groups_in_list(path)]
    [('a.mp4', 'camera 1')]
    """
    if Path(path).suffix.lower() == ".txt":
        return []
    with open(path, newline="", encoding="utf-8-sig") as file:
        table = [[cell.strip() for cell in row] for row in csv.reader(file) if row]
    names = [name.lower() for name in table[0]]
    column = next((names.index(name) for name in HEADERS if name in names), None)
    if column is None or "group" not in names:
        return []
    pairs = [(row[column], row[names.index("group")]) for row in table[1:] if len(row) == len(names)]
    return [(beside(path, video), group) for video, group in pairs if group]


def beside(path, video):
    """The video of a list: an address as it is, a path relative to the list's folder."""
    return video if "://" in video else str(Path(path).parent / video)
