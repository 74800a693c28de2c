"""keras-vid serve-config: what TF Serving's official image is started with."""

import sys
from pathlib import Path

from keras_vid.utils.errors import InputError


def add_arguments(parser):
    parser.add_argument("models", nargs="+", metavar="SAVED_MODEL_DIR", help="folders that keras-vid export wrote")
    parser.add_argument("-o", "--output", required=True, help="the folder to write")
    parser.add_argument(
        "-b", "--batch-size", type=int, default=8, help="clips of several requests computed together (default: 8)"
    )
    parser.add_argument("--image", default="tensorflow/serving", help="the image (default: tensorflow/serving)")


def run(args):
    from keras_vid.saved_models.serving.serve_config import write

    if args.batch_size < 1:
        raise InputError(f"--batch-size is at least 1, not {args.batch_size}")
    for reason in write(args.models, args.output, args.batch_size, args.image):
        print(f"requests are not batched: {reason}; fix it with keras-vid export --frames --size", file=sys.stderr)
    print(f"docker compose -f {Path(args.output) / 'docker-compose.yml'} up")
