"""keras-vid embed: what a network sees in each clip, as a file, for TensorBoard's projector, or to find its like."""

from keras_vid.saved_models.engines.flag import add_engine_argument

from keras_vid.utils.settings import whole
from keras_vid.utils.stops import resumable

EXAMPLES = """examples:
  keras-vid embed my_videos/ -o features.npz               one folder a class, or a CSV file
  keras-vid embed my_videos/ -o features.npz --projector events/
  keras-vid embed my_videos/ --like clip.mp4               the nearest clips
"""


def add_arguments(parser):
    parser.add_argument("data", help="a folder with one folder a class, or a CSV file path,label[,start,end]")
    parser.add_argument("-o", "--output", help="an .npz file: features, paths, labels, groups, seconds")
    parser.add_argument("--projector", metavar="DIR", help="a folder for TensorBoard's projector, with pictures")
    parser.add_argument("--like", metavar="VIDEO", help="list the clips of DATA that are most like this one")
    parser.add_argument("--top", type=whole(), default=10, help="how many of them (default: 10)")
    parser.add_argument("--model", default="i3d", help="a network, a run folder or a .keras file (default: i3d)")
    parser.add_argument("--weights", help="of a network that is named (default: its published ones; none: random)")
    parser.add_argument("--frames", type=whole(), help="frames of a clip, where the network leaves it open")
    parser.add_argument("--size", type=whole(16), help="side of a clip, where the network leaves it open")
    parser.add_argument("--mirrored", action="store_true", help="the mean of each clip and of its mirror image")
    parser.add_argument(
        "--clip-views", type=whole(), default=1, help="clips of each video whose mean is taken (default: 1)"
    )
    parser.add_argument("-j", "--workers", type=whole(), help="videos decoded at a time (default: one for each core)")
    add_engine_argument(parser)
    parser.add_argument("--json", action="store_true", help="with --like: one JSON object a line")


@resumable()
def run(args):
    import contextlib

    from keras_vid.utils.errors import UsageError
    from keras_vid.utils.locks import held, held_file

    if not (args.output or args.projector or args.like):
        raise UsageError("nothing to do: give -o FILE.npz, --projector DIR or --like VIDEO")
    if args.output and not args.output.endswith(".npz"):
        raise UsageError(f"-o {args.output}: features are written to an .npz file")
    with contextlib.ExitStack() as outputs:
        if args.output:
            outputs.enter_context(held_file(args.output))
        if args.projector:
            outputs.enter_context(held(args.projector))
        _embed(args)


def _embed(args):
    import json
    import sys

    from keras_vid.training.small.embed import embed, nearest, write_npz, write_projector

    names = ("model", "weights", "frames", "size", "mirrored", "workers", "engine")
    options = {name: getattr(args, name) for name in names}
    embedded = embed(args.data, views=args.clip_views, **options)
    for path, reason in embedded.features.failures.items():
        print(f"left out: {path}: {reason}", file=sys.stderr)
    if args.output:
        write_npz(args.output, embedded)
        print(f"{args.output}: {len(embedded.items):,} clips, {embedded.vectors.shape[1]:,} features", file=sys.stderr)
    if args.projector:
        write_projector(args.projector, embedded)
        print(f"tensorboard --logdir {args.projector}, then its Projector tab", file=sys.stderr)
    if args.like:
        for item, similarity in nearest(embedded, args.like, args.top):
            label = embedded.dataset.labels[item.label]
            seconds = {} if item.start is None else {"start": item.start}
            row = {"path": item.path, "label": label, **seconds, "similarity": round(similarity, 4)}
            print(json.dumps(row) if args.json else f"{similarity:.3f}  {label}  {item.path}", flush=True)
