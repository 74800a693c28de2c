"""keras-vid detect convert: ground truth or detections from one kind of file to another."""

import sys

from keras_vid.utils.errors import InputError
from keras_vid.utils.settings import whole


def add_arguments(parser):
    parser.add_argument("source", help="any ground truth that detect evaluate knows, or a .csv, .json or .npz of boxes")
    parser.add_argument(
        "-o",
        "--output",
        required=True,
        help=".csv, .json, .npz, or .pkl: all videos and splits, as ACT and MOC read them",
    )
    parser.add_argument(
        "--lists", help="folder of JHMDB's split lists, or UCF101-24's testlist01.txt; default: beside it"
    )
    parser.add_argument("--split", type=whole(), default=1, help="default: 1")
    parser.add_argument("--subset", default="all", choices=["train", "test", "all"], help="default: all")
    parser.add_argument(
        "--masked-only", action="store_true", help="leave out the 14 frames of JHMDB that have no puppet mask"
    )


def run(args):
    from keras_vid.detection.data import act_pickle, box_files, jhmdb
    from keras_vid.detection.data import ground_truth as data

    if args.output.endswith(".pkl"):
        if args.subset != "all" or args.masked_only:
            raise InputError(
                f"{args.output}: such a pickle holds all videos; --subset and --masked-only are for tables"
            )
        table, splits, name = data.open_set(args.source, args.lists)
        act_pickle.write(table, splits, args.output)
        table.notes = data.notes(table, name) if name else ()
    else:
        table = data.ground_truth(args.source, args.lists, args.split, args.subset)
        if args.masked_only:
            table = table.rows(~jhmdb.without_mask(table))
        box_files.write_boxes(table, args.output)
    for note in table.notes:
        print(note, file=sys.stderr)
    print(f"{args.output}: {len(table):,} boxes of {len(table.videos):,} videos")
