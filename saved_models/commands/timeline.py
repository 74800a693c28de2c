"""keras-vid timeline: what happens when in a long or live video."""

import dataclasses
import json
import time
from pathlib import Path

from keras_vid.saved_models.commands.network import add_network_arguments, open_network_of_frames
from keras_vid.saved_models.commands.stream import add_window_arguments

from keras_vid.utils.errors import UsageError
from keras_vid.utils.progress import progress
from keras_vid.utils.settings import number

REWRITE = 10.0  # seconds between two versions of a file while the video still runs
EXAMPLES = """examples:
  keras-vid timeline long.mp4                             segments as lines: start, end, score, label
  keras-vid timeline long.mp4 -o long.csv -o long.vtt     files: .csv, .json, and subtitles, .vtt or .srt
  keras-vid timeline long.mp4 -o labelled.mp4             the video with its labels and a bar of them over time
  keras-vid timeline rtsp://camera/1 -o today.csv         a live source; the file is kept up to date
"""


def add_arguments(parser):
    parser.add_argument(
        "source", help="a video file, a folder of pictures, an address, a camera, or - for standard input"
    )
    add_network_arguments(parser)
    add_window_arguments(parser, "a window; less where overlapping windows share their frames, as in TSN")
    parser.add_argument(
        "-o", "--output", action="append", default=[], help="a file to write: .csv, .json, .vtt, .srt, .mp4; repeatable"
    )
    parser.add_argument(
        "--min-score", type=number(0, 1), default=0.3, help="least probability of a label that is shown (default: 0.3)"
    )
    parser.add_argument(
        "--switch-cost",
        type=number(least=0),
        default=1.0,
        help="seconds for which another label must be e times as probable before the label changes (default: 1)",
    )
    parser.add_argument(
        "--background", action="append", default=[], metavar="LABEL", help="a label that means nothing; repeatable"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a segment")


def run(args):
    from keras_vid.inference.segment_files import FORMATS
    from keras_vid.inference.sources import check_streamable
    from keras_vid.video.live import is_live

    odd = [path for path in args.output if Path(path).suffix.lower() not in (*FORMATS, ".mp4")]
    if odd:
        raise UsageError(f"-o {odd[0]}: give .csv, .json, .vtt, .srt or .mp4")
    videos = [path for path in args.output if path.lower().endswith(".mp4")]
    if videos and is_live(args.source):
        raise UsageError(f"{args.source} is live and cannot be seen twice: -o .mp4 wants a file")
    check_streamable(args.source)
    network = open_network_of_frames(args)
    about = {"video": args.source, "model": args.model}
    files = Files([path for path in args.output if path not in videos], about)
    end = _follow(args, network, files)
    if videos:
        from keras_vid.inference.labelled_video import write_timeline

        for path in videos:
            with progress(end, "s written") as advance:
                write_timeline(path, args.source, files.segments, end, advance)
    for path in args.output:
        print(path)


def _follow(args, network, files):
    """Show segments as they become certain; returns the second at which the video ends."""
    from keras_vid.inference.timeline import Timeline
    from keras_vid.video.live import seconds_of

    line = Timeline(
        network, args.source, args.window, args.stride, args.min_score, args.switch_cost, tuple(args.background)
    )
    try:
        with progress(seconds_of(args.source), "s") as advance:
            for segment in line.follow(advance):
                files.add(segment)
                if args.json:
                    row = {"video": args.source, "model": args.model, **dataclasses.asdict(segment)}
                    print(json.dumps(row), flush=True)
                elif not args.output:
                    print(f"{segment.start:9.2f} {segment.end:9.2f}  {segment.score:6.1%} {segment.label}", flush=True)
    except KeyboardInterrupt:  # how a live source is stopped
        for segment in line.rest():
            files.add(segment)
        raise
    finally:
        files.write()
    return line.end


class Files:
    """Files of the segments so far, each of them always whole."""

    def __init__(self, paths, about):
        self.paths, self.about = paths, about
        self.segments, self.written = [], time.monotonic()

    def add(self, segment):
        self.segments.append(segment)
        if time.monotonic() - self.written > REWRITE:
            self.write()

    def write(self):
        from keras_vid.inference.segment_files import write_segments

        for path in self.paths:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            write_segments(path, self.segments, self.about)
        self.written = time.monotonic()
