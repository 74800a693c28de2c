"""Copies of videos with what was found written onto them."""

from keras_vid.inference.draw import bar_of_segments, colour, draw_labels
from keras_vid.video import frame_rate, live
from keras_vid.video.scale import resize
from keras_vid.video.writing import write_stream

SHORT_SIDE = 480  # larger pictures are scaled down to it
STILL_FPS = 25  # of what has no clock


def write_labelled(path, source, labels):
    """A copy of a video as MP4 with its most probable labels, `[(label, probability), ...]`, in a corner."""
    lines = [(f"{label} {score:.0%}", score, colour(rank)) for rank, (label, score) in enumerate(labels)]
    pictures = (draw_labels(picture, lines) for _, picture in _pictures(source))
    return write_stream(path, pictures, _rate(source))


def write_timeline(path, source, segments, duration, advance=None):
    """A copy of a video as MP4 in which the label of each moment is shown, above a bar of all segments over time.

    Args:
        segments: `Segment`s in the order of time.
        duration: Seconds of the whole video.
        advance: Called with the second that is being written.
    """
    names = list(dict.fromkeys(segment.label for segment in segments))
    colours = {name: colour(number) for number, name in enumerate(names)}
    return write_stream(path, _with_bar(source, list(segments), colours, duration, advance), _rate(source))


def _with_bar(source, segments, colours, duration, advance):
    strip, number = None, 0
    for seconds, picture in _pictures(source):
        height, width = picture.shape[:2]
        if strip is None:
            strip = bar_of_segments(segments, colours, max(duration, 1e-3), width, max(6, height // 24))
        while number < len(segments) and segments[number].end <= seconds:
            number += 1
        if number < len(segments) and segments[number].start <= seconds:
            shown = segments[number]
            picture = draw_labels(picture, [(f"{shown.label} {shown.score:.0%}", 1, colours[shown.label])])
        else:
            picture = picture.copy()
        picture[height - len(strip) :] = strip
        now = min(width - 1, int(seconds / max(duration, 1e-3) * width))
        picture[height - len(strip) :, max(0, now - 1) : now + 1] = 255
        if advance:
            advance(seconds)
        yield picture


def _pictures(source):
    """(second, picture) at an even rate, of at most `SHORT_SIDE`; every picture has the size of the first."""
    size = None
    for seconds, picture in live.frames(source, fps=STILL_FPS, rate=_rate(source)):
        if size is None:
            height, width = picture.shape[:2]
            scale = min(1, SHORT_SIDE / min(height, width))
            size = (round(height * scale), round(width * scale))
        yield seconds, resize(picture, size)


def _rate(source):
    return min(frame_rate(source) or STILL_FPS, 60)
