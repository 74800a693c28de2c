"""keras-vid prepare: a data set into TFRecords of JPEG frames, or into short MP4 files."""

import json
import os
import sys

from keras_vid.utils.settings import number, whole
from keras_vid.utils.stops import resumable

EXAMPLES = """examples:
  keras-vid prepare kinetics400 K400 -o prepared/train          TFRecords of JPEG frames
  keras-vid prepare ucf101 UCF101 --split test2 -o prepared/test2
  keras-vid prepare folder my_videos/ -o prepared/mine --form clips --fps 15
  keras-vid train tsm_resnet50 --data prepared/mine
"""


def add_arguments(parser):
    parser.add_argument(
        "dataset",
        help="folder, csv, kinetics400, kinetics600, mini_kinetics200, something_v1, "
        "something_v2, jester, ucf101 or hmdb51",
    )
    parser.add_argument("root", help="the folder with the videos or frames; for csv the file")
    parser.add_argument("-o", "--output", required=True, help="the folder to write, or to go on with; s3://.. too")
    parser.add_argument(
        "--form", choices=("frames", "clips"), default="frames", help="TFRecords of JPEG frames, or MP4 files"
    )
    parser.add_argument("--modality", choices=("rgb", "flow"), default="rgb", help="flow: folders of keras-vid flow")
    parser.add_argument("--split", default="train", help="train, val, test, train2, ... (default: train)")
    parser.add_argument("--lists", help="the folder with the official label and split files (default: below root)")
    parser.add_argument("--size", type=whole(16), default=256, help="short side of the frames (default: 256)")
    parser.add_argument(
        "--fps", type=number(above=0), help="frames a second that are kept (default: each of the videos' own)"
    )
    parser.add_argument("--stride", type=whole(), default=1, help="keep every Nth of these frames (default: 1)")
    parser.add_argument("--shards", type=whole(), help="how many files (default: one for each 256 clips)")
    parser.add_argument("--quality", type=whole(1, 100), default=90, help="of JPEG (default: 90)")
    parser.add_argument("--seed", type=whole(0, 2**32 - 1), default=0, help="of the order of the clips (default: 0)")
    parser.add_argument("-j", "--workers", type=whole(), help="processes (default: one for each core)")
    parser.add_argument("--runner", help="an Apache Beam runner instead of local processes, such as DirectRunner")
    parser.add_argument("--json", action="store_true", help="the manifest as one JSON object")


@resumable()
def run(args):
    from keras_vid.training.data.load import load_dataset
    from keras_vid.training.data.prepare import prepare
    from keras_vid.training.run.progress import Line

    from keras_vid.video.images import flow_files, frame_files

    dataset = load_dataset(args.dataset, args.root, args.split, args.lists)
    first = dataset.items[0].path
    if args.modality == "flow":
        flow_files(first)  # refuses videos
    elif os.path.isdir(first):
        frame_files(first)  # refuses folders of optical flow
    print(dataset.report(), file=sys.stderr)

    line = Line()
    manifest = prepare(
        dataset,
        args.output,
        form=args.form,
        short=args.size,
        fps=args.fps,
        stride=args.stride,
        modality=args.modality,
        shards=args.shards,
        quality=args.quality,
        seed=args.seed,
        workers=args.workers,
        runner=args.runner,
        progress=lambda done, shards: line.show(f"{done}/{shards} shards"),
    )
    line.end()
    if args.json:
        print(json.dumps(manifest))
        return
    left = f"; {manifest['skipped']:,} left out, see skipped.csv" if manifest["skipped"] else ""
    size = manifest["bytes"] / 1e6
    print(f"{args.output}: {manifest['clips']:,} clips, {manifest['frames']:,} frames, {size:,.1f} MB{left}")
