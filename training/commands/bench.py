"""keras-vid bench: how fast the input is, and whether it or the training step holds the run back."""

import json
import sys

from keras_vid.utils.settings import whole

EXAMPLES = """examples:
  keras-vid bench input folder my_videos/
  keras-vid bench input prepared prepared/train --model tsm_resnet50 --frames 8 --sample segments
"""


def add_arguments(parser):
    kinds = parser.add_subparsers(metavar="WHAT", required=True)
    line = "clips a second of the input, and whether the input or the step is the bottleneck"
    sub = kinds.add_parser("input", help=line, description=line[0].upper() + line[1:] + ".")
    sub.add_argument("dataset", help="a dataset's name as of keras-vid prepare, or 'prepared'")
    sub.add_argument("root", help="the folder with the videos, or of the prepared data")
    sub.add_argument("--split", default="train", help="train, val, test, ... (default: train)")
    sub.add_argument("--lists", help="the folder with the official label and split files (default: below root)")
    sub.add_argument("--model", help="a network's name: also time its training step, to find the bottleneck")
    sub.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="an option of that network's constructor"
    )
    sub.add_argument("--modality", choices=("rgb", "flow"), default="rgb", help="flow: folders of keras-vid flow")
    sub.add_argument("--frames", type=whole(), default=16, help="frames of a clip (default: 16)")
    sub.add_argument("--size", type=whole(16), default=224, help="side of a clip (default: 224)")
    sub.add_argument("--sample", choices=("dense", "segments"), default="dense", help="frames in a row, or spread out")
    sub.add_argument("-b", "--batch-size", type=whole(), default=8, help="clips of a step (default: 8)")
    sub.add_argument("-j", "--workers", type=whole(), help="videos decoded at a time (default: one for each core)")
    sub.add_argument("--steps", type=whole(), default=10, help="batches to time (default: 10)")
    sub.add_argument("--json", action="store_true", help="the numbers as one JSON object")


def run(args):
    from keras_vid.training.evaluation.speed import input_speed, open_input, step_speed, verdict
    from keras_vid.training.recipes.fields import Recipe, channels_of

    options = _network_options(args)
    channels = channels_of(Recipe(args.model or "i3d", modality=args.modality))
    data, classes, report = open_input(args, channels)
    print(report, file=sys.stderr)
    numbers = {"input_clips_per_second": round(input_speed(data, args.steps, args.batch_size), 2)}
    if args.model:
        shape = (args.batch_size, args.frames, args.size)
        step = step_speed(args.model, classes, shape, min(args.steps, 5), {**options, "channels": channels})
        numbers["step_clips_per_second"] = round(step, 2)
        numbers["bottleneck"] = verdict(numbers["input_clips_per_second"], step)
    if args.json:
        print(json.dumps(numbers))
        return
    print(f"input: {numbers['input_clips_per_second']:.1f} clips/s ({args.frames} frames of {args.size}x{args.size})")
    if args.model:
        print(f"step of {args.model}: {numbers['step_clips_per_second']:.1f} clips/s")
        print(f"the bottleneck is the {numbers['bottleneck']}")


def _network_options(args):
    if not args.set:
        return {}
    from keras_vid.models.create import network_options
    from keras_vid.models.variants import VARIANTS
    from keras_vid.utils.errors import UsageError
    from keras_vid.utils.settings import parse_settings

    if args.model not in VARIANTS:
        raise UsageError("--set is an option of the network that --model names")
    return parse_settings(args.set, network_options(args.model), f"option of {args.model}")
