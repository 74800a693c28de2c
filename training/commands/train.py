"""keras-vid train: from a folder of videos to a trained, tested, documented run."""

import dataclasses

from keras_vid.training.commands.own_videos import OWN, add_flags, refuse_flags, train_own_videos
from keras_vid.training.commands.recipe_flags import add_recipe_flags

from keras_vid.utils.errors import InputError, Stopped, UsageError
from keras_vid.utils.files import resumed_with_room
from keras_vid.utils.settings import number, whole

PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")

EXAMPLES = """examples:
  keras-vid train --data my_videos/                             your own videos, one folder a class: all is chosen
  keras-vid train --data my_videos/ --plan                      what would be done, and why
  keras-vid train s3dg --data my_videos/ --epochs 20            a named network, trained whole
  keras-vid train tsm_resnet50 --data clips.csv                 path,label[,start,end]
  keras-vid train stm_resnet50/ucf101 --data UCF101 --split 2   a paper's recipe
  keras-vid train --resume -o runs/a                            goes on with a run that was stopped
  keras-vid train stnet_resnet50/kinetics400 --data DIR --set modelling=paper     an option of the network
  keras-vid train tsn_resnet50/folder --show                    a recipe's settings, without training
  keras-vid train --recipes 'stm*'                              what recipes there are
"""


def add_arguments(parser):
    parser.usage = "keras-vid train [RECIPE] --data DATA [-o RUN] [options]"
    parser.add_argument("recipe", nargs="?", metavar="RECIPE", help="a network, or network/dataset; see --recipes")
    parser.add_argument("--recipes", action="store_true", help="list all recipes, or those of a pattern, and stop")
    parser.add_argument("--data", help="the videos: a folder, a CSV file, or a data set's root")
    parser.add_argument("-o", "--output", help="the run folder (default: runs/RECIPE)")
    parser.add_argument("--resume", action="store_true", help="go on with the run in --output where it stopped")
    parser.add_argument("--epochs", type=number(above=0), help="short for --unit epochs --length EPOCHS")
    parser.add_argument("--show", action="store_true", help="print the recipe's settings and stop")
    parser.add_argument("--no-test", action="store_true", help="no test and report after the last epoch")
    parser.add_argument("--lists", help="folder of the official label and split files (default: below --data)")
    parser.add_argument("--split", type=whole(), default=1, help="split of UCF101 and HMDB51 (default: 1)")
    parser.add_argument("--val-data", help="a folder or CSV file to validate on (default: the data set's own)")
    parser.add_argument(
        "--group-by", help="what no split may cut: a CSV column, folder, looks, or a pattern in the paths"
    )
    parser.add_argument("--no-validation", action="store_true", help="train on everything, validate on nothing")
    parser.add_argument("-j", "--workers", type=whole(), help="videos decoded at a time (default: one for each core)")
    parser.add_argument(
        "--seed", type=whole(0, 2**32 - 1), default=0, help="of weights, order and augmentation (default: 0)"
    )
    parser.add_argument("--service", help="address of a tf.data service that decodes prepared data, grpc://host:port")
    machine = parser.add_argument_group("where it computes")
    machine.add_argument("--strategy", default="auto", help="auto, default, mirrored or multi_worker (default: auto)")
    machine.add_argument("--devices", type=whole(), help="GPUs, or logical CPUs, of mirrored")
    machine.add_argument("--cluster", help="host:port,host:port of all workers, instead of TF_CONFIG")
    machine.add_argument("--task", type=whole(0), help="this worker's number in --cluster")
    machine.add_argument(
        "--precision",
        default="float32",
        choices=PRECISIONS,
        metavar="PRECISION",
        help="float32, mixed_bfloat16 or mixed_float16",
    )
    machine.add_argument("--xla", action="store_true", help="compile the step with XLA (slower on a CPU)")
    machine.add_argument("--steps-per-execution", type=whole(), default=1, help="steps in one call of the graph")
    machine.add_argument("--accumulate", type=whole(), default=1, help="steps whose gradients are added up")
    machine.add_argument(
        "--average", type=number(least=0, below=1), default=0.0, metavar="M", help="also average weights, e.g. 0.999"
    )
    machine.add_argument("--save-every", type=whole(), help="steps between saved states (default: five minutes)")
    machine.add_argument("--profile", metavar="A:B", help="profile steps A to B for TensorBoard")
    add_flags(parser)
    add_recipe_flags(parser)


def run(args):
    import json
    from pathlib import Path

    if args.recipes:
        return _list_recipes(args.recipe or "*")
    if not args.recipe and args.data and not args.resume:
        return train_own_videos(args)
    refuse_flags(args, OWN, "only for your own videos without RECIPE, `keras-vid train --data DIR`")
    if args.resume and not (args.recipe or args.output):
        raise UsageError("--resume goes on with the run in a folder: -o RUN names it")
    if not args.recipe and not args.resume:
        raise InputError("`keras-vid train --data DIR` takes your own videos, `train NETWORK --data DIR` a recipe")
    output = Path(args.output or f"runs/{args.recipe.replace('/', '_')}")
    if args.resume and (output / "args.json").is_file():
        chosen, options = resumed(args, output)
    elif not args.recipe:
        raise InputError(
            f"{output} holds no run to go on with: there is no args.json in it (what a run without RECIPE has read of "
            "the videos is kept, and its own command goes on with that)"
        )
    else:
        chosen, options = chosen_recipe(args), chosen_options(args)
    if args.show:
        print(json.dumps(dataclasses.asdict(chosen), indent=1))
        return
    if not options.data:
        raise InputError("--data says where the videos are: a folder with one folder a class, a CSV file, a data set")

    _train_and_test(chosen, options, output, args)


@resumed_with_room()
def _train_and_test(chosen, options, output, args):
    import sys

    from keras_vid.training.run.distribution import position
    from keras_vid.training.run.train import train

    folder = train(chosen, options, output)
    chief = position(options.strategy, options.cluster, options.task)[0] == 0
    if not chief or args.no_test or not options.validate or not (folder / "best.keras").is_file():
        return

    from keras_vid.training.evaluation.finish import finish
    from keras_vid.training.evaluation.metrics import in_words

    try:
        numbers = finish(folder, workers=options.workers)
    except KeyboardInterrupt as error:
        raise Stopped(f"the run is complete, its test is not: keras-vid evaluate {folder}") from error
    print(f"{in_words(numbers)} ({numbers['protocol']}; {numbers['split']})")
    print(
        f"everything is in {folder}: open report.html, or run `keras-vid predict VIDEO --model {folder}`",
        file=sys.stderr,
    )


def _list_recipes(pattern):
    from fnmatch import fnmatch

    from keras_vid.training.recipes import RECIPES

    rows = {name: row for name, row in RECIPES.items() if fnmatch(name, pattern) or fnmatch(row.model, pattern)}
    if not rows:
        raise InputError(f"no recipe's name matches {pattern!r}; keras-vid train --recipes lists them all")
    for name, row in rows.items():
        length = f"{row.length:g} {row.unit} of {row.paper_batch} clips a step"
        print(f"{name:45} lr {row.lr:<6g} {length}; {row.source}")


def chosen_options(args):
    """How the run is carried out, from the flags."""
    from keras_vid.training.run.train import Options

    names = {field.name for field in dataclasses.fields(Options)} & set(vars(args))
    values = {name: getattr(args, name) for name in names}
    values |= {"data": args.data or "", "profile": _window(args.profile), "validate": not args.no_validation}
    return Options(**values)


def resumed(args, output):
    """The recipe and the options of the run in a folder, with what the flags change."""
    from keras_vid.training.evaluation.evaluate import read_args
    from keras_vid.training.run.train import Options

    row, recorded = read_args(output)
    if "stage" in recorded:
        raise InputError(f"{output} learned from your own videos without RECIPE, and is complete: give another -o")
    if args.recipe and args.recipe not in (row.model, f"{row.model}/{row.dataset}"):
        raise InputError(
            f"{output} trains {row.model}/{row.dataset}, not {args.recipe}: leave the name out, or give another -o"
        )
    changes = _network_changes(row, args.set) | _changes(args)
    if args.epochs is not None:
        if row.unit != "epochs":
            raise InputError(f"{output} counts in steps: --length STEPS makes it longer, not --epochs")
        changes["length"] = args.epochs
    flags, of_this_start = chosen_options(args), ("resume", "task", "profile")
    values = {
        name: recorded[name]
        for name, value in dataclasses.asdict(Options()).items()
        if name in recorded and name not in of_this_start and getattr(flags, name) == value
    }
    return dataclasses.replace(row, **changes), dataclasses.replace(flags, **values)


def _changes(args):
    """The fields of the recipe that flags change."""
    from keras_vid.training.recipes import Recipe

    names = [field.name for field in dataclasses.fields(Recipe) if field.name not in ("model", "dataset", "options")]
    changes = {name: getattr(args, name) for name in names if getattr(args, name, None) is not None}
    return {**changes, "weights": None} if changes.get("weights") == "none" else changes


def chosen_recipe(args):
    """The recipe that the command line names, with the fields that its flags change."""
    from keras_vid.training.recipes import recipe

    plain = recipe(args.recipe)
    changes = _network_changes(plain, args.set) | _changes(args)
    if args.epochs is not None:
        if "drops" not in changes:  # at the same shares of the run
            changes["drops"] = tuple(round(place * args.epochs / plain.length, 3) for place in plain.drops)
        changes |= {"unit": "epochs", "length": args.epochs}
    return recipe(args.recipe, **changes)


def _network_changes(row, texts):
    """The fields of a recipe that `--set NAME=VALUE` changes: options, and two that are fields of their own."""
    if not texts:
        return {}
    from keras_vid.models.create import network_options
    from keras_vid.utils.settings import parse_settings

    options = parse_settings(texts, network_options(row.model), f"option of {row.model}")
    changes = {}
    if "dropout" in options:
        changes["dropout"] = options.pop("dropout")
    if "length" in options:  # of super-images, whose number stays
        changes["neighbours"] = options.pop("length")
        changes["frames"] = row.frames // row.neighbours * changes["neighbours"]
    return {**changes, "options": {**row.options, **options}}


def _window(text):
    if not text:
        return None
    first, _, last = text.partition(":")
    if not (first.isdigit() and last.isdigit() and int(first) < int(last)):
        raise InputError(f"--profile wants two steps as 10:20, not {text!r}")
    return int(first), int(last)
