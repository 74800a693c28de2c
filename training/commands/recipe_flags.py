"""The fields of a recipe as flags of a command."""

import argparse
import dataclasses
import math

from keras_vid.utils.settings import number, whole

HELP = {  # fields of the recipe; what is not here is explained in training/recipes/fields.py
    "modality": "rgb, or flow: the folders that keras-vid flow writes",
    "channels": "of flow: 2 for one field, 10 for five (default: 2 for the Inception family, else 10)",
    "fps": "frames that are read of each second of a video (default: the recipe's, else each of their own)",
    "frames": "frames of a clip",
    "sample": "dense, segments, super_images or window",
    "neighbours": "frames of a super-image (StNet)",
    "size": "side of the picture that the network sees",
    "short": "short side to which frames are scaled while decoding",
    "crop": "random, squash, corner or sth",
    "flip": "mirror half of the clips, except classes that name a direction: yes or no",
    "colour": "change brightness, contrast and saturation by up to this share: 0.4 (0: not at all)",
    "mixup": "mix each clip with another one of its batch: strength, 0.2 (0: not at all)",
    "cutmix": "paste a box of another clip of the batch: strength, 1.0 (0: not at all)",
    "erasing": "share of the clips in which a random box is filled with grey: 0.25",
    "label_smoothing": "share of the target that is spread over all classes: 0.1",
    "class_weights": "balanced (rare classes count more), or one number a class, comma-separated",
    "optimizer": "sgd or adamw",
    "lr": "learning rate of a step of --paper-batch clips; scaled to the steps of this run",
    "first_rate": "rate of the first convolution, as a multiple of --lr",
    "bias_rate": "rate of biases, as a multiple of --lr",
    "head_rate": "rate of the classifier, as a multiple of --lr",
    "momentum": "of sgd",
    "weight_decay": "L2, of kernels alone",
    "length": "how long, in --unit epochs or steps",
    "unit": "of --length, --drops and --warmup: epochs or steps",
    "schedule": "drops, or cosine (down to zero)",
    "drops": "when the rate drops, comma-separated",
    "drop": "what the rate is multiplied by at each of --drops: 0.1",
    "warmup": "so many first steps or epochs the rate rises",
    "paper_batch": "clips of a step over all devices for which --lr, and a length in steps, were chosen",
    "scale_to_batch": "scale --lr and lengths in steps to the clips of this run's steps: yes or no (as written)",
    "dropout": "share of the features left out before the classifier",
    "clip_norm": "longest gradient, 0 for any",
    "bn": "BatchNorm: train, partial (all but the first frozen) or frozen",
    "bn_momentum": "of BatchNorm's moving statistics, as Keras counts it: 0.9",
    "sync_bn": "BatchNorm statistics over all replicas: yes or no",
    "weights": "start: imagenet, kinetics400, a weights file, a run folder, a .keras file, or none",
    "views": "clips of a video in testing; 0 for all frames",
    "crops": "crops of a clip in testing: 1 or 3",
    "view_choice": "where several clips lie in testing: spread, random or twice",
    "test_seed": "of the random clips of --view-choice random",
    "test_frames": "frames of a clip in testing, where not as in training",
    "test_size": "side of the picture in testing, where not as in training",
}
CHOICES = {
    "modality": ("rgb", "flow"),
    "sample": ("dense", "segments", "super_images", "window"),
    "crop": ("random", "squash", "corner", "sth"),
    "optimizer": ("sgd", "adamw"),
    "unit": ("epochs", "steps"),
    "schedule": ("drops", "cosine"),
    "bn": ("train", "partial", "frozen"),
    "crops": (1, 3),
    "view_choice": ("spread", "random", "twice"),
}
AT_LEAST_0 = ("first_rate", "bias_rate", "head_rate", "weight_decay", "warmup", "clip_norm", "mixup", "cutmix")
NUMBERS = {  # what the numbers of a recipe can be
    **dict.fromkeys(AT_LEAST_0, number(least=0)),
    **dict.fromkeys(("colour", "erasing"), number(least=0, most=1)),
    **dict.fromkeys(("label_smoothing", "momentum", "dropout", "bn_momentum"), number(least=0, below=1)),
    **dict.fromkeys(("fps", "lr", "length"), number(above=0)),
    **dict.fromkeys(("size", "short", "test_size"), whole(16)),
    **dict.fromkeys(("views", "test_seed"), whole(0)),
    "drop": number(above=0, most=1),
}
NOT_FLAGS = ("model", "dataset", "source", "batch", "options", "stride")  # --stride stands in own_videos.py


def add_recipe_flags(parser):
    """A flag for each field, -b, and --set for the options of the network's constructor."""
    from keras_vid.training.recipes.fields import Recipe

    fields = parser.add_argument_group("the recipe's fields", "what is not given is the recipe's: --show prints it")
    fields.add_argument("-b", "--batch-size", dest="batch", type=whole(), help="clips of a step on each device")
    text = "an option of the network's constructor, such as fusion=concat (repeatable)"
    fields.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help=text)
    for field in dataclasses.fields(Recipe):
        if field.name in NOT_FLAGS:
            continue
        flag, name = f"--{field.name.replace('_', '-')}", field.name.upper()
        choices = CHOICES.get(field.name)
        fields.add_argument(flag, type=_parser(field), choices=choices, metavar=name, help=HELP.get(field.name))


def _parser(field):
    if field.name == "class_weights":
        return _weights_of_classes
    kind = getattr(field.type, "__name__", str(field.type)).split(" ")[0]
    return NUMBERS.get(field.name) or {"bool": _yes, "tuple": _numbers, "int": whole(), "float": number()}.get(
        kind, str
    )


def _weights_of_classes(text):
    return text if text == "balanced" else _numbers(text)


def _yes(text):
    if text.lower() not in ("yes", "no", "true", "false"):
        raise argparse.ArgumentTypeError(f"yes or no, not {text!r}")
    return text.lower() in ("yes", "true")


def _numbers(text):
    try:
        numbers = tuple(float(part) for part in text.split(",") if part)
    except ValueError:
        numbers = (-1,)
    if not all(0 <= one < math.inf for one in numbers):
        raise argparse.ArgumentTypeError(f"numbers of at least 0 with commas, not {text!r}")
    return numbers
