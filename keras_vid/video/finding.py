"""Videos by their file names: the suffixes of video files and pictures, and every video below a folder."""

import os
from collections.abc import Iterator
from pathlib import Path

VIDEO_SUFFIXES = frozenset(".mp4 .avi .webm .mkv .mov .m4v .mpg .mpeg .wmv .flv .gif .3gp .ts .ogv".split())
PICTURE_SUFFIXES = frozenset(".jpg .jpeg .png .bmp .webp".split())


def videos_below(root: str | Path) -> Iterator[str]:
    """Every video file and every folder of frames below `root`. Of a folder of frames one entry is read.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> for name in ("a.mp4", "b/00001.jpg", "b/00002.jpg", "notes.txt"):
    ...     (folder / name).parent.mkdir(exist_ok=True)
    ...     (folder / name).touch()
    >>> sorted(Path(path).name for path in videos_below(folder))
    ['a.mp4', 'b']
    """
    pending, seen = [str(root)], set()
    while pending:
        folder = pending.pop()
        if (where := os.path.realpath(folder)) in seen:  # a link to a folder above
            continue
        seen.add(where)
        with os.scandir(folder) as entries:
            for entry in entries:
                suffix = os.path.splitext(entry.name)[1].lower()
                if entry.name.startswith("."):
                    continue
                if suffix in PICTURE_SUFFIXES and entry.is_file():
                    yield folder
                    break
                if entry.is_dir():
                    pending.append(entry.path)
                elif suffix in VIDEO_SUFFIXES:
                    yield entry.path
