"""How the papers trained each network on each data set: one row a recipe, and every field of a row is a flag.

What a paper states is in its row; what it leaves open and its authors' code settles is marked "code", and what nobody
states is ours and marked "ours". `lr` belongs to a step of `batch * replicas` clips: a run scales it to the batch that
it really has, and says so.

>>> recipe("stm_resnet50/ucf101").drops
(15,)
>>> recipe("s3dg/something_v1").length, recipe("s3dg/something_v1").unit
(10000, 'steps')
"""

import dataclasses
from dataclasses import dataclass

from keras_vid.models.variants import list_models
from keras_vid.utils.errors import InputError


@dataclass(frozen=True)
class Recipe:
    """Everything that decides what a training run computes, apart from the videos.

    Attributes:
        frames: Of a clip. For StNet it is segments times `neighbours`.
        sample: "dense" frames in a row, "segments" (one frame of each part of the video), or "super_images"
            (`neighbours` frames of each part).
        short: Short side to which frames are scaled; `crop` then takes a `size` x `size` square: "random", "squash"
            (frames made square first), "corner" (TSN's corners and scales), or "sth" (256 x 340, then a corner crop).
        flip: Mirror half of the clips; classes whose names speak of a direction are never mirrored.
        length: How long, in `unit` "epochs" or "steps". Schedule "drops": the rate is multiplied by `drop` at each of
            `drops`; "cosine": it goes down to zero along a cosine.
        warmup: So many first steps or epochs the rate rises from zero.
        weight_decay: Added to the gradient, of kernels alone, as PyTorch and TensorFlow 1 do (and the papers did).
        batch: Clips a replica; `replicas`: how many the paper had.
        bn: "train", "partial" (all but the first are frozen: TSN) or "frozen".
        weights: What to start from: a name in keras_vid.weights.load, a file, a run folder, or None.
        views: Clips a video in testing (0: all frames of the video); `crops`: 1 in the middle or 3 along the long side.
        test_frames: Frames of a test clip, None as in training; with `views=0`, a shorter video is looped up to it.
        test_size: Side of the test crop, None as in training.
        source: Where the numbers are from.
    """

    model: str
    dataset: str = "folder"
    frames: int = 8
    sample: str = "segments"
    neighbours: int = 5
    size: int = 224
    short: int = 256
    crop: str = "corner"
    flip: bool = True
    optimizer: str = "sgd"
    lr: float = 0.01
    momentum: float = 0.9
    weight_decay: float = 5e-4
    length: float = 50
    unit: str = "epochs"
    schedule: str = "drops"
    drops: tuple = (30, 40, 45)
    drop: float = 0.1
    warmup: float = 0
    batch: int = 8
    replicas: int = 8
    dropout: float | None = None
    clip_norm: float = 0.0
    bn: str = "train"
    bn_momentum: float = 0.9
    sync_bn: bool = False
    weights: str | None = None
    views: int = 1
    crops: int = 1
    test_frames: int | None = None
    test_size: int | None = None
    source: str = "ours"


CUSTOM = "folder"  # the data set of a recipe for videos of one's own
INCEPTION = tuple(name for name in list_models() if name.endswith(("i3d", "s3d", "s3dg", "i2d")))
SMALL = "resnet14"  # a backbone of ours, which no paper trained

# Xie et al., "Rethinking Spatiotemporal Feature Learning", 3.2 and 5.2. Crops: frames resized to 256 x 256. Dropout,
# weight decay and BatchNorm momentum: code (TF-slim). Test: all frames, videos padded to 250 (Something: 64).
S3D = Recipe(
    model="s3dg",
    frames=64,
    sample="dense",
    crop="squash",
    lr=0.1,
    weight_decay=1e-7,
    unit="steps",
    batch=6,
    replicas=56,
    dropout=0.2,
    bn_momentum=0.999,
    weights="imagenet",
    views=0,
    test_frames=250,
    source="https://arxiv.org/abs/1712.04851, 3.2",
)
S3D_SETS = {
    "mini_kinetics200": {"length": 80_000, "drops": (60_000, 70_000)},
    # the paper "largely follows" I3D there: I3D's code
    "kinetics400": {"length": 115_000, "drops": (97_000, 108_000)},
    "kinetics600": {"length": 115_000, "drops": (97_000, 108_000)},
    "something_v1": {"length": 10_000, "drops": (), "replicas": 16, "test_frames": 64},
    "ucf101": {"length": 8_000, "drops": (6_000,), "replicas": 8, "lr": 0.01, "weights": "kinetics400"},
    "hmdb51": {"length": 8_000, "drops": (6_000,), "replicas": 8, "lr": 0.01, "weights": "kinetics400"},
}
# He et al., "StNet", 4: T = 7 segments of N = 5 frames in training, 25 segments of crops of 256 in testing. Rates,
# decay, epochs and batch: code. Backbone InceptionResNetV2 on Kinetics-600: crops of 299 out of 331 (the paper's 4.3).
STNET = Recipe(
    model="stnet_resnet50",
    frames=35,
    sample="super_images",
    crop="random",
    weight_decay=1e-4,
    length=60,
    drops=(20, 40),
    batch=16,
    weights="imagenet",
    test_frames=125,
    test_size=256,
    source="https://arxiv.org/abs/1811.01549, 4, and PaddlePaddle's stnet.yaml",
)
# Jiang et al., "STM", 4.2. UCF101 and HMDB51 start from Kinetics. Test: 10 clips of random frames x 3 crops.
STM = Recipe(
    model="stm_resnet50", weights="imagenet", views=10, crops=3, source="https://arxiv.org/abs/1908.02486, 4.2"
)
SMALL_SETS = {"lr": 0.001, "length": 25, "drops": (15,)}
# Li et al., "STH", 4.2: rate, its steps and the batch are not stated; those of STM are taken (ours). Test: 2 clips
# where time matters, 10 where looks do.
STH = dataclasses.replace(STM, model="sth_resnet50", crop="sth", views=2, crops=1, source="STH paper, 4.2; rates: ours")
# Lin et al., "TSM", and the TSN it is compared with: code (mit-han-lab/temporal-shift-module).
TSM = Recipe(
    model="tsm_resnet50",
    lr=0.02,
    weight_decay=1e-4,
    drops=(20, 40),
    batch=16,
    dropout=0.5,
    clip_norm=20.0,
    weights="imagenet",
    views=10,
    crops=1,
    source="https://arxiv.org/abs/1811.08383 and its code",
)
TSM_SETS = {
    "kinetics400": {},
    "something_v1": {"lr": 0.01, "batch": 8, "weight_decay": 5e-4, "views": 2},
    "something_v2": {"lr": 0.01, "batch": 8, "weight_decay": 5e-4, "views": 2},
    "jester": {"lr": 0.01, "batch": 8, "weight_decay": 5e-4, "views": 2},
    "ucf101": {"lr": 0.001, "batch": 8, "length": 25, "drops": (10, 20), "dropout": 0.8},
    "hmdb51": {"lr": 0.001, "batch": 8, "length": 25, "drops": (10, 20), "dropout": 0.8},
}
TSM_SETS["kinetics600"] = TSM_SETS["kinetics400"]
LARGE_SETS = ("kinetics400", "kinetics600", "something_v1", "something_v2", "jester")


def _papers():
    """The papers' rows: every network of a paper on every data set that it was trained on."""
    for name in INCEPTION:
        for dataset, fields in S3D_SETS.items():
            # Kinetics weights exist for two networks: the others start UCF101 and HMDB51 from ImageNet until given
            # --weights of a run of theirs
            start = {"weights": "imagenet"} if fields.get("weights") and name not in ("i3d", "s3d") else {}
            # I3D's own authors keep the shape of the picture, and so were its published weights made
            shape = {"crop": "random"} if name == "i3d" and dataset.startswith("kinetics") else {}
            yield dataclasses.replace(S3D, model=name, dataset=dataset, **{**fields, **start, **shape})
    for name in _networks("stnet_*"):
        large = {"size": 299, "short": 331, "test_size": 331} if name.endswith("inception_resnet_v2") else {}
        for dataset in ("kinetics400", "kinetics600"):
            yield dataclasses.replace(STNET, model=name, dataset=dataset, **large)
        # three splits, mean class accuracy, T = 7 (Table 4); rates as STM's there: ours
        small = {**SMALL_SETS, "test_frames": None}
        yield dataclasses.replace(STNET, model=name, dataset="ucf101", **{**large, **small})
    for base, names in ((STM, _networks("stm_*")), (STH, _networks("sth_*", "r2plus1d_*"))):
        for name in names:
            for dataset in LARGE_SETS:
                views = {"views": 10} if base is STH and dataset.startswith("kinetics") else {}
                yield dataclasses.replace(base, model=name, dataset=dataset, **views)
            for dataset in ("ucf101", "hmdb51"):
                yield dataclasses.replace(base, model=name, dataset=dataset, views=10, **SMALL_SETS)
    for name in _networks("ts[nm]_*", "c2d_*"):
        partial = {"bn": "partial"} if name.startswith("tsn") else {}
        for dataset, fields in TSM_SETS.items():
            yield dataclasses.replace(TSM, model=name, dataset=dataset, **{**fields, **partial})


def _networks(*patterns):
    return [name for pattern in patterns for name in list_models(pattern) if not name.endswith(SMALL)]


def _ours():
    """Rows of our own: "folder" is for videos of one's own, "synthetic" trains in minutes on a CPU."""
    for name in list_models():
        own = {"model": name, "schedule": "cosine", "drops": (), "length": 20, "warmup": 1, "replicas": 1}
        own |= {"weight_decay": 1e-4, "dropout": 0.5, "clip_norm": 5.0}
        if name in INCEPTION:
            kind = {"frames": 32, "sample": "dense", "crop": "random", "views": 0}
        elif name.startswith("stnet"):
            kind = {"frames": 35, "sample": "super_images", "crop": "random"}
        else:
            kind = {}
        start = "kinetics400" if name in ("i3d", "s3d") else None if name.endswith(SMALL) else "imagenet"
        yield Recipe(**{**own, **kind, "weights": start})
        quick = {"dataset": "synthetic", "size": 56, "short": 60, "crop": "random", "flip": False}
        quick |= {"lr": 0.05, "length": 30, "batch": 16, "dropout": 0.0}
        # 13 frames, not 16: strides and SAME padding treat the two ends of an even clip unlike, and I2D learns the
        # direction of time from that; 13 become 7, 4 and 2 with every step symmetric
        quick |= {"frames": 13, "views": 1} if name in INCEPTION else {}
        quick |= {"frames": 15, "neighbours": 3} if name.startswith("stnet") else {}
        yield Recipe(**{**own, **kind, **quick})


RECIPES = {f"{row.model}/{row.dataset}": row for row in (*_papers(), *_ours())}


def recipe(name, **changes):
    """The row of a name, "network/data set" or a network alone (videos of one's own), with fields changed."""
    key = name if "/" in name else f"{name}/{CUSTOM}"
    if key not in RECIPES:
        model, _, _ = key.partition("/")
        sets = [row.dataset for row in RECIPES.values() if row.model == model]
        if not sets:
            raise InputError(f"no recipe {name!r}: {model!r} is no network; `keras-vid list` names them")
        raise InputError(f"no recipe {name!r}: {model} has recipes for {', '.join(sets)}")
    return dataclasses.replace(RECIPES[key], **changes)
