"""keras-vid detect predict: what a detector finds, drawn into a video, as JSON, or as a file of detections."""

import json
import sys

from keras_vid.utils.errors import InputError
from keras_vid.utils.settings import number, whole


def add_arguments(parser):
    parser.add_argument("video", nargs="?", metavar="VIDEO", help="a video file, or a folder of images")
    parser.add_argument("--model", required=True, help="a run folder of keras-vid detect train, or a .keras file")
    parser.add_argument("-o", "--output", help=".mp4 or .gif with the boxes drawn; of a data set: .npz, .csv or .json")
    parser.add_argument("--min-score", type=number(), help="least score shown (default: 0.5; of a data set 0.001)")
    parser.add_argument("--json", action="store_true", help="the detections of a video as one JSON object")
    parser.add_argument("--flow", help="folder of the flow, for a model with a flow stream")
    parser.add_argument("--dataset", help="instead of VIDEO: jhmdb, ucf101-24, csv or synthetic")
    parser.add_argument("--data", help="folder of the data set")
    parser.add_argument("--split", type=whole(), default=1, help="split of JHMDB (default: 1)")
    parser.add_argument("--frames", choices=["annotated", "all"], default="annotated", help="of a data set")


def run(args):
    from keras_vid.detection.train import load

    if bool(args.video) == bool(args.dataset):
        raise InputError("detect predict wants either a VIDEO, or --dataset NAME --data DIR -o FILE")
    detector = load(args.model)
    if args.dataset:
        _predict_set(args, detector)
    else:
        _predict_video(args, detector)


def _predict_video(args, detector):
    from keras_vid.detection.predict import detect_video, draw_video, rows_of

    if not args.output and not args.json:
        raise InputError("nothing to do: give -o OUT.mp4, or --json")
    min_score = 0.5 if args.min_score is None else args.min_score
    detections = detect_video(detector, args.video, args.flow, _progress)
    if args.output:
        draw_video(args.video, detections, detector.classes, args.output, min_score)
    if args.json:
        print(json.dumps({"video": args.video, "detections": rows_of(detections, detector.classes, min_score)}))
    else:
        print(args.output)


def _predict_set(args, detector):
    from keras_vid.detection.data import box_files, sets
    from keras_vid.detection.data.inputs import Clips
    from keras_vid.detection.predict import detect_set

    if not args.data or not args.output:
        raise InputError("a data set needs --data DIR and -o FILE (.npz, .csv or .json)")
    gt, paths = sets.load(args.dataset, args.data, args.split, "test")
    flow = sets.locate(args.flow, gt.videos) if args.flow else None
    clips = Clips(paths, detector.settings, flow)
    detections = detect_set(
        detector, gt, clips, args.frames, 0.001 if args.min_score is None else args.min_score, _progress
    )
    box_files.write_boxes(detections, args.output)
    for video, reason in clips.skipped.items():
        print(f"skipped {video}: {reason}", file=sys.stderr)
    print(args.output)


def _progress(done, count):
    if done == count or done % 100 == 0:
        print(f"{done} of {count} frames", file=sys.stderr)
