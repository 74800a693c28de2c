"""keras-vid ablate: the papers' ablation tables, trained on one's own data, beside the papers' numbers."""

import sys

from keras_vid.utils.errors import UsageError
from keras_vid.utils.settings import number, whole
from keras_vid.utils.stops import resumable

EXAMPLES = """examples:
  keras-vid ablate --list
  keras-vid ablate stm/table5                                    on the synthetic set, which is made for it
  keras-vid ablate s3d/figure4 --data VIDEOS --dataset mini_kinetics200 --seeds 3
  keras-vid ablate sth/table6 --data my_videos/ --backbone resnet50 --epochs 30
  keras-vid ablate s3d/figure4 --rows 'top-heavy-s3d*'           some of the rows
What is trained is not trained again: the same command goes on where it stopped, and adds rows or seeds. The table is
written after each row, with the rows that were trained before."""


def add_arguments(parser):
    parser.add_argument("table", nargs="?", help="which table, such as stm/table5")
    parser.add_argument("--list", action="store_true", help="the tables with their rows, and stop")
    parser.add_argument("--data", default="synthetic", help="the videos, or 'synthetic' (default)")
    parser.add_argument("--dataset", help="the data set of --data: the paper's, or folder (default: synthetic, folder)")
    parser.add_argument("-o", "--output", help="the folder of the runs and the table (default: runs/ablations/TABLE)")
    parser.add_argument("--seeds", type=whole(), default=1, help="how often each row is trained (default: 1)")
    parser.add_argument("--rows", metavar="PATTERN", help="rows whose name matches, such as 'CSTM' or 'top-heavy*'")
    parser.add_argument("--backbone", help="of networks on an image network (default: the paper's, or resnet14)")
    parser.add_argument("--lists", help="folder of the official label and split files")
    parser.add_argument("--split", type=whole(), default=1, help="split of UCF101 and HMDB51 (default: 1)")
    parser.add_argument("-j", "--workers", type=whole(), help="videos decoded at a time")
    made = parser.add_argument_group("the synthetic set")
    made.add_argument("--clips", type=whole(), default=30, help="training clips of each class (default: 30)")
    made.add_argument("--pixels", type=whole(24), default=64, help="side of its videos (default: 64)")
    fields = parser.add_argument_group("fields of the rows' recipe")
    fields.add_argument("-b", "--batch-size", dest="batch", type=whole(), help="clips of a step")
    fields.add_argument("--epochs", type=number(above=0), help="passes over the training clips")
    fields.add_argument("--lr", type=number(above=0), help="learning rate")
    fields.add_argument("--frames", type=whole(), help="frames of a clip")
    fields.add_argument("--size", type=whole(16), help="side of the picture that the networks see")
    fields.add_argument("--short", type=whole(16), help="short side to which frames are scaled while decoding")
    fields.add_argument("--weights", help="what all rows start from; none: random weights")


@resumable()
def run(args):
    from keras_vid.training.ablations.tables import TABLES

    if args.list:
        for name, table in TABLES.items():
            print(f"{name:16} {table.title} ({len(table.rows)} rows; {table.dataset})")
        return
    if not args.table:
        raise UsageError("which table? `keras-vid ablate --list` shows them")

    from pathlib import Path

    from keras_vid.training.ablations.report import write_tables
    from keras_vid.training.ablations.run import SYNTHETIC, find_table, rows_of, run_table, synthetic_data
    from keras_vid.training.run.train import Options

    from keras_vid.utils.locks import held

    table = find_table(args.table)
    rows_of(table, args.rows)  # a wrong name is refused before videos are made
    output = Path(args.output or f"runs/ablations/{args.table.replace('/', '_')}")
    made = args.data == SYNTHETIC
    dataset = args.dataset or (SYNTHETIC if made else "folder")
    more = {"seeds": args.seeds, "pattern": args.rows, "backbone": args.backbone, "changes": _changes(args)}
    with held(output):
        data = synthetic_data(output / "data", args.clips, args.pixels) if made else args.data
        data = data if "://" in str(data) else Path(data).absolute()  # the same from wherever it is named
        options = Options(data=str(data), lists=args.lists, split=args.split, workers=args.workers)
        for results in run_table(args.table, dataset, options, output, **more):
            text = write_tables(table, results, output, _command(args))
            print(f"{len(results)} of {len(table.rows)} rows are in {output}/table.html", file=sys.stderr, flush=True)
    print(text)
    print(f"the table is in {output}: table.md, table.html", file=sys.stderr)


def _changes(args):
    """Fields of the recipe that the flags change in all rows."""
    names = ("batch", "lr", "frames", "size", "short")
    changes = {name: getattr(args, name) for name in names if getattr(args, name) is not None}
    if args.weights is not None:
        changes["weights"] = None if args.weights == "none" else args.weights
    if args.epochs is not None:
        changes |= {"unit": "epochs", "length": args.epochs, "schedule": "cosine", "drops": ()}
    return changes


def _command(args):
    """The command of the table, as it can be typed again."""
    words = ["keras-vid", "ablate", args.table, *(["-o", args.output] if args.output else [])]
    defaults = {"data": "synthetic", "seeds": 1, "split": 1, "clips": 30, "pixels": 64}
    for name in ("data", "dataset", "seeds", "rows", "backbone", "lists", "split", "clips", "pixels", "batch"):
        value = getattr(args, name)
        if value is not None and value != defaults.get(name):
            words += ["--batch-size" if name == "batch" else f"--{name}", repr(value) if name == "rows" else str(value)]
    for name in ("epochs", "lr", "frames", "size", "short", "weights"):
        value = getattr(args, name)
        if value is not None:
            words += [f"--{name}", f"{value:g}" if isinstance(value, float) else str(value)]
    return " ".join(words)
