"""keras-vid convert: another library's weights into a .weights.h5 file of ours."""

import sys
from pathlib import Path

from keras_vid.utils.errors import InputError
from keras_vid.utils.files import atomic

EXAMPLES = """examples:
  keras-vid convert s3d_kinetics400.pth --model s3d
  keras-vid convert data/checkpoints/rgb_imagenet/model.ckpt --model i3d -o i3d.weights.h5
"""


def add_arguments(parser):
    parser.add_argument("file", help="a TF checkpoint (without .index), .pth, .safetensors, .npz or .ckpt pickle file")
    parser.add_argument("--model", required=True, help="the network that the weights are for, such as s3d")
    parser.add_argument("-o", "--output", help="the file to write (default: NAME.weights.h5 beside the input)")
    parser.add_argument("--force", action="store_true", help="overwrite the output")


def run(args):
    from keras_vid.models.create import create
    from keras_vid.weights.convert import assign, find_layout, layout_options, read_tensors

    source = Path(args.file)
    output = Path(args.output) if args.output else source.with_name(f"{source.name}.weights.h5")
    if not output.name.endswith(".weights.h5"):
        raise InputError(f"the output's name must end in .weights.h5, which {output} does not")
    if output.exists() and not args.force:
        raise FileExistsError(f"{output} exists already; --force overwrites it")
    tensors = read_tensors(source)
    layout = find_layout(tensors)
    options = layout_options(layout, tensors)
    model = create(args.model, **options)
    count, left = assign(model, tensors, source=str(source))
    with atomic(output) as part:
        # HDF5 may end the process where the disk is full in the midst of it: a plain file of that size says it before
        part.write_bytes(bytes(sum(array.nbytes + 4096 for array in model.get_weights())))
        model.save_weights(part)
    print(
        f"{source} is of {layout}: {len(tensors)} tensors, {count} variables set, {len(left)} left out", file=sys.stderr
    )
    arguments = ", ".join(f"{key}={value!r}" for key, value in options.items())
    print(f'{output}  load it with keras_vid.create("{args.model}", weights="{output}", {arguments})')
