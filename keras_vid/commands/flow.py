"""keras-vid flow: TV-L1 optical flow as JPEG pairs."""

import csv
import json
from pathlib import Path

from keras_vid.utils.errors import InputError, MissingFile
from keras_vid.utils.files import atomic
from keras_vid.utils.locks import held
from keras_vid.utils.progress import progress
from keras_vid.utils.settings import whole
from keras_vid.utils.stops import resumable
from keras_vid.video.finding import videos_below

EXAMPLES = """examples:
  keras-vid flow video.mp4 -o flow/
  keras-vid flow UCF101/videos -o UCF101/flow -j 8     goes on where it was stopped
  keras-vid train s3d --data UCF101/flow --modality flow
"""


def add_arguments(parser):
    parser.add_argument("source", help="a video, or a folder with videos at any depth")
    parser.add_argument(
        "-o", "--output", required=True, help="the folder to write, one folder a video, or to go on with"
    )
    parser.add_argument("--size", type=whole(16), default=256, help="short side of the frames (default: 256)")
    parser.add_argument("--quality", type=whole(1, 100), default=95, help="of JPEG (default: 95)")
    parser.add_argument("-j", "--workers", type=whole(), help="processes (default: one for each core)")
    parser.add_argument("--json", action="store_true", help="what was done as one JSON object")


@resumable()
def run(args):
    from keras_vid.utils.optional import need

    need("cv2", extra="flow")
    source, output = Path(args.source), Path(args.output)
    if not source.exists():
        raise MissingFile(f"{source}: no such file or folder")
    videos = [(path, output / inside) for path, inside in _videos(source, output)]
    if not videos:
        raise MissingFile(f"{source}: no videos below this folder")

    with held(output):
        pairs, failed = _write(videos, output, args)
    if len(failed) == len(videos):
        raise InputError(f"no flow was made, see {output}/skipped.csv; the first reason: {failed[0][1]}")
    done = len(videos) - len(failed)
    if args.json:
        print(json.dumps({"videos": done, "pairs": pairs, "skipped": len(failed)}))
    else:
        left = f"; {len(failed):,} left out, see skipped.csv" if failed else ""
        print(f"{output}: {done:,} videos, {pairs:,} pairs{left}")


def _write(videos, output, args):
    """The flow of all videos, and skipped.csv if some cannot be read."""
    from keras_vid.video.flow import write_flows

    with progress(len(videos)) as advance:
        pairs, failed = write_flows(videos, args.size, args.quality, args.workers, lambda done, count: advance(done))
    if failed:
        path = output / "skipped.csv"
        with atomic(path) as part, open(part, "w", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows([("path", "reason"), *failed])
    return pairs, failed


def _videos(source, output):
    """(path, its folder below the output) of every video; a folder of frames is one video."""
    if source.is_file():
        return [(source, source.stem)]
    videos = [Path(path) for path in sorted(videos_below(source))]
    if videos == [source]:
        return [(source, source.name)]
    videos = [f for f in videos if output.resolve() not in (f.resolve(), *f.resolve().parents)]
    inside = [f.relative_to(source) if f.is_dir() else f.relative_to(source).with_suffix("") for f in videos]
    twice = len(set(inside)) < len(inside)  # a.mp4 beside a.avi
    return list(zip(videos, [f.relative_to(source) for f in videos] if twice else inside))
