"""keras-vid detect export: a detector as a SavedModel for TF Serving."""


def add_arguments(parser):
    parser.add_argument("model", help="a run folder of keras-vid detect train, or a .keras file")
    parser.add_argument("-o", "--output", required=True, help="the model's folder; its next version is written there")


def run(args):
    from keras_vid.detection.export import export
    from keras_vid.detection.train import load

    print(export(load(args.model), args.output))
