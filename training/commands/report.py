"""keras-vid report: a run on one page."""


def add_arguments(parser):
    parser.add_argument("run_folder", metavar="RUN", help="a run folder")
    parser.add_argument("-o", "--output", help="the page (default: RUN/report.html)")
    parser.add_argument("--no-activation", action="store_true", help="clips alone, without a pass of the network")


def run(args):
    from keras_vid.training.reporting.run_page import write_report

    print(write_report(args.run_folder, not args.no_activation, args.output))
