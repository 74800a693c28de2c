"""keras-vid train --data DIR, without a recipe: the data decides, the plan says how and why."""

import argparse
from pathlib import Path

from keras_vid.utils.errors import UsageError
from keras_vid.utils.settings import number, whole
from keras_vid.utils.stops import resumable

OWN = ("plan", "model", "stages", "freeze", "patience", "time_limit", "folds", "mirrored", "clip_views", "control")
OWN += ("background",)  # flags that only a run without a recipe has
SHARED = ("data", "output", "group_by", "seed", "workers", "epochs", "stride", "weights", "frames", "size", "fps")
SHARED += ("batch", "lr", "head_rate", "recipe", "resume", "no_test", "run", "default")


def add_flags(parser):
    """The flags of `keras-vid train` that say how one's own videos are learned from."""
    own = parser.add_argument_group("your own videos, without RECIPE (all is chosen by the data)")
    own.add_argument("--plan", action="store_true", help="print what would be done, why and how long it takes; stop")
    own.add_argument("--model", help="a network with weights, a run folder or a .keras file (default: i3d)")
    own.add_argument("--stages", help="of probe,tune,combine; what folds do not find better is not kept")
    own.add_argument("--freeze", metavar="LAYER", help="the last frozen layer in tuning")
    own.add_argument("--patience", type=whole(0), help="epochs without a smaller loss after which tuning stops")
    own.add_argument(
        "--time-limit", type=number(above=0), metavar="MINUTES", help="what the run may take (default: 15)"
    )
    own.add_argument("--folds", type=whole(2), help="parts into which the sources are dealt out for validation (5)")
    own.add_argument("--stride", type=whole(), help="read every Nth frame only, with RECIPE too")
    own.add_argument(
        "--mirrored",
        action=argparse.BooleanOptionalAction,
        help="learn from each clip in a mirror, too (default: where that costs less than a minute)",
    )
    own.add_argument("--clip-views", type=whole(), default=1, help="clips of each video to learn from (1)")
    own.add_argument("--control", action="store_true", help="also judge a probe that sees one frame of each clip")
    own.add_argument("--background", action="store_true", help="a class more: what is outside the segments of files")
    parser.set_defaults(default=parser.get_default)


def refuse_flags(args, names, why):
    """Refuse flags that this kind of run would not look at."""
    wrong = [name for name in names if getattr(args, name) != args.default(name)]
    if wrong:
        raise UsageError(f"{', '.join('--' + name.replace('_', '-') for name in wrong)}: {why}")


def train_own_videos(args):
    """Plan and fit by the flags of `keras-vid train`; the table goes to stdout."""
    import sys

    others = [name for name in vars(args) if name not in (*OWN, *SHARED)]
    refuse_flags(args, others, "only with a recipe, `keras-vid train NETWORK --data DIR`")
    from keras_vid.training.small.fit import fit_folder, plan_folder

    choices = {
        "model": args.model,
        "weights": args.weights,
        "frames": args.frames,
        "size": args.size,
        "stride": args.stride,
        "fps": args.fps,
        "views": args.clip_views,
        "mirrored": args.mirrored,
        "stages": tuple(part.strip() for part in args.stages.split(",")) if args.stages else None,
        "freeze": args.freeze,
        "epochs": int(args.epochs) if args.epochs else None,
        "batch": args.batch,
        "rate": args.lr,
        "head_rate": args.head_rate,
        "patience": args.patience,
        "time_limit": args.time_limit,
        "folds": args.folds,
        "control": args.control,
        "background": args.background,
    }
    if args.plan:
        print(plan_folder(args.data, group_by=args.group_by, **choices)[0].text())
        return
    output = args.output or f"runs/{Path(args.data).stem}"
    with resumable():
        result = fit_folder(args.data, output, group_by=args.group_by, seed=args.seed, workers=args.workers, **choices)
    print(result.text())
    text = f"everything is in {output}: open report.html, or run `keras-vid predict VIDEO --model {output}`"
    print(text, file=sys.stderr)
