"""keras-vid detect: actions in place and time. Each action has a file of its own, named like it."""

import importlib

ACTIONS = {
    "train": "train a detector by a recipe",
    "predict": "what a detector finds in a video, drawn or as JSON, or in a data set",
    "export": "a detector as a SavedModel: clip and keyframe in, boxes, scores and labels out",
    "evaluate": "score a file of detections by frame-mAP and video-mAP",
    "report": "a run of a detector on one page: frame-mAP by rule, curves, kinds of errors, drawn boxes",
    "convert": "ground truth or detections from one kind of file to another",
}


EXAMPLES = """examples:
  keras-vid detect train --dataset jhmdb --data JHMDB -o runs/d
  keras-vid detect predict video.mp4 --model runs/d -o boxes.mp4
  keras-vid detect evaluate detections.csv --gt JHMDB-GT.pkl --video
  keras-vid detect report runs/d
  keras-vid detect export runs/d -o served/d
  keras-vid detect convert JHMDB-GT.pkl -o boxes.csv
"""


def add_arguments(parser):
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    for name, line in ACTIONS.items():
        sub = actions.add_parser(name, help=line, description=line[0].upper() + line[1:] + ".")
        module = importlib.import_module(f"keras_vid.detection.commands.{name}")
        module.add_arguments(sub)
        sub.set_defaults(action=module.run)


def run(args):
    args.action(args)
