"""Files of segments of time: CSV, JSON, and subtitles for players (WebVTT, SubRip)."""

import csv
import dataclasses
import io
from pathlib import Path

from keras_vid.utils.errors import InputError
from keras_vid.utils.files import as_json, write_whole


def write_segments(path, segments, about):
    """Write segments to a `.csv`, `.json`, `.vtt` or `.srt` file, which appears whole.

    Args:
        about: What a JSON file says beside the segments: the video, the network.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in FORMATS:
        raise InputError(f"{path}: segments are written as {', '.join(FORMATS)}")
    write_whole(path, FORMATS[suffix](segments, about))


def _csv(segments, about):
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("start", "end", "label", "score"))
    writer.writerows(dataclasses.astuple(segment) for segment in segments)
    return text.getvalue()


def _json(segments, about):
    return as_json({**about, "segments": [dataclasses.asdict(segment) for segment in segments]})


def _vtt(segments, about):
    cues = (f"{clock(s.start)} --> {clock(s.end)}\n{s.label} ({s.score:.0%})\n" for s in segments)
    return "\n".join(["WEBVTT\n", *cues])


def _srt(segments, about):
    return "\n".join(
        f"{number}\n{clock(s.start, ',')} --> {clock(s.end, ',')}\n{s.label} ({s.score:.0%})\n"
        for number, s in enumerate(segments, 1)
    )


def clock(seconds, point="."):
    """
    >>> clock(3723.5), clock(59.9999, ",")
    ('01:02:03.500', '00:01:00,000')
    """
    thousandths = round(seconds * 1000)
    minutes, thousandths = divmod(thousandths, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{thousandths // 1000:02}{point}{thousandths % 1000:03}"


FORMATS = {".csv": _csv, ".json": _json, ".vtt": _vtt, ".srt": _srt}
