"""keras-vid stream: labels of window after window of a long or live video."""

import json

from keras_vid.saved_models.commands.network import add_network_arguments, open_network_of_frames
from keras_vid.saved_models.commands.results import as_json

from keras_vid.utils.settings import whole

EXAMPLES = """examples:
  keras-vid stream long.mp4 --model i3d
  keras-vid stream rtsp://camera.local/1 --model runs/a --json
  ffmpeg -i in.mkv -f matroska - | keras-vid stream - --model runs/a --window 64 --stride 16
"""


def add_arguments(parser):
    parser.add_argument(
        "source",
        help="a video file, a folder of pictures, an address (rtsp://...), a camera (/dev/video0), a named pipe, or - "
        "for standard input",
    )
    add_network_arguments(parser)
    add_window_arguments(parser, "half a window")
    parser.add_argument("--top", type=whole(), default=5, help="how many labels to show (default: 5)")
    parser.add_argument("--json", action="store_true", help="one JSON object a window")


def add_window_arguments(parser, stride):
    parser.add_argument(
        "--window", type=whole(), help="frames that one label is about (default: what the network takes)"
    )
    parser.add_argument("--stride", type=whole(), help=f"frames from one window to the next (default: {stride})")


def run(args):
    from keras_vid.inference.sources import check_streamable

    check_streamable(args.source)
    network = open_network_of_frames(args)
    from keras_vid.inference.stream import stream

    for start, end, labels in stream(network, args.source, args.window, args.stride, args.top):
        if args.json:
            row = {"video": args.source, "model": args.model, "start": start, "end": end, "labels": as_json(labels)}
            print(json.dumps(row), flush=True)
        else:
            text = "  ".join(f"{score:6.1%} {label}" for label, score in labels)
            print(f"{start:9.2f} {end:9.2f}  {text}", flush=True)
