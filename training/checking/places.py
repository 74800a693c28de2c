"""A long video is looked at in places: its packets tell the times of all frames, and few of them are decoded."""

import numpy as np

from keras_vid.video import decode

LONG = 10_000  # frames, from where on a file is not decoded whole
PLACES = 60  # of a whole file
OF_A_SEGMENT = 5  # places, at least


def in_places(path, spans, shown):
    """(seconds of all frames, frame numbers of the places, what `shown` returns of each frame there).

    None where the file is short, has frames without times, or cannot be sought in: it has to be decoded whole.

    Args:
        spans: (start, end) of each segment of the file in seconds, None where it has no such end.
    """
    try:
        container, stream = decode.open_video(path, threads=1)
        with container:
            packets = [(p.pts, p.is_keyframe) for p in decode.packets_of(container, stream) if p.size]
            if len(packets) < LONG or len({pts for pts, _ in packets} - {None}) < len(packets):
                return None
            pts = np.array(sorted(time for time, _ in packets))
            keys = np.array(sorted(time for time, is_key in packets if is_key))
            times = (pts - pts[0]) * float(stream.time_base)
            numbers = _numbers(times, spans)
            return times.tolist(), numbers, [shown(frame) for frame in _frames(container, stream, pts[numbers], keys)]
    except decode.Damage:
        return None


def _numbers(times, spans):
    """The frame numbers of the places, in order: evenly spaced in each segment."""
    chosen = set()
    for start, end in spans:
        low = np.searchsorted(times, start or 0)
        high = len(times) if end is None else np.searchsorted(times, end)
        count = max(OF_A_SEGMENT, round(PLACES * (high - low) / len(times)))
        chosen |= {int(low + (2 * i + 1) * (high - low) // (2 * count)) for i in range(count if high > low else 0)}
    return np.array(sorted(chosen or {len(times) // 2}))


def _frames(container, stream, wanted, keys):
    """Yield the frames at the times `wanted`; sought is where a key frame lies between the last one and the next."""
    frames, last = None, -np.inf
    for pts in wanted:
        key = keys[max(np.searchsorted(keys, pts, side="right") - 1, 0)]
        if frames is None or key > last:
            container.seek(int(pts), stream=stream)
            frames = _decoded(container, stream)
        frame = next((frame for frame in frames if frame.pts is not None and frame.pts >= pts), None)
        if frame is None:
            raise decode.Damage("a place cannot be sought")
        last = frame.pts
        yield frame


def _decoded(container, stream):
    for packet in decode.packets_of(container, stream):
        yield from decode.decode(stream.codec_context, packet)
