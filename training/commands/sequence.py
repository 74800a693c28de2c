"""keras-vid sequence: features of frames in a file, and classifiers of such sequences compared (StNet, Table 1)."""

from keras_vid.utils.settings import number, whole
from keras_vid.utils.stops import resumable

EXAMPLES = """examples:
  keras-vid sequence features my_videos/ -o features.npz --model tsn_resnet50 --frames 25
  keras-vid sequence train features.npz -o runs/table1
  keras-vid sequence train features.npz -o runs/two --models mean,lstm --seeds 3
"""


def add_arguments(parser):
    kinds = parser.add_subparsers(dest="what", metavar="WHAT", required=True)
    sub = kinds.add_parser("features", help="the features of each frame of each clip, in an .npz file")
    sub.add_argument("data", help="a folder with one folder a class, or a CSV file path,label[,start,end]")
    sub.add_argument("-o", "--output", required=True, help="the .npz file: features, paths, labels, groups")
    sub.add_argument("--model", default="i3d", help="a network, a run folder or a .keras file (default: i3d)")
    sub.add_argument("--weights", help="of a network that is named (default: its published ones; none: random)")
    sub.add_argument("--frames", type=whole(), help="frames of a clip, where the network leaves it open")
    sub.add_argument("--size", type=whole(16), help="side of a clip, where the network leaves it open")
    sub.add_argument("-j", "--workers", type=whole(), help="videos decoded at a time (default: one for each core)")
    sub = kinds.add_parser("train", help="classifiers of such sequences, trained, tested and compared")
    sub.add_argument("features", help="a file of keras-vid sequence features")
    sub.add_argument("-o", "--output", required=True, help="the folder to write, or to go on with")
    sub.add_argument("--models", help="comma-separated (default: the ten of the paper's table)")
    sub.add_argument("--test", help="a file to test on (default: a fifth of the clips, of other sources)")
    sub.add_argument("--seeds", type=whole(), default=1, help="runs of each model (default: 1)")
    sub.add_argument("--epochs", type=whole(), default=30, help="passes over the clips (default: 30)")
    sub.add_argument("-b", "--batch-size", type=whole(), default=32, help="clips of a step (default: 32)")
    sub.add_argument("--lr", type=number(above=0), default=1e-3, help="Adam's first learning rate (default: 0.001)")


@resumable()
def run(args):
    import sys
    from pathlib import Path

    from keras_vid.utils.errors import UsageError
    from keras_vid.utils.locks import held_file

    if args.what == "features":
        from keras_vid.training.sequences.features import write_features

        if not args.output.endswith(".npz"):
            raise UsageError(f"-o {args.output}: features are written to an .npz file")
        options = {name: getattr(args, name) for name in ("model", "weights", "frames", "size", "workers")}
        with held_file(args.output):
            clips, frames, channels = write_features(args.data, args.output, **options)
        print(f"{args.output}: {clips:,} clips, {frames} frames, {channels:,} features", file=sys.stderr)
        return

    from keras_vid.training.sequences.compare import compare

    models = tuple(name.strip() for name in args.models.split(",")) if args.models else ()
    numbers = {"seeds": args.seeds, "epochs": args.epochs, "batch": args.batch_size, "rate": args.lr}
    compare(args.features, args.output, models=models, test=args.test, **numbers)
    print((Path(args.output) / "table.md").read_text(encoding="utf-8"))
