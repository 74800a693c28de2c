"""keras-vid summary: one network, a layer a line."""

import contextlib
import json
import math

from keras_vid.utils.settings import whole

EXAMPLES = """examples:
  keras-vid summary s3dg                               endpoints, and what each part costs
  keras-vid summary stm_resnet50 --frames 16 --all     every layer
  keras-vid summary runs/a --json                      a trained network
"""


def add_arguments(parser):
    parser.add_argument("model", help="a network's name, a run folder or a .keras file")
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="an option of a network that is named"
    )
    parser.add_argument("--frames", type=whole(), help="frames of the clip (default: the network's, or 64)")
    parser.add_argument("--size", type=whole(16), help="side of the clip (default: the network's, or 224)")
    parser.add_argument("--all", action="store_true", help="every layer, not only endpoints and those that cost")
    parser.add_argument("--json", action="store_true", help="one JSON object a layer")


def _options(args):
    """What the flags change of the network; one that was trained is as it is."""
    from keras_vid.models.variants import VARIANTS

    shape = {name: getattr(args, name) for name in ("frames", "size") if args.model in VARIANTS and getattr(args, name)}
    if not args.set:
        return shape
    from keras_vid.models.create import network_options
    from keras_vid.utils.errors import UsageError
    from keras_vid.utils.settings import parse_settings

    if args.model not in VARIANTS:
        raise UsageError(f"--set changes a network that is named; {args.model} was built already")
    return {**shape, **parse_settings(args.set, network_options(args.model), f"option of {args.model}")}


def run(args):
    from keras_vid.explain.macs import layer_macs, parameters
    from keras_vid.inference.load import load_model
    from keras_vid.models.variants import VARIANTS
    from keras_vid.utils.late import shapes_only

    with shapes_only() if args.model in VARIANTS else contextlib.nullcontext():
        model = load_model(args.model, **_options(args))
    weights = {layer.name: sum(math.prod(w.shape) for w in layer.trainable_weights) for layer in model.layers}
    rows = layer_macs(model, args.frames, args.size)
    if not args.json:
        print(f"{'layer':44} {'output':>24} {'parameters':>12} {'MACs':>15}")
    for name, shape, count in rows:
        endpoint = name[0].isupper() and "Branch" not in name
        if not (args.all or endpoint or weights.get(name) or count):
            continue
        if args.json:
            row = {"layer": name, "output": list(shape), "parameters": weights.get(name, 0), "macs": count}
            print(json.dumps(row))
        else:
            output = "x".join(map(str, shape[1:]))
            print(f"{name:44} {output:>24} {weights.get(name, 0):>12,} {count:>15,}")
    if not args.json:
        total = sum(count for *_, count in rows)
        print(f"{'total':44} {'':>24} {parameters(model):>12,} {total:>15,}")
