"""keras-vid figure: the papers' figures of networks and runs, as PNG with the numbers as CSV beside it."""

import functools
import sys
from pathlib import Path

from keras_vid.utils.errors import InputError, UsageError
from keras_vid.utils.settings import whole

EXAMPLES = """figures:
  temporal-weights   weights by temporal offset and layer (S3D, Fig. 5)            MODEL [--layers]
  tsne               features of labelled videos by level and network (S3D, Fig. 7)  MODEL ... --videos --layers
  activation         class activation, networks below each other (StNet, Fig. 4)   MODEL ... --videos [--class]
  motion             a clip, CSTM's and CMM's maps, TV-L1 flow (STM, Fig. 1)       MODEL --videos
  attention          time against image by layer and network (STH, Figs. 5-8)      MODEL ... --videos [...]
  categories         what one run gets right and another does not, with clips (STM, Fig. 4; STH, Figs. 9-10)  RUN RUN

NAME=MODEL names a network in the figure.

examples:
  keras-vid figure temporal-weights i3d -o weights.png
  keras-vid figure attention p=1/4=runs/a p=1/2=runs/b --videos clips/ -o attention.png
  keras-vid figure categories runs/tsn runs/stm -o categories.png
"""
NAMES = ("temporal-weights", "tsne", "activation", "motion", "attention", "categories")


def add_arguments(parser):
    parser.add_argument("figure", metavar="FIGURE", choices=NAMES, help=f"one of {', '.join(NAMES)}")
    parser.add_argument("models", nargs="+", metavar="MODEL", help="a network's name, a run folder or a .keras file")
    parser.add_argument("-o", "--output", required=True, help="the .png to write; the numbers go into a .csv beside it")
    parser.add_argument(
        "--videos",
        nargs="+",
        metavar="PATH",
        help="a video, a folder with one for each class, or a CSV (path,label); of attention, one for each network",
    )
    parser.add_argument("--most", type=whole(), help="how many of the videos to look at, evenly spread (default: all)")
    parser.add_argument("--layers", nargs="+", metavar="NAME", help="the layers to show")
    parser.add_argument("--class", dest="label", metavar="NAME", help="the class of activation (default: the label)")
    parser.add_argument("--weights", help="weights for a network's name: a name or a file (default: kinetics400)")
    parser.add_argument("--frames", type=whole(), help="frames to look at, of networks that leave it open")
    parser.add_argument(
        "--size", type=whole(16), help="side of the clip, of networks that leave it open (default: 224)"
    )


def run(args):
    if Path(args.output).suffix.lower() != ".png":
        raise InputError(f"{args.output}: a figure is written as .png")
    wants = {"tsne": True, "activation": True, "motion": True, "attention": True}.get(args.figure, False)
    if wants != bool(args.videos):
        raise UsageError(f"{args.figure} {'needs' if wants else 'takes no'} --videos")
    if args.figure == "tsne" and not args.layers:
        raise UsageError("tsne needs --layers: the levels to show, such as MaxPool_3a_3x3 Mixed_5c, or conv2 conv5")
    count = {"temporal-weights": 1, "motion": 1, "categories": 2}.get(args.figure)
    if count and len(args.models) != count:
        raise UsageError(f"{args.figure} is made of {count} network{'s' * (count > 1)}, not {len(args.models)}")
    from keras_vid.explain.strips import write_figure, write_numbers

    header, rows, figure = FIGURES[args.figure](args)
    Path(args.output).parent.mkdir(parents=True, exist_ok=True)
    write_figure(args.output, figure)
    print(args.output)
    print(write_numbers(args.output, header, rows))


def _temporal_weights(args):
    from keras_vid.explain.figures import temporal_weights as figure

    ((_, model, _),) = _networks(args)
    rows = figure.temporal_weights(model)
    return figure.HEADER, rows, figure.draw(rows, args.layers)


def _tsne(args):
    from keras_vid.explain.figures import projection as figure

    networks = [
        (name, model, functools.partial(view.read, frames=args.frames)) for name, model, view in _networks(args)
    ]
    rows = figure.project(networks, args.layers, _readable(_videos(args, args.videos)))
    return figure.HEADER, rows, figure.draw(rows)


def _activation(args):
    from keras_vid.explain.class_activation import Explainer
    from keras_vid.explain.figures import side_by_side as figure

    explainers = [(name, Explainer(model)) for name, model, _ in _networks(args)]
    rows = figure.side_by_side(explainers, _videos(args, args.videos), args.label, args.frames)
    return figure.HEADER, figure.as_rows(rows), figure.draw(rows)


def _motion(args):
    from keras_vid.explain.figures import motion as figure

    ((_, model, view),) = _networks(args)
    rows, values = figure.motion(model, view.read(_videos(args, args.videos)[0][0], args.frames))
    return figure.HEADER, rows, figure.draw(values)


def _attention(args):
    from keras_vid.explain.figures import attention as figure

    networks, sources = _networks(args), args.videos
    if len(sources) not in (1, len(networks)):
        raise UsageError(f"--videos wants one path, or one for each of the {len(networks)} networks")
    sources = sources * len(networks) if len(sources) == 1 else sources
    clips = [
        (name, model, (view.read(path, args.frames) for path, _ in _videos(args, [source])))
        for (name, model, view), source in zip(networks, sources)
    ]
    rows = figure.attention(clips)
    return figure.HEADER, rows, figure.draw(rows)


def _categories(args):
    from keras_vid.explain.figures import categories as figure

    (first, one), (second, two) = (_named(model) for model in args.models)
    rows = figure.categories(one, two)
    return figure.HEADER, rows, figure.draw(rows, (first, second))


FIGURES = dict(zip(NAMES, (_temporal_weights, _tsne, _activation, _motion, _attention, _categories)))


def _networks(args):
    """[(name in the figure, model, view)]"""
    import dataclasses

    from keras_vid.explain.networks import open_trained
    from keras_vid.view import view_of

    networks = []
    for named in args.models:
        name, source = _named(named)
        model = open_trained(source, args.weights)
        view = view_of(model)
        if args.size and view.height is None:
            view = dataclasses.replace(view, height=args.size, width=args.size)
        networks.append((name, model, view))
    return networks


def _named(text):
    """(name, model) of NAME=MODEL, where the last = divides them, or of a model alone."""
    name, _, source = text.rpartition("=")
    return (name, source) if name else (Path(source).name or source, source)


def _videos(args, sources):
    from keras_vid.explain.figures.labelled import labelled_videos

    videos = [row for source in sources for row in labelled_videos(source)]
    if args.most and args.most < len(videos):
        videos = [videos[int((i + 0.5) * len(videos) / args.most)] for i in range(args.most)]
    return videos


def _readable(videos):
    """The videos that open; of the others, a line each."""
    from keras_vid.video import read

    kept = []
    for path, label in videos:
        try:
            read(path, [0], 32)
            kept.append((path, label))
        except (InputError, OSError) as error:
            print(f"keras-vid: left out: {' '.join(str(error).split())}", file=sys.stderr, flush=True)
    return kept
