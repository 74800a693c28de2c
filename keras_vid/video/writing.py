"""Write frames as MP4 (H.264) or GIF."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image

from keras_vid.utils.errors import VideoError
from keras_vid.utils.files import atomic


def write(path, frames, fps=25):
    """Write uint8 RGB frames (T, H, W, 3) as .mp4 or .gif; the file appears whole or not at all.

    H.264 in yuv420p plays everywhere; it needs even sides, so an odd last row or column is repeated. A GIF counts
    time in hundredths of a second, so 30 frames per second become 33 or so.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "clip.mp4"
    >>> write(path, np.zeros((8, 48, 64, 3), np.uint8), fps=8) == path
    True
    """
    path = Path(path)
    frames = np.asarray(frames)
    if frames.ndim != 4 or frames.shape[-1] != 3 or frames.dtype != np.uint8 or not len(frames):
        raise VideoError(f"{path}: frames to write are (T, H, W, 3) uint8, not {frames.shape} {frames.dtype}")
    if not fps > 0:
        raise VideoError(f"{path}: frames per second must be positive, not {fps}")
    writers = {".mp4": _write_mp4, ".gif": _write_gif}
    if path.suffix.lower() not in writers:
        raise VideoError(f"{path}: can write .mp4 and .gif")
    return _settled(path, writers[path.suffix.lower()], frames, fps)


def write_stream(path, frames, fps):
    """Write an iterator of frames (H, W, 3) of one size as .mp4, one at a time; the file appears whole or not at all.

    >>> import tempfile
    >>> pictures = (np.full((48, 64, 3), shade, np.uint8) for shade in range(8))
    >>> write_stream(Path(tempfile.mkdtemp()) / "clip.mp4", pictures, fps=8).name
    'clip.mp4'
    """
    if Path(path).suffix.lower() != ".mp4":
        raise VideoError(f"{path}: a video is written frame by frame as .mp4 only")
    return _settled(Path(path), _write_mp4, frames, fps)


def _settled(path, writer, frames, fps):
    """The file takes its name once it is complete."""
    with atomic(path) as part:
        writer(part, frames, fps)
    return path


def _write_mp4(path, frames, fps):
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=_rate(fps))
        stream.pix_fmt = "yuv420p"
        # the same bytes each time and on each processor: on one with AVX-512 x264 varies otherwise
        stream.options = {"crf": "18", "preset": "veryfast", "x264-params": "cpu-independent=1"}
        for number, frame in enumerate(frames):
            frame = np.pad(frame, ((0, frame.shape[0] % 2), (0, frame.shape[1] % 2), (0, 0)), mode="edge")
            if not number:
                stream.height, stream.width = frame.shape[:2]
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), "rgb24")))
        container.mux(stream.encode())


def _write_gif(path, frames, fps):
    # Through FFmpeg with Pillow's palettes: Pillow's own writer merges equal neighbours into one frame.
    with av.open(str(path), "w", format="gif") as container:
        stream = container.add_stream("gif", rate=_rate(fps))
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "pal8"
        # every frame whole and with colours of its own: differences between frames would mix their palettes
        stream.options = {"gifflags": "0", "global_palette": "0"}
        for frame in frames:
            image = Image.fromarray(frame).quantize(256)
            palette = np.tile(np.array([255, 0, 0, 0], np.uint8), (256, 1))  # alpha first: nothing is transparent
            colours = np.array(image.getpalette("RGB"), np.uint8).reshape(-1, 3)
            palette[: len(colours)] = np.insert(colours, 0, 255, axis=1)
            container.mux(stream.encode(av.VideoFrame.from_ndarray((np.asarray(image), palette), "pal8")))
        container.mux(stream.encode())


def _rate(fps):
    return Fraction(fps).limit_denominator(1001)
