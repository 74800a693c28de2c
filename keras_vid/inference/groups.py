"""Which clips come from one source (a video, a person, a camera), as far as lists and file names tell.

Every clip has a group. It is the one that the data names (the column `group`), else what its file name tells of the
video that it was cut from (UCF101, HMDB51, Kinetics), else the file itself. Segments of one file are always in one
group.
"""

import re
from pathlib import Path

import numpy as np

TWO_WORDS = "brush_hair climb_stairs draw_sword fall_floor flic_flac kick_ball ride_bike ride_horse shake_hands "
TWO_WORDS += "shoot_ball shoot_bow shoot_gun swing_baseball sword_exercise"  # of HMDB51's classes
HMDB51 = rf"(.+?)_(?:{TWO_WORDS.replace(' ', '|')}|[a-z]+)_[fhlu]_[cn]m_np\d_(?:fr|le|ri|ba)_(?:goo|med|bad)_\d+"
SOURCES = (
    re.compile(r"(.+_g\d+)_c\d+"),  # UCF101: v_Archery_g01_c03
    re.compile(HMDB51),  # April_09_brush_hair_u_nm_np1_ba_goo_0
    re.compile(r"(.+)_\d{6}_\d{6}"),  # Kinetics: the id of a video, and seconds
)


def source_of(path: str) -> str:
    """The video that a clip was cut from, as far as its file name tells it; else the path itself.

    >>> source_of("Archery/v_Archery_g01_c03.avi"), source_of("abseiling/3E7Jib8Yq5M_000118_000128.mp4")
    ('v_Archery_g01', '3E7Jib8Yq5M')
    >>> source_of("a/holiday.mp4")
    'a/holiday.mp4'
    """
    stem = Path(path).stem
    return next((found[1] for pattern in SOURCES if (found := pattern.fullmatch(stem))), str(path))


def groups_of(items) -> np.ndarray:
    """The name of each clip's group. Groups that share a file are one.

    >>> from types import SimpleNamespace
    >>> clips = [("a.mp4", "left"), ("a.mp4", "right"), ("v_Run_g01_c01.avi", None)]
    >>> groups_of([SimpleNamespace(path=path, group=group) for path, group in clips]).tolist()
    ['right', 'right', 'v_Run_g01']
    """
    named = [item.group or source_of(item.path) for item in items]
    same = together([(("group", name), ("file", item.path)) for name, item in zip(named, items)])
    return np.array([same["group", name][1] for name in named], dtype=object)


def together(pairs):
    """{name: the name that stands for all which pairs connect}, by union and find.

    >>> sorted(together([("a", "b"), ("c", "c"), ("b", "d")]).items())
    [('a', 'a'), ('b', 'a'), ('c', 'c'), ('d', 'a')]
    """
    parent = {}

    def root(name):
        parent.setdefault(name, name)
        while parent[name] != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    for one, other in pairs:
        parent[root(other)] = root(one)
    return {name: root(name) for name in list(parent)}
