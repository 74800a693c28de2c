"""keras-vid check: what is wrong with one's videos, before anything is trained on them."""

import json
import sys

from keras_vid.utils.settings import whole

EXAMPLES = """examples:
  keras-vid check my_videos/                          one folder a class; a table on the terminal
  keras-vid check clips.csv -o checked                also checked/check.html, one page, and checked/check.csv
  keras-vid check clips.csv --group-by person         how a split by another column would do
  keras-vid check clips.csv --network i3d -o checked  also likely label errors, by the network's features
  keras-vid check UCF101 --dataset ucf101             a public data set as it is on disk
"""


def add_arguments(parser):
    parser.add_argument("data", help="the videos: a folder, a CSV file, or a data set's root")
    parser.add_argument("-o", "--output", help="folder for check.html and check.csv")
    parser.add_argument("--dataset", help="the public data set that DATA is the root of, such as ucf101")
    parser.add_argument("--lists", help="folder of the official label and split files (default: below DATA)")
    parser.add_argument("--split", type=whole(), default=1, help="split of UCF101 and HMDB51 (default: 1)")
    parser.add_argument(
        "--group-by", help="what no split may cut: a CSV column, folder, looks, or a pattern in the paths"
    )
    parser.add_argument(
        "--network", help="also look for likely label errors, with the features of a network such as i3d"
    )
    parser.add_argument("--recipe", default="i3d", help="the recipe whose clips the page shows (default: i3d)")
    parser.add_argument("-j", "--workers", type=whole(), help="videos decoded at a time (default: one for each core)")
    parser.add_argument("--seed", type=whole(0, 2**32 - 1), default=0, help="of the split (default: 0)")
    parser.add_argument(
        "--decode-all", action="store_true", help="every frame of long videos, too (default: places of them)"
    )
    parser.add_argument("--json", action="store_true", help="what was found as one JSON object")


def run(args):
    from pathlib import Path

    from keras_vid.training.checking.check import check
    from keras_vid.training.checking.page import write_page

    checked = check(
        args.data,
        args.dataset,
        lists=args.lists,
        split=args.split,
        group_by=args.group_by,
        network=args.network,
        seed=args.seed,
        workers=args.workers,
        decode_all=args.decode_all,
    )
    if args.output:
        page = write_page(checked, Path(args.output), args.recipe)
    if args.json:
        print(json.dumps(checked.as_dict(), ensure_ascii=False))
        return
    for line in checked.lines():
        print(line)
    if args.output:
        print(f"everything, with pictures: {page}", file=sys.stderr)
