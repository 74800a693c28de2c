"""keras-vid detect evaluate: frame-mAP and video-mAP of files of detections, against any ground truth that is known."""

import json
import sys

from keras_vid.utils.errors import InputError, UsageError
from keras_vid.utils.settings import number, whole

RULES = ("voc", "act", "peng", "voc07")


def add_arguments(parser):
    parser.add_argument(
        "detections",
        nargs="+",
        help=".csv, .json or .npz with video, frame, label, x1, y1, x2, y2, score; three files: JHMDB's splits 1 to 3",
    )
    parser.add_argument(
        "--gt",
        required=True,
        help="JHMDB-GT.pkl, jhmdb_annot.mat, a folder puppet_mask, pyannot.pkl, finalAnnots.mat, or a table of boxes",
    )
    parser.add_argument(
        "--lists", help="folder of JHMDB's split lists, or UCF101-24's testlist01.txt; default: beside --gt"
    )
    parser.add_argument("--split", type=whole(), help="split of a single file (default: 1)")
    parser.add_argument("--rule", default="voc", choices=RULES, help="default: voc")
    parser.add_argument(
        "--iou", type=number(above=0, most=1), default=0.5, help="least IoU of a right detection (default: 0.5)"
    )
    parser.add_argument(
        "--frames",
        default="annotated",
        choices=["annotated", "all"],
        help="annotated: detections in frames without any box do not count (default); all: they are false",
    )
    tubes = parser.add_argument_group("video-mAP")
    tubes.add_argument("--video", action="store_true", help="video-mAP too: link the detections to tubes")
    tubes.add_argument(
        "--link",
        choices=["greedy", "viterbi", "column"],
        help="how tubes are linked; column: as the detections' column tube says (default: column if there is one, "
        "else greedy)",
    )
    tubes.add_argument(
        "--trim", type=number(least=0), metavar="COST", help="trim tubes in time; 3 is usual (default: whole tubes)"
    )
    tubes.add_argument(
        "--overlap", type=number(above=0, most=1), help="greedy: least IoU with a tube's last box (default: 0.1)"
    )
    tubes.add_argument("--gap", type=whole(0), help="greedy: frames that a tube may pass over (default: 5)")
    tubes.add_argument("--min-score", type=number(), help="leave out detections of a lower score (default: 0.01)")
    tubes.add_argument("--min-length", type=whole(), help="drop tubes of fewer frames (default: 15)")
    parser.add_argument("--plot", metavar="FILE.png", help="draw the precision-recall curves of one file of detections")
    parser.add_argument("--json", action="store_true", help="one JSON object, with the curves")


def run(args):
    from keras_vid.detection.data import box_files
    from keras_vid.detection.data import ground_truth as data
    from keras_vid.detection.evaluation.report import draw_curves, mean_of, report
    from keras_vid.detection.evaluation.video_map import video_map

    if args.plot and len(args.detections) > 1:
        raise UsageError("--plot draws the curves of one file of detections")
    linking = _linking(args)
    results = []
    for split, path in enumerate(args.detections, 1 if len(args.detections) > 1 else args.split or 1):
        gt = data.ground_truth(args.gt, args.lists, split)
        if len(args.detections) > 1 and not gt.notes:
            raise InputError(f"{args.gt} has no splits: evaluate one file of detections against it")
        if args.split is not None and not gt.notes:
            raise InputError(f"{args.gt} has no splits: leave --split out")
        for note in gt.notes:
            print(note, file=sys.stderr)
        detections = box_files.read_boxes(path)
        try:
            result = report(gt, detections, args.rule, args.iou, args.frames) | {"split": split}
            if args.video:
                result["video"] = video_map(gt, detections, args.link, args.trim, args.rule, **linking)
            results.append(result)
        except ValueError as error:
            raise InputError(f"{path}: {error}") from error
    result = results[0] if len(results) == 1 else mean_of(results) | {"splits": results}
    if args.plot:
        draw_curves(result["curves"], result["ap"], args.plot)
    if args.json:
        print(json.dumps(result))
    else:
        _print(result, results)


def _linking(args):
    """The options of `tubes.link` that were given."""
    options = {name: getattr(args, name) for name in ("overlap", "gap", "min_score", "min_length")}
    options = {name: value for name, value in options.items() if value is not None}
    if options and not args.video:
        raise UsageError(f"--{next(iter(options)).replace('_', '-')} belongs to --video")
    if args.link == "viterbi" and options.keys() & {"overlap", "gap"}:
        raise UsageError("--overlap and --gap belong to --link greedy")
    if args.link == "column" and options:
        raise UsageError("--link column takes the tubes as they are: no flag of linking goes with it")
    return options


def _print(result, results):
    for name, ap in result["ap"].items():
        print(f"{name:24} {'-' if ap is None else f'{ap:.4f}'}")
    for one in results if len(results) > 1 else []:
        print(f"{'split ' + str(one['split']):24} {one['map']:.4f}")
    for frames in ("annotated", "all"):
        print(f"{'frame-mAP':24} {result[f'map_{frames}']:.4f}  {frames} frames")
    mean = f", mean of {len(results)} splits" if len(results) > 1 else ""
    print(
        f"rule {result['rule']}: match {result['match']}, area {result['area']}, IoU >= {result['threshold']:g}{mean}"
    )
    shown = [f"{result['sweep'][k]:.4f} at {k}" for k in ("0.50", "0.75")]
    print(f"{result['frames']} frames: {', '.join(shown)}, {result['map_coco']:.4f} over 0.50:0.95")
    if "video" in result:
        video = result["video"]
        shown = [f"{value:.4f} at {threshold}" for threshold, value in video["map"].items()]
        trimmed = "whole" if video["switch_cost"] is None else f"trimmed at {video['switch_cost']:g}"
        print(f"video-mAP {', '.join(shown)}; tubes: {video['link']}, {trimmed}")
    print(f"MABO {result['mabo']:.4f}, recall {result['recall']:.4f}")
    kinds = result["errors"]
    print("best detections: " + ", ".join(f"{kind} {share:.3f}" for kind, share in kinds.items() if kind != "missed"))
    print(f"ground truth missed: {kinds['missed']:.3f}")
