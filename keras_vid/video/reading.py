"""One way in for every kind of video: a file, a folder of images or of optical flow, or an array."""

from pathlib import Path

import numpy as np

from keras_vid.utils.errors import VideoError
from keras_vid.video import decode, h264, images
from keras_vid.video.scale import Scaler


def read(source, indices=None, size=None, threads=None, channels=3):
    """Frames of a video as uint8 RGB (T, H, W, 3), upright whatever the rotation in the metadata.

    Args:
        source: A path (any container PyAV reads, GIF too), the bytes of a file, an open binary file, a folder of JPEG
            or PNG frames, or an array.
        indices: 0-based frame numbers in any order, repeats allowed; or a function from the number of frames to
            such numbers (keras_vid.video.sample has them); None reads all.
        size: The short side, or (height, width); None keeps the size.
        threads: Of the decoder. None: all cores, best for one file; 1 is best for many files read in parallel.
        channels: 3 for RGB; 2 for optical flow as `keras-vid flow` stores it in folders, x and y, (T, H, W, 2) around
            127.5; 2 N for stacks of N neighbouring fields.

    A file with a damaged tail has the frames before the damage: None reads those, a later number is a VideoError.

    >>> read(np.zeros((8, 48, 64, 3), np.uint8), indices=[0, 7, 7], size=24).shape
    (3, 24, 32, 3)
    """
    if isinstance(source, np.ndarray):
        return images.read_array(source, indices, size, channels)
    if channels != 3:
        return images.read_flow(source, indices, size, channels // 2)
    if is_folder(source):
        return images.read_folder(source, indices, size)
    return _read_file(source, indices, size, threads)


def _read_file(source, indices, size, threads=None):
    """See keras_vid.video.read. Trouble on a fast path is settled by decoding in order on one thread."""
    if indices is not None and not callable(indices):
        indices = [int(i) for i in indices]
        if not indices or min(indices) < 0:
            images.wanted(indices, max(indices, default=0) + 1, decode.name_of(source))
    try:
        if indices is None:
            return decode.read_all(source, size, decode.in_order(source, threads))
        pictures = h264.read_skipping(source, indices, size, threads)
        if pictures is not None:
            return pictures
        order = indices(decode.count_file(source)) if callable(indices) else indices
        return decode.read_in_order(source, order, size, decode.in_order(source, threads))
    except decode.Damage:
        pass
    if indices is None:
        return decode.read_all(source, size, decode.up_to_damage(source))
    order = indices(decode.count_file(source)) if callable(indices) else indices
    return decode.read_in_order(source, order, size, decode.up_to_damage(source))


def count_frames(source, channels=3):
    """How many frames there are, by decoding them: the header is never trusted.

    >>> count_frames(np.zeros((8, 48, 64, 3), np.uint8))
    8
    """
    if isinstance(source, np.ndarray):
        return len(source)
    if channels != 3:
        return images.count_flow(source, channels // 2)
    if is_folder(source):
        return len(images.frame_files(source))
    return decode.count_file(source)


def count_to_damage(source, channels=3):
    """(frames that decode, frames that the header claims), the second None where nothing is damaged.

    >>> count_to_damage(np.zeros((8, 48, 64, 3), np.uint8))
    (8, None)
    """
    if isinstance(source, np.ndarray) or channels != 3 or is_folder(source):
        return count_frames(source, channels), None
    return decode.count_to_damage(source)


def frame_rate(source):
    """The nominal frames per second, which costs no decoding; None where there is no clock.

    >>> frame_rate(np.zeros((8, 48, 64, 3), np.uint8)) is None
    True
    """
    if isinstance(source, np.ndarray) or is_folder(source):
        return None
    container, stream = decode.open_video(source)
    with container:
        return decode.nominal_rate(stream) or None


def probe(source):
    """Frames, frames per second, upright height and width, the rotation that was undone, the seconds of each frame.

    `fps` is the nominal rate; `times` also describes a variable frame rate. Both are None where there is no clock.
    `claimed` is the number of frames that the header of a damaged file claims, None of a whole one.

    >>> probe(np.zeros((8, 48, 64, 3), np.uint8))
    {'frames': 8, 'fps': None, 'height': 48, 'width': 64, 'rotation': 0, 'times': None, 'claimed': None}
    """
    if isinstance(source, np.ndarray):
        count, (height, width) = len(source), source.shape[1:3]
    elif is_folder(source):
        files = images.frame_files(source)
        count, (height, width) = len(files), images.read_image(files[0]).shape[:2]
    else:
        return _probe_file(source)
    size = {"height": height, "width": width, "rotation": 0}
    return {"frames": count, "fps": None, **size, "times": None, "claimed": None}


def frame_times(source):
    """The seconds of each frame, from the first on; None where there is no clock.

    As `probe` says, but without decoding where the file has an exact table of its packets.

    >>> frame_times(np.zeros((8, 48, 64, 3), np.uint8)) is None
    True
    """
    times = table_times(source)
    return probe(source)["times"] if times is None else times


def table_times(source):
    """The seconds of each frame, from the first on, by the file's exact table of its packets; None without one.

    >>> table_times(np.zeros((8, 48, 64, 3), np.uint8)) is None
    True
    """
    if isinstance(source, np.ndarray) or is_folder(source):
        return None
    try:
        return h264.table_times(source)
    except decode.Damage:
        return None


def _probe_file(source):
    container, stream = decode.open_video(source)
    with container:
        fps = decode.nominal_rate(stream)
        step = float(stream.time_base or 0)
        claimed = stream.frames
    first, times, damaged = None, [], False
    try:
        for frame in decode.in_order(source, threads=1):
            first = first or frame
            times.append(None if frame.pts is None else frame.pts * step)
    except decode.Damage:
        damaged = True
    if first is None:
        raise VideoError(f"{decode.name_of(source)}: no frame decodes")
    height, width = Scaler(None, first.rotation).shape(first)
    if None in times or times != sorted(set(times)):  # Xvid in AVI: times are missing or out of order
        times = [i / fps if fps else float(i) for i in range(len(times))]
    times = [t - times[0] for t in times]
    return {
        "frames": len(times),
        "fps": fps,
        "height": height,
        "width": width,
        "rotation": first.rotation,
        "times": times,
        "claimed": max(claimed, len(times)) if damaged else None,
    }


def is_folder(source):
    return not isinstance(source, bytes) and not hasattr(source, "read") and Path(source).is_dir()
