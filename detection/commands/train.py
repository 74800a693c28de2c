"""keras-vid detect train: a detector of actions from videos with boxes."""

import sys
from pathlib import Path


def add_arguments(parser):
    parser.add_argument("--dataset", required=True, help="jhmdb, ucf101-24, csv (train.csv, test.csv), or synthetic")
    parser.add_argument("--data", required=True, help="folder of the ground truth and the videos or frames")
    parser.add_argument("--split", type=int, default=1, help="split of JHMDB (default: 1)")
    parser.add_argument("-o", "--output", required=True, help="the run folder")
    parser.add_argument("--recipe", help="paper, i3d or quick (default: quick for synthetic, else paper)")
    parser.add_argument("--weights", help="the clip network's start: a name, a file, or 'none'")
    parser.add_argument("--keyframe-weights", help="the keyframe network's start: a name, a file, or 'none'")
    parser.add_argument("--flow", help="folder of the videos' flow, made by keras-vid flow")
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="a field of the detector's settings"
    )
    parser.add_argument("-b", "--batch-size", type=int, help="keyframes of a step on each device")
    parser.add_argument("--steps", type=int, help="length of the run")
    parser.add_argument("--lr", type=float, help="learning rate")
    parser.add_argument("--seed", type=int, default=0, help="default: 0")
    parser.add_argument("--mixed-precision", choices=["bfloat16", "float16"], help="compute in 16 bits")
    parser.add_argument("--resume", action="store_true", help="go on from the run folder's last checkpoint")


def run(args):
    from keras_vid.detection.data import sets
    from keras_vid.detection.recipes import DEFAULTS, recipe
    from keras_vid.detection.train import train
    from keras_vid.training.run.distribution import set_precision

    row = recipe(
        args.recipe or DEFAULTS.get(args.dataset, "paper"),
        settings=_settings(args.set),
        batch_size=args.batch_size,
        steps=args.steps,
        lr=args.lr,
    )
    given = [None if text == "none" else text or old for text, old in zip(_weights(args), row["weights"])]
    row["weights"] = given
    if args.mixed_precision:
        set_precision(f"mixed_{args.mixed_precision}", lambda line: print(line, file=sys.stderr))
    data, test = (sets.load(args.dataset, args.data, args.split, part) for part in ("train", "test"))
    for part, (table, paths) in (("train", data), ("test", test)):
        print(f"{part}: {len(table)} boxes, {len(paths)} of {len(table.videos)} videos", file=sys.stderr)
    flow = sets.locate(args.flow, data[0].videos + test[0].videos) if args.flow else None
    train(row, data, args.output, test=test, seed=args.seed, resume=args.resume, flow=flow)
    skipped = len((Path(args.output) / "skipped.csv").read_text().splitlines()) - 1
    print(f"{skipped} videos skipped" if skipped else "no video skipped", file=sys.stderr)
    print(Path(args.output) / "last.keras")


def _weights(args):
    return args.weights, args.keyframe_weights


def _settings(texts):
    """The detector's settings that `--set NAME=VALUE` changes."""
    from keras_vid.detection.modeling.settings import Settings

    from keras_vid.utils.settings import parse_settings

    defaults = Settings()
    return parse_settings(texts, {name: getattr(defaults, name) for name in Settings.__dataclass_fields__}, "setting")
