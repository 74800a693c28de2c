"""Video files, decoded by FFmpeg (PyAV). The header is never trusted.

Frame i is the i-th picture that decoding the file in order yields. Decoding stops at the first damage that FFmpeg can
see: no picture that it repaired by guessing is ever returned. So a file with a damaged tail has the frames before
the damage; reading those works and asking for later ones is a VideoError.
"""

import io
from pathlib import Path

import av
import numpy as np

from keras_vid.utils.errors import VideoError
from keras_vid.video.images import wanted
from keras_vid.video.scale import Pictures, Scaler
from keras_vid.video.tails import cut_off

# explode: an error instead of a guess. max_pixels: a damaged header must not ask for all memory (16K video fits).
STRICT = {"err_detect": "explode", "max_pixels": str(1 << 27)}
TEXT_FORMATS = {"tty", "bin", "xbin", "adf", "idf"}  # FFmpeg draws text files as videos


class Damage(Exception):
    """FFmpeg reported an error, or a result that does not match the file's table of packets."""


def name_of(source):
    if isinstance(source, bytes):
        return "video in memory"
    return getattr(source, "name", "video in memory") if hasattr(source, "read") else str(source)


def open_video(source, threads=None):
    """Open a file and find its video stream, or say in one line why not.

    `threads` for the decoder: None lets FFmpeg use all cores; 1 suits many files read in parallel.
    """
    name = name_of(source)
    if isinstance(source, bytes):
        source = io.BytesIO(source)
    elif hasattr(source, "read"):
        source.seek(0)
    elif Path(source).is_file():
        if not Path(source).stat().st_size:
            raise VideoError(f"{name}: the file is empty")
        source = f"file:{source}"  # a colon in the name does not start a protocol
    elif "://" not in str(source):
        raise VideoError(f"{name}: no such file")
    try:
        container = av.open(source, metadata_errors="ignore")
    except (av.FFmpegError, OSError, ValueError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise VideoError(f"{name}: not a readable video ({reason})") from error
    stream = first_video(container, name)
    stream.thread_type = "FRAME"  # threads within a picture hide errors (MPEG-2)
    stream.codec_context.thread_count = threads or 0
    stream.codec_context.options = STRICT
    return container, stream


def first_video(container, name):
    """The stream to decode; the container is closed where there is none."""
    streams = [s for s in container.streams.video if not s.disposition & s.disposition.attached_pic]
    if not streams or container.format.name in TEXT_FORMATS:
        container.close()
        raise VideoError(f"{name}: no video in this file")
    if streams[0].codec_context is None:
        container.close()
        raise VideoError(f"{name}: FFmpeg has no decoder for this video")
    return streams[0]


def decode(context, packet):
    """Yield the frames that come out for a packet; FFmpeg's errors become Damage."""
    if packet.is_corrupt:
        raise Damage("a packet is cut off")
    try:
        frames = context.decode(packet)
    except (av.FFmpegError, ValueError, RuntimeError) as error:
        raise Damage(str(error)) from error
    for frame in frames:
        if frame.is_corrupt:
            raise Damage("a picture is damaged")
        yield frame


def packets_of(container, stream):
    """Yield the packets; the last one, empty, flushes the decoder."""
    packets = container.demux(stream)
    last = failure = None
    while failure is None:
        try:
            packet = next(packets, None)
        except (av.FFmpegError, ValueError, RuntimeError) as error:
            packet, failure = None, error
        if last is not None:
            at_end = failure is None and (packet is None or not packet.size)
            if last.size and at_end and cut_off(container, last):
                raise Damage("the file ends within a picture")
            yield last
        if packet is None and failure is None:
            return
        last = packet
    raise Damage(str(failure)) from failure


def in_order(source, threads=None):
    """Yield every frame from the first on; Damage where it begins."""
    container, stream = open_video(source, threads)
    with container:
        for packet in packets_of(container, stream):
            yield from decode(stream.codec_context, packet)


def up_to_damage(source):
    """Yield the frames before any damage. One thread: with more, frames in flight would be lost at an error."""
    try:
        yield from in_order(source, threads=1)
    except Damage:
        return


def read_in_order(source, order, size, frames):
    """Read the frames of the list `order` from an iterator over all frames."""
    pictures = Pictures(name_of(source), order, size)
    number = -1
    for number, frame in enumerate(frames):
        if number in pictures.rows and pictures.add(number, frame):
            return pictures.out
    wanted(order, number + 1, name_of(source))
    raise VideoError(f"{name_of(source)}: no frame decodes")


def read_all(source, size, frames):
    """Every frame; scaled as they come, since their number is not known before the end."""
    scaler, pictures = None, []
    for frame in frames:
        scaler = scaler or Scaler(size, frame.rotation)
        pictures.append(scaler(frame))
        if pictures[-1].shape != pictures[0].shape:
            number = len(pictures) - 1
            raise VideoError(
                f"{name_of(source)}: the picture size changes at frame {number}: give size=(height, width)"
            )
    if not pictures:
        raise VideoError(f"{name_of(source)}: no frame decodes")
    return np.stack(pictures)


def count_file(source):
    return sum(1 for _ in up_to_damage(source))


def count_to_damage(source):
    """(frames that decode, frames that the file claims to have), the second None where decoding comes to the end."""
    count = 0
    try:
        for _ in in_order(source, threads=1):
            count += 1
    except Damage:
        container, stream = open_video(source)
        with container:
            return count, max(stream.frames, count)
    return count, None


def nominal_rate(stream):
    """Frames per second by the header of the file, 0 where it has none."""
    return float(stream.guessed_rate or stream.average_rate or 0)
