"""How clips look, from one pass over their files: length, rate, size, a few tiny pictures, what is suspicious.

The tiny pictures tell near-duplicates: two clips look alike where one of five grey pictures of 16 x 16 of the one
correlates with one of the other. On 232 real surveillance clips no pair above 0.85 came from two cameras.
"""

import dataclasses
import functools
import hashlib
import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from keras_vid.training.checking.places import in_places

from keras_vid.utils.errors import InputError, VideoError
from keras_vid.utils.progress import progress
from keras_vid.video import decode, images
from keras_vid.video.reading import is_folder
from keras_vid.video.scale import Scaler, resize

SIDE, SHOWN, ALIKE = 16, 5, 0.85
KEPT = 2000  # pictures of a file that are kept at most: of a longer one, every second, fourth, ...
MOST = 20_000  # clips up to which all pairs are compared
FEW = 8  # frames, below which a clip is suspicious
STILL = 12  # grey levels by which coding alone changes a pixel at most: 8 were seen, and 36 where a far person walks


@dataclasses.dataclass(frozen=True)
class Look:
    """What one pass over a clip tells; `trouble` is what is suspicious, `error` why it cannot be read, `places` how
    many pictures of a long file were looked at that was not decoded whole."""

    frames: int = 0
    fps: float | None = None
    seconds: float | None = None
    height: int = 0
    width: int = 0
    content: str = ""
    pictures: np.ndarray | None = None
    trouble: tuple = ()
    error: str | None = None
    places: int = 0


def look_at_all(items, workers=None, decode_all=False) -> list[Look]:
    """The `Look` of each clip. A file with several segments is read once, and a long one in places, unless
    `decode_all`.

    >>> from keras_vid.training.data.datasets import Item
    >>> [look] = look_at_all([Item("missing.mp4", 0)])
    >>> look.frames, "missing.mp4" in look.error
    (0, True)
    """
    spans, scans = {}, {}
    for item in items:
        spans.setdefault(item.path, []).append((item.start, item.end))
    scan = functools.partial(_scan, decode_all=decode_all)
    with progress(len(spans)) as advance, ThreadPoolExecutor(workers or os.cpu_count()) as pool:
        for number, (path, scanned) in enumerate(zip(spans, pool.map(scan, spans, spans.values())), 1):
            scans[path] = scanned
            advance(number)
    return [_look(scans[item.path], item) for item in items]


def _scan(path, spans, decode_all):
    """One file read once: (times, picture numbers, pictures, facts), or the error."""
    try:
        times, numbers, pictures, stride, facts = [], [], [], 1, _facts(path)
        if not decode_all and not is_folder(path) and (sample := in_places(path, spans, _showing())):
            times, numbers, shown = sample
            facts |= {"size": shown[0][0], "places": len(numbers)}
            return times, numbers, np.stack([picture for _, picture in shown]), facts
        for number, (seconds, size, picture) in enumerate(_pictures(path)):
            facts["size"] = facts.get("size") or size
            times.append(seconds)
            if number % stride:
                continue
            numbers.append(number)
            pictures.append(picture)
            if len(pictures) > KEPT:
                numbers, pictures, stride = numbers[::2], pictures[::2], stride * 2
        if not times:
            raise VideoError(f"{path}: no frame decodes")
        return times, np.array(numbers), np.stack(pictures), facts
    except (ValueError, OSError, MemoryError) as error:
        return error


def _facts(path):
    """What needs no decoding: the content's checksum, the nominal rate, the header's number of frames."""
    checksum = hashlib.sha256()
    files = images.frame_files(path) if is_folder(path) else [path]
    for file in files:
        with open(file, "rb") as stream:
            for block in iter(functools.partial(stream.read, 1 << 20), b""):
                checksum.update(block)
    if is_folder(path):
        return {"content": checksum.hexdigest(), "fps": None, "declared": 0}
    container, stream = decode.open_video(path)
    with container:
        fps, declared = decode.nominal_rate(stream) or None, stream.frames
    return {"content": checksum.hexdigest(), "fps": fps, "declared": declared}


def _pictures(path):
    """(seconds, (height, width), grey picture of 2 SIDE x 2 SIDE) of each frame."""
    if is_folder(path):
        for file in images.frame_files(path):
            frame = images.read_image(file)
            yield None, frame.shape[:2], resize(frame, (2 * SIDE, 2 * SIDE)).mean(axis=-1)
        return
    first, shown = None, _showing()
    for frame in decode.up_to_damage(path):
        seconds = None if frame.pts is None else float(frame.pts * (frame.time_base or 0))
        first = seconds if first is None else first
        yield None if seconds is None else seconds - first, *shown(frame)


def _showing():
    """A function of the frames of one video: ((height, width), grey picture of 2 SIDE x 2 SIDE)."""
    scalers = {}  # by rotation, which is the same in all frames

    def shown(frame):
        scaler = scalers.setdefault(frame.rotation, Scaler((2 * SIDE, 2 * SIDE), frame.rotation))
        return Scaler(None, frame.rotation).shape(frame), scaler(frame).mean(axis=-1)

    return shown


def _look(scan, item):
    if isinstance(scan, Exception):
        return Look(error=" ".join(str(scan).split()))
    times, numbers, pictures, facts = scan
    inside = np.arange(len(times))
    if item.start is not None or item.end is not None:
        clock = times if None not in times else [i / (facts["fps"] or 25) for i in range(len(times))]
        low, high = item.start or 0, np.inf if item.end is None else item.end
        inside = np.flatnonzero([low <= time < high for time in clock])
        if not len(inside):
            return Look(error=f"{item.path}: no frame between {low:g} and {high:g} seconds")
    chosen = pictures[(numbers >= inside[0]) & (numbers <= inside[-1])]
    chosen = chosen if len(chosen) else pictures[np.searchsorted(numbers, inside[0], side="right") - 1][None]
    height, width = facts["size"]
    seconds = len(inside) / facts["fps"] if facts["fps"] else None
    spread = chosen[[(2 * i + 1) * len(chosen) // (2 * SHOWN) for i in range(SHOWN)]]
    small = spread.reshape(SHOWN, SIDE, 2, SIDE, 2).mean(axis=(2, 4))
    trouble = _trouble(len(inside), chosen)
    if item.start is None and item.end is None and len(times) < 0.95 * facts["declared"] < 1e8:
        trouble.append(f"cut off: {len(times):,} of the {facts['declared']:,} frames that its header names decode")
    return Look(
        frames=len(inside),
        fps=facts["fps"],
        seconds=seconds,
        height=height,
        width=width,
        content=facts["content"],
        pictures=small,
        trouble=tuple(trouble),
        places=facts.get("places", 0),
    )


def _trouble(frames, pictures):
    """What is suspicious of a clip's pictures."""
    trouble = []
    if frames < FEW:
        trouble.append(f"short: {frames} frames")
    if pictures.max() < 24:
        trouble.append("black: no pixel is brighter than 9 %")
    elif pictures.std(axis=(1, 2)).max() < 3:
        trouble.append("empty: every picture has one colour")
    if len(pictures) > 1 and np.ptp(pictures, axis=0).max() < STILL:  # of one picture nothing is known
        trouble.append("frozen: nothing moves")
    return trouble


def alike(looks, least: float = ALIKE) -> list[tuple[int, int, float]]:
    """(index, index, correlation) of all pairs of clips that look alike, the most alike first.

    Pictures of one colour look like nothing.

    >>> rng = np.random.default_rng(0)
    >>> one, other = rng.random((2, SHOWN, SIDE, SIDE)) * 255
    >>> [(i, j) for i, j, _ in alike([Look(pictures=one), Look(pictures=other), Look(pictures=one + 9)])]
    [(0, 2)]
    """
    known = [i for i, look in enumerate(looks) if look.pictures is not None]
    if len(known) > MOST:
        raise InputError(f"near-duplicates are looked for among up to {MOST:,} clips, not {len(known):,}")
    if not known:
        return []
    rows = np.stack([looks[i].pictures for i in known]).reshape(len(known), SHOWN, -1).astype("float32")
    rows -= rows.mean(axis=-1, keepdims=True)
    length = np.linalg.norm(rows, axis=-1, keepdims=True)
    rows = np.where(length > 3 * SIDE, rows / np.maximum(length, 1e-6), 0)
    flat, pairs, step = rows.reshape(-1, SIDE * SIDE), [], 64
    for begin in range(0, len(known), step):
        block = rows[begin : begin + step].reshape(-1, SIDE * SIDE) @ flat.T
        best = block.reshape(-1, SHOWN, len(known), SHOWN).max(axis=(1, 3))
        for i, j in zip(*np.nonzero(best > least)):
            if begin + i < j:
                pairs.append((known[begin + i], known[j], float(best[i, j])))
    return sorted(pairs, key=lambda pair: -pair[2])


def group_by_looks(dataset):
    """The clips with groups that keep together what looks alike, besides what was together before."""
    from keras_vid.inference.groups import groups_of, together

    looks = look_at_all(dataset.items)
    groups = groups_of(dataset.items)
    same = together([(name, name) for name in groups] + [(groups[i], groups[j]) for i, j, _ in alike(looks)])
    dataset.items = [item._replace(group=same[name]) for item, name in zip(dataset.items, groups)]
    dataset.notes.append(f"--group-by looks: {len(set(groups)):,} sources look like {len(set(same.values())):,}")
    return dataset
