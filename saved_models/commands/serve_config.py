"""keras-vid serve-config: what TF Serving's official image is started with."""

import shlex
import sys
from pathlib import Path

from keras_vid.utils.settings import whole

EXAMPLES = """examples:
  keras-vid serve-config served/a served/b -o config           config/ is what docker compose starts TF Serving with
  keras-vid serve-config served/a -o config --openvino         OpenVINO Model Server
"""


def add_arguments(parser):
    parser.add_argument("models", nargs="+", metavar="SAVED_MODEL_DIR", help="folders that keras-vid export wrote")
    parser.add_argument("-o", "--output", required=True, help="the folder to write")
    parser.add_argument(
        "-b", "--batch-size", type=whole(), default=8, help="clips of several requests computed together (default: 8)"
    )
    parser.add_argument("--image", default="tensorflow/serving", help="the image (default: tensorflow/serving)")
    parser.add_argument(
        "--openvino", action="store_true", help="write the files of OpenVINO Model Server, in place of TF Serving's"
    )


def run(args):
    from keras_vid.saved_models.serving.serve_config import write

    if args.openvino:
        _write_openvino(args)
        return
    files, reasons = write(args.models, args.output, args.batch_size, args.image)
    for reason in reasons:
        print(f"requests are not batched: {reason}; fix it with keras-vid export --frames --size", file=sys.stderr)
    for file in files:
        print(file)
    compose = shlex.quote(str(Path(args.output) / "docker-compose.yml"))
    print(f"start the server: docker compose -f {compose} up", file=sys.stderr)


def _write_openvino(args):
    from keras_vid.saved_models.serving import openvino_config

    files = openvino_config.write(args.models, args.output)
    for file in files:
        print(file)
    print(f"start the server: docker compose -f {shlex.quote(str(files[-1]))} up", file=sys.stderr)
    print("ask it by REST: keras-vid predict VIDEO --server http://localhost:8501 --model NAME", file=sys.stderr)
