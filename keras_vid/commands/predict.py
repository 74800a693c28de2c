"""keras-vid predict: the most probable labels of videos."""

import json
import sys
from pathlib import Path


def add_arguments(parser):
    parser.add_argument("videos", nargs="+", metavar="VIDEO", help="a video file, or a folder of images")
    parser.add_argument("--model", default="i3d", help="a network's name, a run folder or a .keras file (default: i3d)")
    parser.add_argument("--weights", help="weights for a network's name: a name or a file (default: kinetics400)")
    parser.add_argument(
        "--frames", help="frames to look at, from the middle of the video, or 'all' (default: up to 250)"
    )
    parser.add_argument("--top", type=int, default=5, help="how many labels to show (default: 5)")
    parser.add_argument("--labels", help="a text file of label names, one a line, in the order of the classes")
    parser.add_argument("--json", action="store_true", help="one JSON object a video")


def run(args):
    from keras_vid.recognise import predict
    from keras_vid.weights import names as weights_of
    from keras_vid.zoo import VARIANTS, load_model

    frames = args.frames if args.frames in (None, "all") else _number(args.frames)
    labels = _read_labels(args.labels) if args.labels else None
    if args.model in VARIANTS and args.weights is None:
        if "kinetics400" not in weights_of(args.model):
            raise ValueError(f"{args.model} has no trained weights of its own: give --weights FILE, or another --model")
        args.weights = "kinetics400"
    if len(args.videos) == 1 and not Path(args.videos[0]).exists():  # said before the network is built
        raise FileNotFoundError(f"{args.videos[0]}: no such file or folder")
    model = load_model(args.model, weights=args.weights)
    failed = []
    for video in args.videos:
        try:
            answers = predict(model, video, args.top, frames, labels)
        except (ValueError, OSError) as error:  # the other videos are still worth an answer
            if len(args.videos) == 1:
                raise
            failed.append(video)
            print(f"keras-vid: {' '.join(str(error).split())}", file=sys.stderr)
            continue
        _show(video, answers, args)
    if failed:
        raise ValueError(f"{len(failed)} of {len(args.videos)} videos could not be read")


def _show(video, answers, args):
    if args.json:
        labels = [{"label": label, "probability": round(score, 6)} for label, score in answers]
        print(json.dumps({"video": video, "model": args.model, "labels": labels}), flush=True)
        return
    if len(args.videos) > 1:
        print(video)
    for label, score in answers:
        print(f"{score:7.1%}  {label}", flush=True)


def _number(text):
    if not text.isdigit() or int(text) == 0:
        raise ValueError(f"--frames wants a number or 'all', not {text!r}")
    return int(text)


def _read_labels(path):
    lines = [line.strip() for line in Path(path).read_text(encoding="utf-8").splitlines()]
    return [line for line in lines if line]
