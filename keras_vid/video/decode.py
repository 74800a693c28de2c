"""Video files, decoded by FFmpeg (PyAV) frame by frame in order: the header is never trusted."""

import av
import numpy as np

from keras_vid.video.errors import VideoError
from keras_vid.video.images import wanted
from keras_vid.video.scale import Scaler


def open_video(path):
    """Open a file and find its video stream, or say in one line why not."""
    try:
        container = av.open(str(path), metadata_errors="ignore")
    except FileNotFoundError:
        raise VideoError(f"{path}: no such file") from None
    except (av.FFmpegError, OSError, ValueError) as error:
        raise VideoError(f"{path}: not a readable video ({getattr(error, 'strerror', error)})") from error
    streams = [s for s in container.streams.video if s.codec_context is not None]
    if not streams:
        container.close()
        raise VideoError(f"{path}: no video stream in this file")
    streams[0].thread_type = "AUTO"
    return container, streams[0]


def frames_of(container, stream):
    """Yield the frames up to the end or to the first damage."""
    try:
        yield from container.decode(stream)
    except (av.FFmpegError, ValueError):
        return


def read_file(path, indices, size):
    container, stream = open_video(path)
    order = None if indices is None else [int(i) for i in indices]
    needed = None if order is None else set(order)
    pictures = {}
    with container:
        scaler = None
        number = -1
        for number, frame in enumerate(frames_of(container, stream)):
            scaler = scaler or Scaler(size, frame.rotation)
            if needed is None or number in needed:
                pictures[number] = scaler(frame)
            if needed is not None and len(pictures) == len(needed):
                break
    if needed is None or len(pictures) < len(needed):
        order = wanted(order, number + 1, path)
    return np.stack([pictures[i] for i in order])


def count_file(path):
    container, stream = open_video(path)
    with container:
        return sum(1 for _ in frames_of(container, stream))


def probe_file(path):
    container, stream = open_video(path)
    with container:
        frames = list(frames_of(container, stream))
        if not frames:
            raise VideoError(f"{path}: no frame decodes")
        rotation = frames[0].rotation
        height, width = Scaler(None, rotation).shape(frames[0])
        fps = float(stream.guessed_rate or stream.average_rate or 0)
    return {"frames": len(frames), "fps": fps, "height": height, "width": width, "rotation": rotation}
