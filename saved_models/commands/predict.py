"""keras-vid predict: the most probable labels of videos, computed here or by a server."""

import sys
from pathlib import Path

from keras_vid.saved_models.commands.network import (
    add_network_arguments,
    keep_network_ready,
    network_settings,
    open_network,
    read_frames,
    say_unnamed,
)

from keras_vid.utils.errors import InputError, MissingFile, UsageError
from keras_vid.utils.progress import progress, say_if_slow
from keras_vid.utils.settings import number, whole
from keras_vid.utils.stops import resumable

EXAMPLES = """examples:
  keras-vid predict clip.mp4                       one video
  keras-vid predict folder/ 'more/*.avi' list.csv  many: folders, patterns, lists (the column `path`), addresses
  keras-vid predict folder/ -o labelled            copies with their labels written onto them, and one page of all
  keras-vid predict list.csv -o labels.jsonl       thousands: a line a video; goes on after a stop; --runner for Beam
  keras-vid predict clip.mp4 --model i3d --server localhost:8500
For long or live video there are keras-vid timeline and keras-vid stream.
"""


def add_arguments(parser):
    parser.add_argument(
        "videos",
        nargs="+",
        metavar="VIDEO",
        help="video files, folders of videos, folders of the pictures of one video, patterns, addresses, or lists of "
        "videos (.csv with a column `path`, or .txt with one a line)",
    )
    add_network_arguments(parser)
    parser.add_argument(
        "--frames", help="frames to look at, from the middle of the video, or 'all' (default: up to 250)"
    )
    parser.add_argument(
        "--fps",
        type=number(above=0),
        help="frames that are read of each second of a video; 25 for DeepMind's I3D (default: the network's)",
    )
    parser.add_argument("--stride", type=whole(), help="read every Nth of these frames (default: the network's)")
    parser.add_argument(
        "--modality", choices=("rgb", "flow"), help="what the network reads; flow: keras-vid flow's folders"
    )
    parser.add_argument("--top", type=whole(), default=5, help="how many labels to show (default: 5)")
    parser.add_argument("--json", action="store_true", help="one JSON object a video")
    parser.add_argument("--csv", metavar="FILE", help="write the labels of all videos to a table, too")
    parser.add_argument(
        "-o", "--output", help="a folder for labelled copies; or a .jsonl file to write, or to go on with"
    )
    parser.add_argument("-j", "--workers", type=whole(), help="videos decoded ahead (default: one for each core)")
    parser.add_argument("--server", help="TF Serving's HOST:8500 (gRPC) or http://HOST:8501; --model is its name there")
    parser.add_argument(
        "--timeout", type=number(above=0), default=60, help="seconds to wait for the server (default: 60)"
    )
    parser.add_argument("--runner", help="an Apache Beam runner that writes the .jsonl file, such as DirectRunner")


def run(args):
    _check(args)
    if not args.server:
        network_settings(args)  # refused before videos are looked for
    if str(args.output).endswith(".jsonl"):
        _write_lines(args)
        return
    from keras_vid.inference.sources import find_videos

    found = find_videos(args.videos)
    videos = [video for item in found for video in item.videos]
    if len(videos) == 1 and found[0].kind == "missing":  # said before the network is loaded
        raise MissingFile(f"{videos[0]}: no such file or folder")
    if len(found) > 1 or found[0].kind != "video":
        _show_found(found)
    labelled = _asked(args, videos) if args.server else _computed(args, videos)
    _show_all(args, videos, labelled)


def _check(args):
    lines = str(args.output).endswith(".jsonl")
    if args.output and not lines and Path(args.output).suffix:
        raise UsageError(f"-o {args.output}: give a folder for labelled copies, or a .jsonl file; --csv writes a table")
    if args.runner and not lines:
        raise UsageError("--runner writes a list of videos on Apache Beam: give -o FILE.jsonl")
    if lines and (args.server or args.csv):
        raise UsageError("-o FILE.jsonl goes without --server and --csv")
    if args.server and (args.weights or args.labels or args.fps or args.stride or args.modality):
        raise UsageError("--server has a network of its own: no --weights, --labels, --fps, --stride, --modality")


def _network(args):
    """The predictor that the arguments name, with what they say of the videos."""
    predictor = open_network(args).at(read_frames(args.frames), args.fps, args.stride)
    reads = "rgb" if predictor.view.channels == 3 else "flow"
    if args.modality not in (None, reads):
        kinds = {"rgb": "RGB frames", "flow": "optical flow"}
        raise UsageError(f"{args.model} reads {kinds[reads]}, not {kinds[args.modality]}: leave --modality out")
    return predictor


def _show_found(found):
    """What each argument is, in a table on standard error."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for name in ("argument", "what it is", "videos", "other files"):
        table.add_column(name, justify="right" if name in ("videos", "other files") else "left", overflow="fold")
    for item in found:
        table.add_row(item.name, item.kind, f"{len(item.videos):,}", f"{item.others:,}" if item.others else "")
    Console(stderr=True, width=None if sys.stderr.isatty() else 100).print(table)


def _computed(args, videos):
    """Yield (video, labels, note, error) of one video after another, decoded ahead in threads."""
    from keras_vid.inference.ahead import ahead
    from keras_vid.inference.sources import refuse_live
    from keras_vid.view import too_few

    predictor = _network(args)

    def read(video):
        refuse_live(video)
        return predictor.view.read_with_note(video, predictor.frames)

    said = False
    for video, clip in ahead(videos, read, args.workers):
        try:
            frames, note = clip()
            with say_if_slow(f"computing {len(frames)} frames of {video}"):
                labels = predictor.label(frames, video, args.top)
        except (ValueError, OSError) as error:
            yield video, None, None, error
            continue
        if not said:
            say_unnamed(predictor.view.labels, args.model)
            few = too_few(predictor.view, frames, predictor.frames)
            if few:
                print(f"{predictor.name}: {few}", file=sys.stderr)
            said = True
        yield video, labels, note, None
    if args.engine == "auto":
        keep_network_ready(args, predictor)


def _asked(args, videos):
    """As `_computed`, by a server."""
    from keras_vid.saved_models.serving.client import Client

    from keras_vid.inference.sources import refuse_live

    frames = read_frames(args.frames)
    with Client(args.server, args.model, timeout=args.timeout) as client:
        for video in videos:
            try:
                refuse_live(video)
                labels, note = client.predict_with_note(video, args.top, frames)
                yield video, labels, note, None
            except (ValueError, OSError) as error:
                yield video, None, None, error


def _show_all(args, videos, labelled):
    from keras_vid.saved_models.commands.results import Results

    results, failed = Results(args, videos), 0
    with progress(len(videos) if len(videos) > 1 else None) as advance:
        for done, (video, labels, note, error) in enumerate(labelled, 1):
            if error is not None and len(videos) == 1 and not args.json:
                raise error
            failed += error is not None
            results.add(video, labels, note, error)
            advance(done, f"{failed:,} unreadable" if failed else "")
    results.end()
    if failed == len(videos):
        raise InputError("no video could be read")
    if failed:
        print(f"{failed:,} of {len(videos):,} videos could not be read", file=sys.stderr)
    if sys.stderr.isatty() and not args.output and not args.json:
        print(
            "next: -o FOLDER writes labelled copies; keras-vid timeline VIDEO shows what happens when", file=sys.stderr
        )


@resumable()
def _write_lines(args):
    from keras_vid.saved_models.serving.bulk import predict_sources, skipped_file

    settings = {**network_settings(args), "top": args.top, "frames": read_frames(args.frames)}
    settings |= {"fps": args.fps, "stride": args.stride}
    total, skipped = predict_sources(args.videos, args.output, settings, args.workers, args.runner)
    if args.json:
        import json

        print(json.dumps({"videos": total, "skipped": skipped}))
    else:
        left = f"; {skipped:,} could not be read, see {skipped_file(args.output)}" if skipped else ""
        print(f"{args.output}: {total - skipped:,} videos{left}")
    if skipped == total:
        raise InputError(f"no video could be read: {skipped_file(args.output)} says why")
