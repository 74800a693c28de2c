"""One way in for every kind of video: a file, a folder of images, or an array."""

from pathlib import Path

import numpy as np

from keras_vid.video import decode, images


def read(source, indices=None, size=None):
    """Frames of a video as uint8 RGB (T, H, W, 3).

    Args:
        source: A path (any container PyAV reads, GIF too), a folder of JPEG or PNG frames, or an array.
        indices: 0-based frame numbers in any order, repeats allowed; None reads all.
        size: The short side, or (height, width); None keeps the size.

    >>> read(np.zeros((8, 48, 64, 3), np.uint8), indices=[0, 7, 7], size=24).shape
    (3, 24, 32, 3)
    """
    if isinstance(source, np.ndarray):
        return images.read_array(source, indices, size)
    if Path(source).is_dir():
        return images.read_folder(source, indices, size)
    return decode.read_file(source, indices, size)


def count_frames(source):
    """How many frames there are, by counting them: the header is never trusted.

    >>> count_frames(np.zeros((8, 48, 64, 3), np.uint8))
    8
    """
    if isinstance(source, np.ndarray):
        return len(source)
    if Path(source).is_dir():
        return len(images.frame_files(source))
    return decode.count_file(source)


def probe(source):
    """Frames, frames per second, upright height and width, and the rotation that was undone.

    >>> probe(np.zeros((8, 48, 64, 3), np.uint8))
    {'frames': 8, 'fps': None, 'height': 48, 'width': 64, 'rotation': 0}
    """
    if isinstance(source, np.ndarray):
        return {"frames": len(source), "fps": None, "height": source.shape[1], "width": source.shape[2], "rotation": 0}
    if Path(source).is_dir():
        files = images.frame_files(source)
        height, width = images.read_image(files[0]).shape[:2]
        return {"frames": len(files), "fps": None, "height": height, "width": width, "rotation": 0}
    return decode.probe_file(source)
