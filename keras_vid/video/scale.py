"""From a decoded frame to upright RGB of the size asked for, in one pass of FFmpeg's scaler."""

import av
import numpy as np
from av.video.reformatter import Interpolation, VideoReformatter

from keras_vid.utils.errors import VideoError

# The mean over the area of a pixel when shrinking (no aliasing), bilinear when enlarging: the cheapest of FFmpeg's
# filters without artefacts. Bit-exact: the same result on every machine.
FILTER = Interpolation.AREA | Interpolation.BITEXACT


def resized(height, width, size):
    """The height and width after `size`: None keeps them, a number is the short side, a pair is both.

    >>> resized(240, 320, 120)
    (120, 160)
    >>> resized(240, 320, (256, 340))
    (256, 340)
    """
    if size is None:
        return height, width
    if np.ndim(size) == 0:
        short = min(height, width)
        return max(1, round(height * int(size) / short)), max(1, round(width * int(size) / short))
    height, width = size
    return int(height), int(width)


class Scaler:
    """Turns PyAV frames into uint8 RGB arrays. One for each video: FFmpeg keeps its tables inside.

    Args:
        size: None, the short side, or (height, width) of the upright picture.
        rotation: Degrees counter-clockwise by which a player has to turn the picture.
    """

    def __init__(self, size=None, rotation=0):
        self.size = size
        self.turns = round(rotation / 90) % 4
        self.reformatter = VideoReformatter()

    def shape(self, frame):
        """(height, width) of the result for this frame."""
        if self.turns % 2:
            return resized(frame.width, frame.height, self.size)
        return resized(frame.height, frame.width, self.size)

    def __call__(self, frame, out=None):
        height, width = self.shape(frame)
        if self.turns % 2:
            height, width = width, height
        rgb = self.reformatter.reformat(frame, width, height, "rgb24", interpolation=FILTER, threads=1)
        plane = rgb.planes[0]
        pixels = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)
        pixels = np.rot90(pixels[:, : width * 3].reshape(height, width, 3), self.turns)
        if out is None:
            return pixels.copy()
        out[...] = pixels
        return out


class Pictures:
    """Collects the pictures asked for. Each is scaled once, straight into its row of the array, as it is decoded."""

    def __init__(self, name, order, size):
        self.name, self.size = name, size
        self.rows = {}
        for row, index in enumerate(order):
            self.rows.setdefault(index, []).append(row)
        self.count = len(order)
        self.scaler = self.out = None

    def add(self, index, frame):
        """Take frame `index`; True once nothing is missing."""
        first, *repeats = self.rows.pop(index)
        if self.out is None:
            self.scaler = Scaler(self.size, frame.rotation)
            self.out = np.empty((self.count, *self.scaler.shape(frame), 3), np.uint8)
        if self.scaler.shape(frame) != self.out.shape[1:3]:
            raise VideoError(f"{self.name}: the picture size changes at frame {index}: give size=(height, width)")
        self.scaler(frame, self.out[first])
        for row in repeats:
            self.out[row] = self.out[first]
        return not self.rows


def resize(image, size):
    """Resize one (H, W, 3) uint8 image with the same filter that videos get.

    >>> resize(np.zeros((48, 64, 3), np.uint8), 24).shape
    (24, 32, 3)
    """
    if resized(*image.shape[:2], size) == image.shape[:2]:
        return image
    return Scaler(size)(av.VideoFrame.from_ndarray(np.ascontiguousarray(image), "rgb24"))
