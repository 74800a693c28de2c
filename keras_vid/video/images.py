"""Videos that are not files: folders of JPEG or PNG frames, and arrays."""

import re
import warnings
from pathlib import Path

import numpy as np
from PIL import Image

from keras_vid.utils.errors import VideoError
from keras_vid.video.finding import PICTURE_SUFFIXES
from keras_vid.video.scale import resize

LARGEST = 64_000_000  # pixels of a picture that is decoded; a frame of 8K video has 33 million
UNREADABLE = (OSError, SyntaxError, ValueError, Image.DecompressionBombError, Image.DecompressionBombWarning)
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)  # too large a picture is refused below


def frame_files(folder):
    """The image files of a folder in frame order: numbers count as numbers, so frame 10 follows frame 9."""
    files = [f for f in Path(folder).iterdir() if f.suffix.lower() in PICTURE_SUFFIXES and not f.name.startswith(".")]
    if not files:
        raise VideoError(f"{folder}: no JPEG or PNG frames in this folder")
    return sorted(files, key=lambda f: [int(p) if p.isdigit() else p for p in re.split(r"(\d+)", f.name)])


def read_image(path):
    """One image file as (H, W, 3) uint8 RGB."""
    return np.asarray(open_image(path, "RGB"))


def open_image(path, mode):
    """One image file as a Pillow image of a mode, decoded. Whatever its header claims, a picture too large is refused.

    The one place where files of pictures are opened.
    """
    try:
        with Image.open(path) as image:
            width, height = image.size
            if width * height > LARGEST:
                raise ValueError(f"it claims {width} x {height} pixels; {LARGEST // 10**6} million are the most")
            return image.convert(mode)
    except UNREADABLE as error:
        raise VideoError(f"{path}: not a readable image ({error})") from error


def read_folder(folder, indices, size):
    """The frames of an image folder; each file is read once however often it is asked for."""
    files = frame_files(folder)
    order = wanted(indices, len(files), folder)
    images = {i: resize(read_image(files[i]), size) for i in sorted(set(order))}
    shapes = {image.shape for image in images.values()}
    if len(shapes) > 1:
        raise VideoError(f"{folder}: frames of different sizes {sorted(shapes)}: give size=(height, width)")
    return np.stack([images[i] for i in order])


def read_array(array, indices, size):
    """The frames of a (T, H, W, 3) uint8 array."""
    if array.ndim != 4 or array.shape[-1] != 3 or array.dtype != np.uint8:
        raise VideoError(f"an array of frames is (T, H, W, 3) uint8, not {array.shape} {array.dtype}")
    return np.stack([resize(array[i], size) for i in wanted(indices, len(array), "array")])


def wanted(indices, count, name):
    """The list of frame numbers asked for, each checked against the number of frames there are."""
    if callable(indices):
        indices = indices(count)
    order = list(range(count)) if indices is None else [int(i) for i in indices]
    if not order:
        raise VideoError(f"{name}: no frames asked for" if count else f"{name}: no frames")
    bad = [i for i in order if not 0 <= i < count]
    if bad:
        raise VideoError(f"{name}: frame {bad[0]} asked for, but {count} decode")
    return order
