"""keras-vid detect train: a detector of actions from videos with boxes."""

import sys
from pathlib import Path

from keras_vid.training.commands.train import PRECISIONS

from keras_vid.utils.errors import InputError
from keras_vid.utils.files import resumed_with_room
from keras_vid.utils.settings import number, whole


def add_arguments(parser):
    parser.add_argument("--dataset", help="jhmdb, ucf101-24, csv (train.csv, test.csv), or synthetic")
    parser.add_argument("--data", help="folder of the ground truth and the videos or frames")
    parser.add_argument("--split", type=whole(), help="split of JHMDB (default: 1)")
    parser.add_argument("-o", "--output", required=True, help="the run folder")
    parser.add_argument("--recipe", help="paper, i3d or quick (default: quick for synthetic, else paper)")
    parser.add_argument("--weights", help="the clip network's start: a name, a file, or 'none'")
    parser.add_argument("--keyframe-weights", help="the keyframe network's start: a name, a file, or 'none'")
    parser.add_argument("--flow", help="folder of the videos' flow, made by keras-vid flow")
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="a field of the detector's settings"
    )
    parser.add_argument("-b", "--batch-size", type=whole(), help="keyframes of a step on each device")
    parser.add_argument("--steps", type=whole(), help="length of the run")
    parser.add_argument("--lr", type=number(above=0), help="learning rate")
    parser.add_argument("--seed", type=whole(0, 2**32 - 1), help="default: 0")
    parser.add_argument(
        "--resume", action="store_true", help="go on with the run in --output: its folder tells the rest"
    )
    machine = parser.add_argument_group("where it computes")
    machine.add_argument("--strategy", help="auto, default, mirrored or multi_worker (default: auto)")
    machine.add_argument("--devices", type=whole(), help="GPUs, or logical CPUs, of mirrored")
    machine.add_argument("--cluster", help="host:port,host:port of all workers, instead of TF_CONFIG")
    machine.add_argument("--task", type=whole(0), help="this worker's number in --cluster")
    text = "float32, mixed_bfloat16 or mixed_float16 (default: float32)"
    machine.add_argument("--precision", choices=PRECISIONS, metavar="PRECISION", help=text)
    machine.add_argument("-j", "--workers", type=whole(), help="keyframes decoded at a time (default: 4)")
    machine.add_argument("--save-every", type=whole(), help="steps between saved states (default: five minutes)")


@resumed_with_room()
def run(args):
    from keras_vid.detection.data import sets
    from keras_vid.detection.train import train
    from keras_vid.training.run.distribution import position
    from keras_vid.training.run.folder import RunFolder

    folder = RunFolder(args.output)
    recorded = folder.settings() if args.resume and (folder.path / "args.json").is_file() else {}
    options = _options(args, recorded)
    if not args.dataset or not args.data:
        raise InputError("--dataset and --data say which videos and boxes; only --resume -o RUN knows them")
    row = _row(args, recorded)
    data, test = (sets.load(args.dataset, args.data, args.split or 1, part) for part in ("train", "test"))
    for part, (table, paths) in (("train", data), ("test", test)):
        print(f"{part}: {len(table)} boxes, {len(paths)} of {len(table.videos)} videos", file=sys.stderr)
    flow = sets.locate(args.flow, data[0].videos + test[0].videos) if args.flow else None
    source = {name: getattr(args, name) for name in ("dataset", "data", "split", "flow")}
    train(row, data, args.output, test=test, options=options, flow=flow, source=source)
    if position(options.strategy, options.cluster, options.task)[0]:
        return
    skipped = len((Path(args.output) / "skipped.csv").read_text().splitlines()) - 1
    print(f"{skipped} videos skipped" if skipped else "no video skipped", file=sys.stderr)
    print(Path(args.output) / "best.keras")


def _options(args, recorded):
    """How the run is carried out; what no flag says is as the run was started, its data too."""
    from keras_vid.training.run.train import Options

    source = recorded.get("source", {})
    for name in ("dataset", "data", "split", "flow"):
        setattr(args, name, getattr(args, name) or source.get(name))
    names = ("strategy", "devices", "cluster", "precision", "workers", "save_every", "seed")
    values = {name: getattr(args, name) for name in names}
    values = {name: recorded.get(name) if value is None else value for name, value in values.items()}
    values = {name: value for name, value in values.items() if value is not None}
    return Options(data=args.data or "", task=args.task, resume=args.resume, **values)


def _row(args, recorded):
    """The recipe: that of the run which goes on, or of --recipe, with what the flags change."""
    from keras_vid.detection.recipes import DEFAULTS, recipe

    changes = {"batch_size": args.batch_size, "steps": args.steps, "lr": args.lr, "settings": _settings(args.set)}
    if recorded:
        row = {**recorded["recipe"], **{k: v for k, v in changes.items() if v is not None}}
        row["settings"] = {**recorded["recipe"]["settings"], **changes["settings"]}
    else:
        row = recipe(args.recipe or DEFAULTS.get(args.dataset, "paper"), **changes)
    flags = (args.weights, args.keyframe_weights)
    row["weights"] = [None if text == "none" else text or old for text, old in zip(flags, row["weights"])]
    return row


def _settings(texts):
    """The detector's settings that `--set NAME=VALUE` changes."""
    from keras_vid.detection.modeling.settings import Settings

    from keras_vid.utils.settings import parse_settings

    defaults = Settings()
    return parse_settings(texts, {name: getattr(defaults, name) for name in Settings.__dataclass_fields__}, "setting")
