"""keras-vid detect report: a run of a detector on one page."""

import sys


def add_arguments(parser):
    parser.add_argument("run_folder", metavar="RUN", help="a run folder of keras-vid detect train")
    parser.add_argument(
        "--detections", metavar="FILE", help="of its test set (default: RUN/detections.npz, made if needed)"
    )
    parser.add_argument("-o", "--output", help="the page (default: RUN/report.html)")


def run(args):
    from keras_vid.detection.evaluation.page import write_page

    def progress(done, count):
        if done == count or done % 100 == 0:
            print(f"{done} of {count} frames", file=sys.stderr)

    print(write_page(args.run_folder, args.detections, args.output, progress))
