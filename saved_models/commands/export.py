"""keras-vid export: a network as a SavedModel for TF Serving."""

import json
import sys
from pathlib import Path

from keras_vid.utils.errors import InputError, UsageError
from keras_vid.utils.settings import whole

EXAMPLES = """examples:
  keras-vid export runs/a -o served/a                          SavedModel, checked against the network
  keras-vid export i3d --weights kinetics400 -o served/i3d
  keras-vid export runs/a -o served/a --openvino               for OpenVINO, too
  keras-vid export runs/a -o served/a --precision int8         int8, calibrated on the run's own training clips
  keras-vid export runs/a -o served/a --onnx a.onnx --litert a.tflite
"""


def add_arguments(parser):
    parser.add_argument("model", help="a network's name, a run folder or a .keras file")
    parser.add_argument("-o", "--output", required=True, help="the model's folder; its next version is written there")
    parser.add_argument("--weights", help="weights for a network's name: a name or a file")
    parser.add_argument(
        "--precision",
        choices=("float32", "bfloat16", "int8"),
        default="float32",
        help="of the weights (default: float32); int8 is of the OpenVINO file, beside a SavedModel in float32",
    )
    parser.add_argument(
        "--openvino", action="store_true", help="write the network for OpenVINO, too, beside the SavedModel"
    )
    parser.add_argument(
        "--calibrate",
        metavar="DATA",
        help="for int8: a folder or a CSV file path[,group] of videos like those it will see; about a third, of other "
        "sources than the rest, are held back and judge the result (default: those that the run was trained on)",
    )
    parser.add_argument(
        "--any-processor",
        action="store_true",
        help="int8 for processors without VNNI, too, though this one has it: each weight keeps a bit to spare, which "
        "about doubles the error",
    )
    parser.add_argument("--frames", type=whole(), help="fix the number of frames of a clip")
    parser.add_argument("--size", type=whole(16), help="fix the side of a clip")
    parser.add_argument("--features", help="endpoints of the signature 'features', comma-separated: Mixed_4e,Mixed_5c")
    parser.add_argument("--labels", help="a text file of label names, one a line, in the order of the classes")
    parser.add_argument("--onnx", metavar="FILE", help="write the network for ONNX Runtime, too")
    parser.add_argument("--litert", metavar="FILE", help="write the network for LiteRT (TensorFlow Lite), too")
    parser.add_argument("--int8", action="store_true", help="store the LiteRT file's weights as 8-bit integers")
    parser.add_argument("--json", action="store_true", help="print what was written, and how it was checked, as JSON")


def run(args):
    from keras_vid.saved_models.export import export, fix_shape

    from keras_vid.inference.load import load_model
    from keras_vid.models.variants import VARIANTS

    shape = {key: value for key, value in (("frames", args.frames), ("size", args.size)) if value is not None}
    if args.model in VARIANTS and args.weights is None:
        raise InputError(f"{args.model} without weights has nothing to serve: give --weights, or a .keras file")
    if args.int8 and not args.litert:
        raise InputError("--int8 is of --litert: give a file for it")
    model = load_model(args.model, weights=args.weights, **shape)
    labels = None
    if args.labels:
        lines = Path(args.labels).read_text(encoding="utf-8").splitlines()
        labels = [line.strip() for line in lines if line.strip()]
    features = [name.strip() for name in (args.features or "").split(",") if name.strip()]
    print("folding, writing and checking ...", file=sys.stderr)
    model = fix_shape(model, **shape)
    clips = _calibration(args, model)
    path = export(model, args.output, labels, args.precision, features, args.openvino, clips, args.any_processor)
    others = _other_targets(args, model)
    facts = json.loads((path / "metadata.json").read_text(encoding="utf-8"))
    if args.json:
        print(json.dumps({"path": str(path), **facts, "other_targets": others}))
        return
    error = facts["equivalence"]["largest_error"]
    print(f"returns what the network returns, within {error:.1e} of its largest logit", file=sys.stderr)
    print(path)
    for file in others:
        print(file)


def _calibration(args, model):
    """The clips that int8 is calibrated with."""
    if args.precision != "int8":
        if args.calibrate or args.any_processor:
            flag = "--calibrate" if args.calibrate else "--any-processor"
            raise UsageError(f"{flag} belongs to --precision int8")
        return None
    from keras_vid.saved_models.engines.clips import read_clips, videos_in, videos_of_run

    from keras_vid.view import view_of

    videos = videos_in(args.calibrate) if args.calibrate else videos_of_run(args.model)
    return read_clips(videos, view_of(model), args.calibrate or f"training videos of {args.model}")


def _other_targets(args, model):
    """Writes the files for other engines; `{path: largest error of a logit}`."""
    from keras_vid.saved_models import targets

    errors = {}
    if args.onnx:
        errors[args.onnx] = targets.to_onnx(model, args.onnx)
    if args.litert:
        errors[args.litert] = targets.to_litert(model, args.litert, args.int8)
    return errors
