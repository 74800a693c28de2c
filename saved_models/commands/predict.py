"""keras-vid predict: the most probable labels of videos, of windows of long ones, or of all videos of a list."""

import json
import sys
import time
from pathlib import Path

from keras_vid.saved_models.engines.flag import add_engine_argument

from keras_vid.utils.errors import InputError, MissingFile


def add_arguments(parser):
    parser.add_argument(
        "videos",
        nargs="*",
        metavar="VIDEO",
        help="a video file, or a folder of images; with --stream also an address (rtsp://...), a camera (/dev/video0), "
        "or - for standard input",
    )
    parser.add_argument(
        "--model",
        default="i3d",
        help="a network's name, a run folder, a .keras file or a SavedModel folder of keras-vid export (default: i3d)",
    )
    parser.add_argument("--weights", help="weights for a network's name: a name or a file (default: kinetics400)")
    parser.add_argument(
        "--frames", help="frames to look at, from the middle of the video, or 'all' (default: up to 250)"
    )
    parser.add_argument(
        "--fps", type=float, help="look at so many frames a second; 25 for DeepMind's I3D (default: every frame)"
    )
    parser.add_argument("--top", type=int, default=5, help="how many labels to show (default: 5)")
    parser.add_argument("--labels", help="a text file of label names, one a line, in the order of the classes")
    parser.add_argument("--json", action="store_true", help="one JSON object a video, or a window")
    add_engine_argument(parser)
    served = parser.add_argument_group("a model that is served")
    served.add_argument("--server", help="TF Serving's HOST:8500 (gRPC) or http://HOST:8501; --model is its name there")
    served.add_argument("--timeout", type=float, default=60, help="seconds to wait for an answer (default: 60)")
    served.add_argument("--metadata", help="the SavedModel's metadata.json: which frames of a video it looks at")
    many = parser.add_argument_group("many videos; a run that was stopped goes on with the same command")
    many.add_argument("--manifest", help="a CSV file with a video's path in the first column, relative to the file")
    many.add_argument("-o", "--output", help="the .jsonl file to write, a line a video, or to go on with")
    many.add_argument("-j", "--workers", type=int, help="videos decoded ahead (default: one for each core)")
    many.add_argument("--runner", help="an Apache Beam runner instead of this process, such as DirectRunner")
    long = parser.add_argument_group("long and live video")
    long.add_argument("--stream", action="store_true", help="label window after window, as the video comes")
    long.add_argument("--window", type=int, help="frames of the video that one answer is about")
    long.add_argument("--stride", type=int, help="frames from one window to the next (default: half a window)")


def run(args):
    _check_options(args)
    if not args.server:
        _settle_weights(args)
    if args.manifest:
        _bulk(args)
        return
    if len(args.videos) == 1 and not args.stream and not Path(args.videos[0]).exists():
        raise MissingFile(f"{args.videos[0]}: no such file or folder")  # said before the network is built
    _each(args, _streaming(args) if args.stream else _asking(args) if args.server else _predicting(args))


def _check_options(args):
    if bool(args.videos) == bool(args.manifest):
        raise InputError("give videos (files, or folders of images), or a list of them with --manifest")
    if bool(args.manifest) != bool(args.output) or (args.runner and not args.manifest):
        raise InputError(
            "--manifest, -o and --runner belong together: give a list of videos and a .jsonl file to write"
        )
    if args.manifest and (args.stream or args.server):
        raise InputError("--manifest has one answer a video of a model that is here: no --stream, no --server")
    if (args.window or args.stride) and not args.stream:
        raise InputError("--window and --stride belong to --stream")
    if args.stream and args.frames:
        raise InputError("--stream looks at windows: give --window instead of --frames")
    if args.fps is not None and (args.stream or args.server or not args.fps > 0):
        raise InputError("--fps wants a number above 0, and goes with neither --stream nor --server")
    if args.server and (args.stream or args.weights or args.labels):
        raise InputError("--server has a model with weights and labels of its own, and answers no --stream")


def _each(args, show):
    """Every video's answer; with several, one that cannot be read is told and the others still get theirs."""
    failed = []
    for video in args.videos:
        try:
            show(video)
        except (ValueError, OSError) as error:
            if len(args.videos) == 1:
                raise
            failed.append(video)
            print(f"keras-vid: {' '.join(str(error).split())}", file=sys.stderr)
    if failed:
        raise InputError(f"{len(failed)} of {len(args.videos)} videos could not be read")


def _predicting(args):
    from keras_vid.saved_models.predictor import open_predictor

    predictor = open_predictor(args.model, args.weights, _labels(args), args.engine).at(_frames(args), args.fps)
    return lambda video: _show(args, video, predictor.label(predictor.read(video), video, args.top))


def _settings(args):
    network = {"source": args.model, "weights": args.weights, "labels": _labels(args), "engine": args.engine}
    return {**network, "top": args.top, "frames": _frames(args), "fps": args.fps}


def _bulk(args):
    from keras_vid.saved_models.serving.bulk import predict_all, skipped_file

    total, skipped = predict_all(args.manifest, args.output, _settings(args), args.workers, _bar(), args.runner)
    left = f"; {skipped:,} left out, see {skipped_file(args.output)}" if skipped else ""
    if args.json:
        print(json.dumps({"videos": total, "skipped": skipped}))
    else:
        print(f"{args.output}: {total - skipped:,} videos{left}")


def _bar():
    """A function of (done, total, skipped) that draws a bar on stderr, twice a second at most."""
    began, shown, before = time.monotonic(), 0.0, None

    def draw(done, total, skipped):
        nonlocal shown, before
        now = time.monotonic()
        before = done - 1 if before is None else before  # what an earlier run did says nothing of the speed
        if done < total and now - shown < 0.5:
            return
        shown = now
        left = (total - done) * (now - began) / (done - before)
        bar = f"[{'#' * (30 * done // total):30}] {done:,}/{total:,} videos, {skipped:,} skipped, {left:,.0f} s left"
        print(f"\r{bar}", end="" if done < total else "\n", file=sys.stderr, flush=True)

    return draw


def _asking(args):
    from keras_vid.saved_models.serving.client import Client

    client, frames = Client(args.server, args.model, timeout=args.timeout, metadata=args.metadata), _frames(args)
    return lambda video: _show(args, video, client.predict(video, args.top, frames))


def _show(args, video, answers):
    if args.json:
        print(json.dumps({"video": video, "model": args.model, "labels": _as_json(answers)}), flush=True)
        return
    if len(args.videos) > 1:
        print(video)
    for label, score in answers:
        print(f"{score:7.1%}  {label}", flush=True)


def _streaming(args):
    from keras_vid.inference.stream import stream

    model, labels = _model(args), _labels(args)

    def show(video):
        if len(args.videos) > 1 and not args.json:
            print(video)
        for start, end, answers in stream(model, video, args.window, args.stride, args.top, labels):
            if args.json:
                row = {"video": video, "model": args.model, "start": start, "end": end, "labels": _as_json(answers)}
                print(json.dumps(row), flush=True)
            else:
                told = "  ".join(f"{score:6.1%} {label}" for label, score in answers)
                print(f"{start:9.2f} {end:9.2f}  {told}", flush=True)

    return show


def _settle_weights(args):
    from keras_vid.models.variants import VARIANTS
    from keras_vid.weights.table import names as weights_of

    if args.model in VARIANTS and args.weights is None:
        if "kinetics400" not in weights_of(args.model):
            raise InputError(f"{args.model} has no trained weights of its own: give --weights FILE, or another --model")
        args.weights = "kinetics400"


def _model(args):
    from keras_vid.inference.load import load_model

    return load_model(args.model, weights=args.weights)


def _as_json(answers):
    return [{"label": label, "probability": round(score, 6)} for label, score in answers]


def _frames(args):
    if args.frames in (None, "all"):
        return args.frames
    if not args.frames.isdigit() or int(args.frames) == 0:
        raise InputError(f"--frames wants a number or 'all', not {args.frames!r}")
    return int(args.frames)


def _labels(args):
    if not args.labels:
        return None
    lines = [line.strip() for line in Path(args.labels).read_text(encoding="utf-8").splitlines()]
    return [line for line in lines if line]
