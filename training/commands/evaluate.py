"""keras-vid evaluate: what a network gets right, by a protocol that is named with the numbers."""

from keras_vid.saved_models.engines.flag import add_engine_argument

from keras_vid.utils.errors import InputError, UsageError
from keras_vid.utils.settings import number, whole

EXAMPLES = """examples:
  keras-vid evaluate runs/stm                          by the protocol of its recipe
  keras-vid evaluate runs/stm --clips 10 --crops 3     thirty views of each video
  keras-vid evaluate runs/stm --reverse                the arrow of time: frames backwards
  keras-vid evaluate runs/s1 runs/s2 runs/s3           three splits and their mean
  keras-vid evaluate --fuse runs/rgb runs/flow --weights 1,1.5
  keras-vid evaluate runs/stm_v2 --submit answers.csv  the official test list, for the benchmark's server
  keras-vid evaluate i3d --weights kinetics400 --dataset kinetics400 --data DIR --split val
  keras-vid evaluate served/mine --test-data test.csv  what keras-vid export wrote, in int8 too
"""


def add_arguments(parser):
    parser.add_argument(
        "source",
        nargs="+",
        help="run folders (several: their mean too), a network's name, or a folder of keras-vid export",
    )
    parser.add_argument("--fuse", action="store_true", help="fuse the saved predictions of the sources")
    parser.add_argument("--weights", help="with --fuse one number a source, 1,1.5; with a network's name its weights")
    parser.add_argument("--data", help="where the videos are (default: where they were in training)")
    parser.add_argument("--test-data", help="another folder or CSV file to test on")
    parser.add_argument("--lists", help="folder of the official label and split files")
    parser.add_argument("--dataset", help="with a network's name or an export: the data set")
    parser.add_argument(
        "--split",
        help="of a run: test or validation (default: test, where there is one); "
        "with a network's name: val, test, test2, ... (default: val)",
    )
    parser.add_argument(
        "--clips", type=whole(0), help="clips of each video; 0 for all its frames (default: the recipe's)"
    )
    parser.add_argument("--crops", type=int, choices=(1, 3), help="crops of each clip (default: the recipe's)")
    parser.add_argument("--frames", type=whole(), help="frames of a clip (default: the recipe's)")
    parser.add_argument(
        "--modality", choices=("rgb", "flow"), help="with a network's name: what it reads (default: rgb)"
    )
    parser.add_argument(
        "--fps", type=number(above=0), help="frames that are read of each second of a video (default: the recipe's)"
    )
    parser.add_argument("--stride", type=whole(), help="read every Nth of these frames (default: the recipe's)")
    parser.add_argument("--size", type=whole(16), help="side of the crop (default: the recipe's)")
    parser.add_argument("-b", "--batch-size", type=whole(), help="clips at a time (default: the recipe's)")
    parser.add_argument(
        "--average", default="softmax", choices=("softmax", "logits"), help="what is averaged over views"
    )
    orders = parser.add_mutually_exclusive_group()
    orders.add_argument("--reverse", action="store_const", dest="order", const="reverse", help="frames backwards")
    orders.add_argument("--shuffle", action="store_const", dest="order", const="shuffle", help="frames in random order")
    orders.add_argument("--freeze", action="store_const", dest="order", const="freeze", help="one frame, repeated")
    parser.add_argument("-j", "--workers", type=whole(), help="videos decoded at a time")
    add_engine_argument(parser)
    parser.add_argument("-o", "--output", help="folder for the predictions, where the source is not a run folder")
    parser.add_argument(
        "--submit", metavar="FILE", help="classify the unlabelled test list of Something-Something or Jester into FILE"
    )
    parser.add_argument("--json", action="store_true", help="the numbers as JSON, one object a line")


def run(args):
    from pathlib import Path

    from keras_vid.training.evaluation.evaluate import evaluate_network
    from keras_vid.training.evaluation.finish import finish
    from keras_vid.training.evaluation.predictions import averaged, fused

    order = args.order or "forward"
    changes = {"views": args.clips, "crops": args.crops, "test_frames": args.frames, "test_size": args.size}
    changes |= {"batch": args.batch_size, "modality": args.modality, "fps": args.fps, "stride": args.stride}
    changes = {key: value for key, value in changes.items() if value is not None}
    if args.submit:
        _submit(args, changes)
        return
    if args.fuse:
        numbers, predictions = fused(args.source, _weights(args.weights))
        if args.output:
            Path(args.output).mkdir(parents=True, exist_ok=True)
            predictions.save(Path(args.output) / "predictions")
        _show(numbers, args)
        return
    if len(args.source) == 1 and (args.dataset or _is_network(args.source[0])):
        numbers, predictions = evaluate_network(
            args.source[0],
            args.weights,
            *_data_of_network(args),
            lists=args.lists,
            changes=changes,
            order=order,
            average=args.average,
            workers=args.workers,
            engine=args.engine,
        )
        if args.output:
            Path(args.output).mkdir(parents=True, exist_ok=True)
            predictions.save(Path(args.output) / "predictions")
        _show(numbers, args)
        return
    where = {"data": args.data, "test_data": args.test_data, "lists": args.lists}
    where = {key: value for key, value in where.items() if value is not None}
    many = []
    for source in args.source:
        data = {**where, "engine": args.engine}
        options = {"changes": changes, "data": data, "average": args.average, "workers": args.workers}
        options["part"] = {"val": "validation"}.get(args.split, args.split)
        many.append(finish(source, order, **options))
        _show(many[-1], args)
    if len(many) > 1:
        _show(averaged(many), args)


def _is_network(source):
    """Whether a source is a network's name or a folder of keras-vid export, and no run folder."""
    from keras_vid.saved_models.layout import saved_model_folder

    from keras_vid.models.variants import VARIANTS

    return source in VARIANTS or saved_model_folder(source) is not None


def _data_of_network(args):
    """(name of the data set, where it is, its split)."""
    if args.dataset:
        return args.dataset, args.data or args.test_data, args.split or "val"
    if not args.test_data:
        raise UsageError(f"{args.source[0]} names no videos: give --test-data, or --dataset and --data")
    return "csv" if args.test_data.endswith(".csv") else "folder", args.test_data, args.split or "test"


def _submit(args, changes):
    import sys

    from keras_vid.training.evaluation.submission import submit

    if len(args.source) != 1 or args.fuse or args.order or args.dataset:
        raise UsageError("--submit takes one run folder, and frames as they are")
    where = {"data": args.data, "lists": args.lists}
    count = submit(args.source[0], args.submit, changes, **where, average=args.average, workers=args.workers)
    print(f"{args.submit}: {count:,} clips", file=sys.stderr)


def _weights(text):
    if not text:
        return None
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise InputError(f"--weights wants one number a source as 1,1.5, not {text!r}") from None


def _show(numbers, args):
    if args.json:
        import json

        print(json.dumps(numbers), flush=True)
        return
    from keras_vid.training.evaluation.metrics import in_words, shown

    for key, value in numbers.items():
        if key != "unreadable_clips":
            print(f"{key.replace('_', ' ')}: {shown(key, value)}", flush=True)
    if "clips" in numbers:
        print(in_words(numbers), flush=True)
    if numbers.get("part") == "validation":
        print("these clips chose the network: on clips that it has never met it will be worse", flush=True)
