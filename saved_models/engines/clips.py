"""The clips that int8 is calibrated with, and those that judge it: whole sources on one side."""

import collections
import dataclasses
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from keras_vid.inference.groups import groups_of
from keras_vid.inference.sources import find_videos, groups_in_list
from keras_vid.utils.errors import InputError, UsageError, VideoError
from keras_vid.utils.files import read_json

FRAMES = 64  # of a clip, where a network leaves them open
VIDEOS = 96  # at most
HELD_BACK = 1 / 3  # of the clips


@dataclasses.dataclass(frozen=True)
class Clips:
    """Clips (T, H, W, C) to calibrate with and to choose by, others that judge the result, and where they came from.

    Attributes:
        sources: Of how many sources (videos, persons, cameras) the clips to calibrate with are, and those held back.
    """

    calibration: list
    held_back: list
    source: str
    sources: tuple[int, int]


def read_clips(videos, view, source) -> Clips:
    """Read up to 96 videos as a network is shown them; about a third, of other sources than the rest, is held back.

    Videos that cannot be read are left out.

    Args:
        videos: {path: name of its source}.
        view: The `ClipView` of the network.
        source: Where they came from, as errors and metadata.json say it.
    """
    paths = list(videos)
    paths = [paths[i] for i in np.linspace(0, len(paths) - 1, min(len(paths), VIDEOS)).round().astype(int)]
    clips, unread = {}, []
    for path in paths:
        try:
            clips[path] = read_clip(path, view)
        except VideoError as error:
            unread.append(str(error))
    if unread:
        print(f"{len(unread)} of {len(paths)} videos were left out, such as {unread[0]}", file=sys.stderr)
    if len(clips) < 6:
        raise InputError(f"{source}: int8 wants at least 6 videos to calibrate with, and {len(clips)} could be read")
    groups = [videos[path] for path in clips]
    held = held_back(groups)
    if not held:
        raise InputError(
            f"{source}: all videos come from one source, {groups[0]!r}, and int8 is judged by clips of another one"
        )
    parts = [[clip for clip, group in zip(clips.values(), groups) if (group in held) == side] for side in (False, True)]
    return Clips(*parts, source, (len(set(groups)) - len(held), len(held)))


def read_clip(path, view):
    """One video as a network is shown it: 64 frames where it leaves them open, or all where there are fewer."""
    if view.frames:
        return view.read(path)
    try:
        return view.read(path, FRAMES)
    except VideoError:
        return view.read(path)


def held_back(groups) -> set:
    """The groups that judge: large ones are dealt out first, so that about a third of the clips is held back.

    >>> sorted(held_back("abcdef")), sorted(held_back("aaaabbc")), held_back("aaaa")
    (['b', 'e'], ['b'], set())
    """
    seen, held = 0, {}
    for group, count in collections.Counter(groups).most_common():
        seen += count
        if seen > count and seen * HELD_BACK - sum(held.values()) >= count / 2:
            held[group] = count
    return set(held)


def videos_in(source) -> dict[str, str]:
    """{path: name of its source} of a folder, or of a list of videos (the columns `path` and `group` of a CSV file)."""
    found = find_videos([str(source)])
    named = groups_in_list(source) if found[0].kind == "list" else []
    others = dict.fromkeys(video for each in found for video in each.videos)
    return _sources([*named, *((video, None) for video in others.keys() - dict(named).keys())])


def videos_of_run(source) -> dict[str, str]:
    """{path: name of its source} of the videos that a run folder was trained on."""
    path = Path(source) / "args.json"
    videos = read_json(path).get("training_videos") if path.is_file() else None
    if not videos or not isinstance(videos, dict):
        raise UsageError(
            f"{source} does not name videos that it was trained on: --precision int8 wants --calibrate DATA"
        )
    return _sources(videos.items())


def _sources(pairs):
    items = [SimpleNamespace(path=path, group=group) for path, group in pairs]
    return {path: group for path, group in sorted(zip((item.path for item in items), map(str, groups_of(items))))}
