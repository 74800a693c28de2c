"""keras-vid detect evaluate: score action detections by frame-mAP."""

import json


def add_arguments(parser):
    parser.add_argument("detections", help=".csv, .json or .npz with video, frame, label, x1, y1, x2, y2, score")
    parser.add_argument("--gt", required=True, help="JHMDB-GT.pkl, pyannot_with_class_names.pkl, or a table of boxes")
    parser.add_argument("--dataset", choices=["jhmdb", "ucf24"], help="what a .pkl ground truth is")
    parser.add_argument("--split", type=int, default=1, help="split of JHMDB (default: 1)")
    parser.add_argument("--test-list", help="testlist01.txt of UCF101-24")
    parser.add_argument("--rule", default="voc", choices=["voc", "act", "peng", "voc07"], help="default: voc")
    parser.add_argument("--iou", type=float, default=0.5, help="least IoU of a right detection (default: 0.5)")
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(args):
    from detection import errors, table
    from detection.frame_map import frame_map

    gt = _ground_truth(args)
    found = table.read(args.detections)
    result = frame_map(gt, found, args.rule, args.iou)
    every = frame_map(gt, found, args.rule, args.iou, frames="all")["map"]
    mabo, recall = errors.coverage(gt, found, args.iou)
    kinds = errors.analyse(gt, found, args.iou)
    if args.json:
        del result["curves"]
        result["ap"] = {name: None if ap != ap else ap for name, ap in result["ap"].items()}
        print(json.dumps(result | {"map_all_frames": every, "mabo": mabo, "recall": recall, "errors": kinds}))
        return
    for name, ap in result["ap"].items():
        print(f"{name:24} {ap:.4f}")
    print(f"{'frame-mAP':24} {result['map']:.4f}  annotated frames")
    print(f"{'frame-mAP':24} {every:.4f}  all frames")
    print(f"rule {args.rule}: match {result['match']}, area {result['area']}, IoU >= {args.iou:g}")
    print(f"MABO {mabo:.4f}, recall {recall:.4f}")
    print("best detections: " + ", ".join(f"{kind} {share:.3f}" for kind, share in kinds.items() if kind != "missed"))
    print(f"ground truth missed: {kinds['missed']:.3f}")


def _ground_truth(args):
    import sys

    from detection import data, table

    if not args.gt.endswith(".pkl"):
        return table.read(args.gt)
    if args.dataset == "jhmdb":
        gt = data.jhmdb(args.gt, args.split)
    elif args.dataset == "ucf24" and args.test_list:
        gt = data.ucf24(args.gt, args.test_list)
    else:
        raise ValueError(f"{args.gt}: say --dataset jhmdb, or --dataset ucf24 and --test-list FILE")
    print(", ".join(f"{count} {what}" for what, count in data.counts(gt).items()), file=sys.stderr)
    return gt
