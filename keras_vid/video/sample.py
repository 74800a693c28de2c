"""Which frames of a video a model sees: pure functions from a number of frames to frame numbers.

`count` is the number of frames of the video, `rng` a numpy.random.Generator; without one the choice is the centred
one of testing. Every function returns a list of ints in [0, count), or a list of such lists for several views, so it
goes into `keras_vid.video.read(path, indices=...)`:

>>> import functools
>>> indices = functools.partial(dense, frames=64)  # a function of the number of frames
>>> indices(100)[0], indices(100)[-1]
(18, 81)
"""

import numpy as np

from keras_vid.utils.errors import InputError


def _check(count, **positive):
    for name, value in {"count": count, **positive}.items():
        if value < 1:
            raise InputError(f"{name} must be at least 1, not {value}")


def _start(room, rng):
    """A start in [0, room]: random, or the middle."""
    return room // 2 if rng is None else int(rng.integers(room + 1))


def dense(count, frames=64, stride=1, rng=None):
    """`frames` consecutive frames, every `stride`-th (S3D: 64 of stride 1). A short video starts over.

    >>> dense(10, frames=4)
    [3, 4, 5, 6]
    >>> dense(3, frames=5)
    [0, 1, 2, 0, 1]
    """
    _check(count, frames=frames, stride=stride)
    start = _start(max(count - ((frames - 1) * stride + 1), 0), rng)
    return [(start + i * stride) % count for i in range(frames)]


def everything(count, frames=None, short="loop"):
    """All frames (S3D's test). With `frames`, exactly that number: the centre of a long video; a short one starts over
    (`short="loop"`) or repeats its last frame (`short="hold"`).

    >>> everything(3)
    [0, 1, 2]
    >>> everything(3, frames=5), everything(3, frames=5, short="hold"), everything(9, frames=3)
    ([0, 1, 2, 0, 1], [0, 1, 2, 2, 2], [3, 4, 5])
    """
    _check(count, frames=count if frames is None else frames)
    if short not in ("loop", "hold"):
        raise InputError(f"short is 'loop' or 'hold', not {short!r}")
    frames = count if frames is None else frames
    start = max(count - frames, 0) // 2
    if short == "hold":
        return [min(start + i, count - 1) for i in range(frames)]
    return [(start + i) % count for i in range(frames)]


def segments(count, frames=8, rng=None):
    """One frame of each of `frames` equal parts (TSN): a random one, or the middle one.

    The rule of TSM's code. Training: parts of count // frames frames; a video with fewer frames than parts gives its
    first frame only. Testing: the middle of parts of equal real length.

    >>> segments(10, frames=4)
    [1, 3, 6, 8]
    >>> segments(3, frames=8)
    [0, 0, 0, 1, 1, 2, 2, 2]
    """
    _check(count, frames=frames)
    if rng is None:
        tick = count / frames
        return [int(tick / 2 + tick * i) for i in range(frames)]
    part = count // frames
    return [i * part + int(rng.integers(part)) if part else 0 for i in range(frames)]


def segments_spread(count, frames=8, rng=None):
    """As `segments`, but random frames of a short video still spread over it, in order.

    >>> segments_spread(3, frames=6) == segments(3, frames=6)
    True
    """
    _check(count, frames=frames)
    if rng is None or count // frames:
        return segments(count, frames, rng)
    return sorted(int(i) for i in rng.integers(count, size=frames))


def segments_twice(count, frames=8):
    """Two views for testing (TSM's twice_sample): the middles of the parts, and their beginnings.

    >>> segments_twice(10, frames=4)
    [[1, 3, 6, 8], [0, 2, 5, 7]]
    """
    tick = count / frames
    return [segments(count, frames), [int(tick * i) for i in range(frames)]]


def dense_window(count, frames=8, window=64, rng=None):
    """TSM's dense sampling: `frames` frames spread over a window of 64, wrapping around at the end.

    The start is random, or the first frame.

    >>> dense_window(100, frames=8)
    [0, 8, 16, 24, 32, 40, 48, 56]
    >>> dense_window(20, frames=4)
    [0, 16, 12, 8]
    """
    _check(count, frames=frames, window=window)
    starts = max(1, 1 + count - window)
    start = 0 if rng is None or starts == 1 else int(rng.integers(starts - 1))
    stride = max(window // frames, 1)
    return [(start + i * stride) % count for i in range(frames)]


def dense_windows(count, frames=8, views=10, window=64):
    """The windows of TSM's dense test: `views` starts spread evenly over the video.

    >>> [view[0] for view in dense_windows(91, frames=8, views=10)]
    [0, 3, 6, 9, 12, 15, 18, 21, 24, 27]
    """
    _check(count, frames=frames, views=views, window=window)
    stride = max(window // frames, 1)
    starts = np.linspace(0, max(1, 1 + count - window) - 1, num=views, dtype=int)
    return [[int(start + i * stride) % count for i in range(frames)] for start in starts]


def super_images(count, segments=7, frames=5, rng=None):
    """StNet's T x N frames: `frames` consecutive ones in each of `segments` parts, flat, wrapping around at the end.

    A part shorter than N starts at its own beginning; with fewer frames than parts, part i starts at frame i.

    >>> super_images(20, segments=2, frames=3)
    [3, 4, 5, 13, 14, 15]
    >>> super_images(3, segments=4, frames=2)
    [0, 1, 1, 2, 2, 0, 0, 1]
    """
    _check(count, segments=segments, frames=frames)
    part = count // segments
    indices = []
    for i in range(segments):
        start = i * part + _start(part - frames, rng) if part >= frames else i * part if part else i
        indices += [(start + j) % count for j in range(frames)]
    return indices


def clips(count, views=10, frames=8, stride=1, rng=None):
    """`views` clips of consecutive frames for testing: evenly spread starts, or random ones (STM: 10 random clips).

    Two clips: `views=2`. The papers' three crops of each are keras_vid's augmentation, not a choice of frames.

    >>> clips(20, views=3, frames=4)
    [[0, 1, 2, 3], [8, 9, 10, 11], [16, 17, 18, 19]]
    >>> clips(20, views=1, frames=4)
    [[8, 9, 10, 11]]
    """
    _check(count, views=views, frames=frames, stride=stride)
    room = max(count - ((frames - 1) * stride + 1), 0)
    if rng is not None:
        starts = [_start(room, rng) for _ in range(views)]
    elif views == 1:
        starts = [room // 2]
    else:
        starts = [room * i // (views - 1) for i in range(views)]
    return [[(start + i * stride) % count for i in range(frames)] for start in starts]


def segment_views(count, views=10, frames=8, rng=None):
    """`views` ways to take one frame of each part: random ones (STM's 10 clips), or evenly spread within the parts.

    >>> segment_views(20, views=2, frames=4)
    [[1, 6, 11, 16], [3, 8, 13, 18]]
    """
    _check(count, views=views, frames=frames)
    if rng is not None:
        return [segments_spread(count, frames, rng) for _ in range(views)]
    tick = count / frames
    return [[int(tick * (i + (view + 0.5) / views)) for i in range(frames)] for view in range(views)]


def windows(count, frames=64, step=None):
    """Windows that cover a long video, each `frames` long, `step` apart (None: no overlap); the last one ends with
    the video. A short video gives one window that starts over.

    >>> windows(10, frames=4)
    [[0, 1, 2, 3], [4, 5, 6, 7], [6, 7, 8, 9]]
    """
    step = frames if step is None else step
    _check(count, frames=frames, step=step)
    last = max(count - frames, 0)
    starts = list(range(0, last, step)) + [last]
    return [[(start + i) % count for i in range(frames)] for start in starts]


def at_fps(count, source_fps, fps=25):
    """The frames shown at `fps` pictures a second (I3D: 25): at each tick, the frame on screen then.

    >>> at_fps(6, source_fps=30, fps=15)
    [0, 2, 4]
    >>> at_fps(3, source_fps=10, fps=20)
    [0, 0, 1, 1, 2, 2]
    """
    _check(count)
    if not source_fps > 0 or not fps > 0:
        raise InputError(f"frame rates are positive, not {source_fps} and {fps}")
    ticks = max(1, round(count * fps / source_fps))
    return [min(int(i * source_fps / fps + 1e-6), count - 1) for i in range(ticks)]


def at_fps_times(times, fps=25):
    """As `at_fps` for variable frame rate: `times` is each frame's seconds, from `keras_vid.video.probe`.

    >>> at_fps_times([0.0, 0.1, 0.5], fps=10)
    [0, 1, 1, 1, 1, 2]
    """
    times = np.asarray(times, float)
    _check(len(times))
    if not fps > 0:
        raise InputError(f"a frame rate is positive, not {fps}")
    ticks = times[0] + np.arange(int((times[-1] - times[0]) * fps + 1e-6) + 1) / fps
    return [int(i) for i in np.searchsorted(times, ticks + 1e-6, side="right") - 1]
