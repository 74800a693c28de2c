"""keras-vid explain: where and when a network sees an action."""

import json
from pathlib import Path

from keras_vid.utils.errors import InputError, MissingFile, UsageError
from keras_vid.utils.settings import number, whole

EXAMPLES = """examples:
  keras-vid explain i3d pancake.mp4 -o seen.mp4                      the most probable class, over the frames
  keras-vid explain i3d pancake.mp4 -o seen.png --top 3              the three most probable, as a strip with curves
  keras-vid explain runs/a clip.mp4 -o seen.gif --class run --against jump
  keras-vid explain runs/a my_videos/ -o seen/ --kind gif            every video of a folder
"""


def add_arguments(parser):
    parser.add_argument("model", metavar="MODEL", help="a network's name, a run folder or a .keras file")
    parser.add_argument("video", metavar="VIDEO", help="a video file, a folder of images, or a folder of videos")
    parser.add_argument(
        "-o", "--output", required=True, help="the .mp4, .gif or .png to write; of a folder of videos, a folder"
    )
    parser.add_argument("--class", dest="label", metavar="NAME", help="the class (default: the most probable one)")
    parser.add_argument("--against", metavar="NAME", help="a class whose logit is subtracted")
    parser.add_argument(
        "--top", type=whole(), default=1, help="how many of the most probable classes to explain (default: 1)"
    )
    parser.add_argument("--kind", choices=("mp4", "gif", "png"), help="of a folder's files (default: mp4)")
    parser.add_argument("--weights", help="weights for a network's name: a name or a file (default: kinetics400)")
    parser.add_argument("--frames", help="frames to look at, from the middle, or 'all' (default: up to 250)")
    parser.add_argument("--fps", type=number(above=0), help="frames that are read of each second of the video")
    parser.add_argument("--json", action="store_true", help="one JSON object a class, with its share of each frame")


def run(args):
    from keras_vid.explain.strips import picture_kind

    if args.label and args.top != 1:
        raise UsageError("--class names one class, --top takes the most probable ones: give one of them")
    if not Path(args.video).exists():
        raise MissingFile(f"{args.video}: no such file or folder")
    videos = _videos(args)
    for _, output in videos:
        picture_kind(output)
    from keras_vid.explain.class_activation import Explainer
    from keras_vid.explain.networks import open_trained

    explainer = Explainer(open_trained(args.model, args.weights), args.fps)
    failed = []
    for video, output in videos:
        try:
            _explain(args, explainer, video, output)
        except (InputError, OSError) as error:
            if len(videos) == 1 or isinstance(error, BrokenPipeError):  # nobody reads on: `| head`
                raise
            failed.append(video)
            _tell(f"keras-vid: {' '.join(str(error).split())}")
    if failed:
        raise InputError(f"{len(failed)} of {len(videos)} videos could not be explained")


def _explain(args, explainer, video, output):
    from keras_vid.explain.strips import save

    seen = explainer(video, args.label, args.against, args.top, _frames(args.frames))
    output.parent.mkdir(parents=True, exist_ok=True)
    save(output, seen, _speed(explainer.view, video))
    for activation in seen:
        if args.json:
            print(json.dumps({"video": str(video), "file": str(output), **as_row(activation)}), flush=True)
        else:
            minus = f" against {activation.against}" if activation.against else ""
            kind = "" if activation.exact else "  (by gradients)"
            text = f"{activation.probability:7.1%}  {activation.label}{minus}, logit {activation.logit:.2f}"
            print(f"{text}, most of it at frame {activation.curve().argmax() + 1} of {len(activation.clip)}{kind}")
    if not args.json:
        print(output, flush=True)


def as_row(activation):
    """What an activation says in numbers."""
    row = {name: getattr(activation, name) for name in ("label", "against", "probability", "logit", "bias", "exact")}
    return {**row, "over_time": [round(float(share), 5) for share in activation.over_time()]}


def _videos(args):
    """[(a video, the file to write)]"""
    from keras_vid.video.finding import videos_below

    source, output = Path(args.video), Path(args.output)
    videos = [source] if source.is_file() else [Path(path) for path in sorted(videos_below(source))]
    if not videos:
        raise MissingFile(f"{source}: no videos below this folder")
    if videos == [source]:
        return [(source, output)]
    if output.suffix:
        raise UsageError(f"{source} holds {len(videos)} videos: give a folder with -o, and --kind mp4, gif or png")
    kind = args.kind or "mp4"
    return [(video, output / f"{video.relative_to(source)}.{kind}") for video in videos]


def _speed(view, video):
    """Frames a second of the picture: the video's own where neighbours are shown, slow where they are far apart."""
    from keras_vid.video import frame_rate

    if view.group is None:
        return min(50, max(1, (view.fps or frame_rate(video) or 12) / view.stride))
    return 3 * view.group


def _frames(text):
    if text in (None, "all"):
        return text
    if not text.isdigit() or int(text) == 0:
        raise UsageError(f"--frames wants a number or 'all', not {text!r}")
    return int(text)


def _tell(line):
    import sys

    print(line, file=sys.stderr, flush=True)
