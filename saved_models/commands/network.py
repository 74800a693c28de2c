"""The arguments by which commands are told of a trained network, and the network that they name."""

import sys
from pathlib import Path

from keras_vid.saved_models.engines.flag import add_engine_argument

from keras_vid.utils.errors import InputError, UsageError
from keras_vid.utils.progress import say_if_slow


def add_network_arguments(parser):
    """Add `--model`, `--weights`, `--labels` and `--engine`."""
    parser.add_argument(
        "--model",
        default="i3d",
        help="a network's name, a run folder, a .keras file or a SavedModel folder of keras-vid export (default: i3d)",
    )
    parser.add_argument("--weights", help="weights for a network's name: a name or a file (default: kinetics400)")
    parser.add_argument("--labels", help="a text file of label names, one a line, in the order of the classes")
    add_engine_argument(parser)


def network_settings(args) -> dict:
    """The arguments of `open_predictor`; a network's name gets the weights `kinetics400` where nothing else is said, or
    `kinetics400_flow` with `--modality flow`."""
    from keras_vid.models.variants import VARIANTS
    from keras_vid.weights.table import names as weights_of

    weights = args.weights
    if args.model in VARIANTS and weights is None:
        weights = "kinetics400_flow" if getattr(args, "modality", None) == "flow" else "kinetics400"
        if weights not in weights_of(args.model):
            kind = "flow weights" if weights.endswith("flow") else "weights"
            raise InputError(f"{args.model} has no trained {kind} of its own: give --weights FILE, or another --model")
    return {"source": args.model, "weights": weights, "labels": read_labels(args.labels), "engine": args.engine}


def open_network(args):
    """The predictor that the arguments name."""
    settings = network_settings(args)
    with say_if_slow(f"loading {args.model}"):
        from keras_vid.saved_models.predictor import open_predictor

        return open_predictor(**settings)


def keep_network_ready(args, predictor):
    """Leave a file with which the next command about this network starts without TensorFlow (`keep_ready`)."""
    from keras_vid.saved_models.predictor import keep_ready

    settings = network_settings(args)
    keep_ready(predictor, settings["source"], settings["weights"])


def open_network_of_frames(args):
    """The Keras network that the arguments name, whose windows can share frames; or another engine's predictor."""
    from keras_vid.saved_models.layout import saved_model_folder

    settings = network_settings(args)
    if saved_model_folder(args.model) or args.engine not in ("auto", "tensorflow"):
        predictor = open_network(args)
        say_unnamed(predictor.view.labels, args.model)
        return predictor
    with say_if_slow(f"loading {args.model}"):
        from keras_vid.inference.load import load_model, open_model
        from keras_vid.view import set_view

        model, view = open_model(load_model(args.model, weights=settings["weights"]), settings["labels"])
        set_view(model, labels=view.labels)
    say_unnamed(view.labels, args.model)
    return model


def say_unnamed(labels, name):
    """A network that was loaded without its labels still works, and says so."""
    if labels[0] == "class 0":
        print(f"{name} came without the names of its classes: give --labels FILE", file=sys.stderr)


def read_labels(path):
    """The names in a text file, one a line; None without a file."""
    if not path:
        return None
    return [line.strip() for line in Path(path).read_text(encoding="utf-8").splitlines() if line.strip()]


def read_frames(text):
    """The value of `--frames`: a number, "all", or None."""
    if text in (None, "all"):
        return text
    if not text.isdigit() or int(text) == 0:
        raise UsageError(f"--frames wants a number or 'all', not {text!r}")
    return int(text)
