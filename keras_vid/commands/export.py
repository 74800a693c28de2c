"""keras-vid export: a network as a SavedModel for TF Serving."""

import sys
from pathlib import Path


def add_arguments(parser):
    parser.add_argument("model", help="a network's name, a run folder or a .keras file")
    parser.add_argument("-o", "--output", required=True, help="the model's folder; its next version is written there")
    parser.add_argument("--weights", help="weights for a network's name: a name or a file")
    parser.add_argument("--frames", type=int, help="fix the number of frames of a clip")
    parser.add_argument("--size", type=int, help="fix the side of a clip")
    parser.add_argument("--labels", help="a text file of label names, one a line, in the order of the classes")


def run(args):
    from keras_vid.zoo import VARIANTS, load_model
    from saved_models.export import export

    shape = {key: value for key, value in (("frames", args.frames), ("size", args.size)) if value is not None}
    if args.model in VARIANTS and args.weights is None:
        raise ValueError(f"{args.model} without weights has nothing to serve: give --weights, or a .keras file")
    model = load_model(args.model, weights=args.weights, **shape)
    labels = None
    if args.labels:
        lines = Path(args.labels).read_text(encoding="utf-8").splitlines()
        labels = [line.strip() for line in lines if line.strip()]
    print("folding, writing and checking ...", file=sys.stderr)
    print(export(model, args.output, labels))
