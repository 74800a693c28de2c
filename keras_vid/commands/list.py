"""keras-vid list: the networks with what they cost."""

import json

from keras_vid.utils.errors import InputError
from keras_vid.utils.progress import progress
from keras_vid.utils.settings import whole

EXAMPLES = """examples:
  keras-vid list                                       all networks
  keras-vid list 's3d*' --frames 16 --size 112         multiply-adds of other clips
  keras-vid list tsm_resnet50 --set share=4            with an option of the constructor
  keras-vid list --weights                             published weights, their sources and licences
"""


def add_arguments(parser):
    parser.add_argument("pattern", nargs="?", help="names to show, such as 's3d*'")
    parser.add_argument("--frames", type=whole(), default=64, help="frames of the clip that is counted (default: 64)")
    parser.add_argument("--size", type=whole(16), default=224, help="side of the clip that is counted (default: 224)")
    parser.add_argument("--classes", type=whole(), default=400, help="number of labels (default: 400)")
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="an option of the networks that are shown"
    )
    parser.add_argument("--names", action="store_true", help="names alone, at once")
    parser.add_argument("--weights", action="store_true", help="published weights as a table in Markdown, at once")
    parser.add_argument("--json", action="store_true", help="one JSON object a network")


def run(args):
    from keras_vid.models.create import create, network_options
    from keras_vid.models.variants import list_models

    names = list_models(args.pattern)
    if not names:
        raise InputError(f"no network's name matches {args.pattern!r}; keras-vid list --names shows all")
    if args.names:
        print("\n".join(names))
        return
    if args.weights:
        print("\n".join(weights_table(names)))
        return
    import keras

    from keras_vid.explain.macs import macs, parameters
    from keras_vid.utils.late import shapes_only
    from keras_vid.utils.settings import parse_settings
    from keras_vid.weights.table import names as weights_of

    options = {name: parse_settings(args.set, network_options(name), f"option of {name}") for name in names}

    if not args.json:
        print(f"{'network':24} {'parameters':>12} {'GMACs':>9} {'clip':>14}  weights")
    for name in _counted(names):
        with shapes_only():
            model = create(name, classes=args.classes, **options[name])
        frames = model.input_shape[1] or args.frames
        size = model.input_shape[2] or args.size
        row = {
            "network": name,
            "parameters": parameters(model),
            "macs": macs(model, frames, size),
            "frames": model.input_shape[1],
            "clip": [frames, size, size],
            "weights": weights_of(name),
        }
        if args.json:
            print(json.dumps(row), flush=True)
        else:
            clip = "x".join(map(str, row["clip"]))
            print(
                f"{name:24} {row['parameters']:>12,} {row['macs'] / 1e9:>9.2f} {clip:>14}  {', '.join(row['weights'])}"
            )
        del model
        keras.backend.clear_session()  # so that listing all networks needs the memory of one


def _counted(names):
    with progress(len(names), "networks") as advance:
        for number, name in enumerate(names):
            advance(number)
            yield name


def weights_table(networks):
    """Lines of Markdown, one for each set of weights; networks that start from the same image weights share a line."""
    from keras_vid.weights.table import A_START, WEIGHTS

    yield "| network | weights | frames | top-1 as reported | source, licence |"
    yield "|---|---|---|---|---|"
    shared = {}
    for (network, name), row in WEIGHTS.items():
        if network not in networks:
            continue
        if row.protocol == A_START:
            shared.setdefault((name, row.source, row.licence), []).append(network)
            continue
        frames = row.options.get("frames", 8) if row.options.get("classes") and "style" not in row.options else "any"
        every = f", every {row.view['stride']}th" if "stride" in row.view else ""
        reported = f"{row.accuracy} ({row.protocol})" if row.accuracy else "-"
        yield f"| `{network}` | `{name}` | {frames}{every} | {reported} | {row.source}, {row.licence} |"
    for (name, source, licence), names in shared.items():
        yield f"| {', '.join(f'`{n}`' for n in names)} | `{name}` | any | a start for training | {source}, {licence} |"
