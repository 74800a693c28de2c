"""Videos that are not files: folders of JPEG or PNG frames, folders of optical flow, and arrays."""

import re
import warnings
from pathlib import Path

import numpy as np
from PIL import Image

from keras_vid.utils.errors import VideoError
from keras_vid.video.finding import PICTURE_SUFFIXES
from keras_vid.video.scale import resize, resized

FLOW = ("flow_x_", "flow_y_")  # how the names of the two components begin, which keras-vid flow writes
LARGEST = 64_000_000  # pixels of a picture that is decoded; a frame of 8K video has 33 million
UNREADABLE = (OSError, SyntaxError, ValueError, Image.DecompressionBombError, Image.DecompressionBombWarning)
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)  # too large a picture is refused below


def frame_files(folder):
    """The image files of a folder in frame order: numbers count as numbers, so frame 10 follows frame 9."""
    files = _picture_files(folder)
    if not files:
        raise VideoError(f"{folder}: no JPEG or PNG frames in this folder")
    if files[0].name.startswith(FLOW):
        raise VideoError(
            f"{folder} holds optical flow (flow_x_*, flow_y_*), not RGB frames: --modality flow trains, "
            "evaluates and runs networks that read it"
        )
    return files


def _picture_files(folder):
    files = [f for f in Path(folder).iterdir() if f.suffix.lower() in PICTURE_SUFFIXES and not f.name.startswith(".")]
    return sorted(files, key=lambda f: [int(p) if p.isdigit() else p for p in re.split(r"(\d+)", f.name)])


def flow_files(folder):
    """[(file of x, file of y)] of a folder that `keras-vid flow` wrote, in order."""
    if not Path(folder).exists():
        raise VideoError(f"{folder}: no such file or folder")
    files = _picture_files(folder) if Path(folder).is_dir() else []
    pairs = [(f, f.with_name(f.name.replace(*FLOW))) for f in files if f.name.startswith(FLOW[0])]
    if not pairs:
        raise VideoError(
            f"{folder} is not a folder of optical flow (flow_x_*, flow_y_*), which this network reads: keras-vid flow "
            "makes one of a video"
        )
    return pairs


def count_flow(folder, fields=1):
    """How many stacks of neighbouring flow fields a folder has: of T fields T - `fields` + 1, at least one."""
    return max(len(flow_files(folder)) - fields + 1, 1)


def read_flow(folder, indices=None, size=None, fields=1):
    """A clip of stored flow: uint8 (T, H, W, 2 `fields`), for a network with so many channels.

    Args:
        indices: As of keras_vid.video.read.
        size: The short side, or (height, width); None keeps the size. The values of flow stay what they are.
        fields: Neighbouring fields that are stacked, x before y and the first field first, as in TSN: frame i has the
            fields i, i + 1, ...; where a video has too few, its last field again.
    """
    pairs = flow_files(folder)
    order = wanted(indices, max(len(pairs) - fields + 1, 1), folder)
    stacks = {i: [min(i + j, len(pairs) - 1) for j in range(fields)] for i in set(order)}
    planes = {
        n: [_plane(path, size) for path in pairs[n]] for n in sorted({n for stack in stacks.values() for n in stack})
    }
    pictures = {i: np.stack([plane for n in stack for plane in planes[n]], axis=-1) for i, stack in stacks.items()}
    return np.stack([pictures[i] for i in order])


def _plane(path, size):
    """One component of flow, (H, W)."""
    return _resized_plane(open_image(path, "L"), size)


def _resized_plane(image, size):
    height, width = resized(image.height, image.width, size)
    return np.asarray(image.resize((width, height), Image.BILINEAR) if image.size != (width, height) else image)


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


def read_array(array, indices, size, channels=3):
    """The frames of a uint8 array (T, H, W, 3), or of another number of channels: stored flow."""
    if array.ndim != 4 or array.shape[-1] != channels or array.dtype != np.uint8:
        raise VideoError(f"an array of frames is (T, H, W, {channels}) uint8, not {array.shape} {array.dtype}")
    scale = resize if channels == 3 else _resize_flow
    return np.stack([scale(array[i], size) for i in wanted(indices, len(array), "array")])


def _resize_flow(picture, size):
    planes = [_resized_plane(Image.fromarray(plane), size) for plane in np.moveaxis(picture, -1, 0)]
    return np.stack(planes, axis=-1)


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
