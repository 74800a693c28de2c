"""Frames one after another, with their seconds, from anything that shows them: also from what never ends.

Only one frame is held at a time. What is not a plain file (an address, a camera, a pipe) is read as it comes: a damaged
packet costs its own pictures, not the rest.
"""

import stat
from pathlib import Path

import av
import numpy as np

from keras_vid.utils.errors import InputError, VideoError
from keras_vid.video import decode, images, reading
from keras_vid.video.scale import Scaler, resize

PATIENCE = (10.0, 30.0)  # seconds to open an address, and between two of its packets


def frames(source, size=None, fps=25, rate=None, every=1):
    """Yield (seconds since the first frame, (H, W, 3) uint8 RGB) in the order of the video.

    Args:
        source: A file, a folder of images, an array, an iterator of (H, W, 3) uint8 frames, an address such as
            `rtsp://...`, a camera such as `/dev/video0`, a named pipe, or `-` for standard input.
        size: As in `keras_vid.video.read`.
        fps: Frames per second of what has no clock: folders, arrays, iterators.
        rate: Frames per second to yield of what has a clock, each the one on screen then (`sample.at_fps_times`); None:
            every frame as it comes.
        every: Yield only every `every`-th of them.

    >>> [seconds for seconds, _ in frames(np.zeros((3, 48, 64, 3), np.uint8), fps=10)]
    [0.0, 0.1, 0.2]
    """
    if not fps > 0:
        raise InputError(f"frames per second must be positive, not {fps}")
    pictures = _without_clock(source)
    if pictures is not None:
        for number, picture in enumerate(pictures):
            if number % every == 0:
                yield number / fps, resize(_checked(picture), size)
        return
    name, decoded = decode.name_of(source), _decoded(source)
    scaler, timed = None, _timed(decoded, fps)
    for number, (seconds, frame) in enumerate(at_rate(timed, rate) if rate else timed):
        scaler = scaler or Scaler(size, frame.rotation)
        if number % every == 0:
            yield seconds, scaler(frame)
    if scaler is None:
        raise VideoError(f"{name}: no frame decodes")


def at_rate(timed, rate):
    """Of (seconds, frame), the frame on screen at each tick of a clock with `rate` ticks a second.

    >>> list(at_rate([(0.0, "a"), (0.1, "b"), (0.5, "c")], rate=5))
    [(0.0, 'a'), (0.2, 'b'), (0.4, 'b')]
    """
    tick, shown = 0, None
    for seconds, frame in timed:
        while shown is not None and tick / rate + 1e-6 < seconds:
            yield tick / rate, shown
            tick += 1
        shown, last = frame, seconds
    while shown is not None and tick / rate <= last + 1e-6:
        yield tick / rate, shown
        tick += 1


def _without_clock(source):
    """The pictures of a source without timestamps, or None."""
    if isinstance(source, np.ndarray):
        if source.ndim != 4 or not len(source):
            raise VideoError(f"an array of frames is (T, H, W, 3) uint8, not {source.shape}")
        return iter(source)
    if hasattr(source, "__next__") and not hasattr(source, "read"):
        return source
    if source != "-" and reading.is_folder(source):
        return map(images.read_image, images.frame_files(source))
    return None


def _checked(picture):
    shape, dtype = getattr(picture, "shape", None), getattr(picture, "dtype", None)
    if shape is None or len(shape) != 3 or shape[2] != 3 or dtype != np.uint8:
        raise VideoError(f"a frame is (H, W, 3) uint8, not {shape} {dtype}")
    return picture


def _decoded(source):
    """PyAV's frames. Of a file, those before any damage, as everywhere; of what is live, all that can be had."""
    if isinstance(source, bytes) or hasattr(source, "read") or not is_live(source):
        return decode.up_to_damage(source)
    return _decoded_live(*_open(str(source)))


def is_live(source):
    """Whether a name is that of standard input, an address, a camera or a pipe, rather than of a file.

    >>> is_live("-"), is_live("rtsp://camera/1"), is_live("missing.mp4")
    (True, True, False)
    """
    if str(source) == "-" or "://" in str(source):
        return True
    path = Path(source)
    return path.exists() and (path.is_fifo() or path.is_char_device())


def seconds_of(source):
    """About how long a file is by its header, without decoding; None of what is live or does not say.

    >>> seconds_of("-") is None
    True
    """
    if is_live(source) or reading.is_folder(source):
        return None
    container, _ = decode.open_video(source)
    with container:
        return container.duration / av.time_base if container.duration else None


def _open(name):
    camera = "://" not in name and name != "-" and stat.S_ISCHR(Path(name).stat().st_mode)
    waits = {"timeout": PATIENCE} if "://" in name else {}
    try:
        container = av.open("pipe:0" if name == "-" else name, format="v4l2" if camera else None, **waits)
    except (av.FFmpegError, OSError, ValueError, RuntimeError) as error:
        raise VideoError(f"{name}: no video comes from here ({getattr(error, 'strerror', None) or error})") from error
    return container, decode.first_video(container, name), name


def _decoded_live(container, stream, name):
    with container:
        packets = container.demux(stream)
        while True:
            try:
                packet = next(packets, None)
            except (av.FFmpegError, ValueError, RuntimeError) as error:
                raise VideoError(f"{name}: the stream broke off ({error})") from error
            if packet is None:
                return
            try:
                pictures = stream.codec_context.decode(packet)
            except (av.FFmpegError, ValueError, RuntimeError):
                continue  # the next packets may be whole
            yield from (picture for picture in pictures if not picture.is_corrupt)


def _timed(decoded, fps):
    """Seconds that always grow: a clock that is missing, or jumps back (a recording that starts over), is bridged."""
    start = last = None
    step = 1 / fps
    for frame in decoded:
        clock = frame.time
        if last is None:
            start, seconds = clock, 0.0
        else:
            seconds = last + step if clock is None or start is None else clock - start
            if seconds <= last:
                seconds = last + step
                start = clock if clock is None else clock - seconds
            elif clock is not None:
                step = seconds - last
        last = seconds
        yield seconds, frame
