"""keras-vid report: a run on one page."""


def add_arguments(parser):
    parser.add_argument("run_folder", metavar="RUN", help="a run folder")


def run(args):
    from keras_vid.training.evaluation.report import write_report

    print(write_report(args.run_folder))
