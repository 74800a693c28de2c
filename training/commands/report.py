"""keras-vid report: a run on one page, or several runs beside each other."""

EXAMPLES = """examples:
  keras-vid report runs/tsm                          runs/tsm/report.html
  keras-vid report runs/tsm runs/stm -o both.html    differences with intervals, curves in one plot
"""


def add_arguments(parser):
    parser.add_argument(
        "run_folders", metavar="RUN", nargs="+", help="run folders; the first is what others differ from"
    )
    parser.add_argument("-o", "--output", help="the page (default: RUN/report.html; of several runs comparison.html)")
    parser.add_argument("--no-activation", action="store_true", help="clips alone, without a pass of the network")


def run(args):
    from keras_vid.training.reporting.compare import write_comparison
    from keras_vid.training.reporting.run_page import write_report

    if len(args.run_folders) == 1:
        print(write_report(args.run_folders[0], not args.no_activation, args.output))
    else:
        print(write_comparison(args.run_folders, args.output or "comparison.html"))
