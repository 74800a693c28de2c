"""The papers' rows: every network of a paper on every data set that it was trained on.

What a paper states is in its row; what it leaves open and its authors' code settles is marked "code", and what nobody
states is ours and marked "ours".
"""

import dataclasses

from keras_vid.training.recipes.fields import INCEPTION, SMALL, Recipe

from keras_vid.models.variants import list_models

KINETICS = "kinetics400"  # what UCF101 and HMDB51 start from: published weights where there are any, else a run's
LARGE_SETS = ("kinetics400", "kinetics600", "something_v1", "something_v2", "jester")
SMALL_SETS = ("ucf101", "hmdb51")

# Xie et al., "Rethinking Spatiotemporal Feature Learning", 3.2 and 5.2: 56 GPUs with 6 clips each, 16 GPUs for
# Something-Something, 8 for UCF101 and HMDB51. Crops: frames resized to 256 x 256. Dropout, weight decay and BatchNorm
# momentum: code (TF-slim). Test: all frames, videos padded to 250 (Something: 64):
# ten seconds at 25 frames a second, as I3D has them.
S3D = Recipe(
    model="s3dg",
    frames=64,
    sample="dense",
    crop="squash",
    lr=0.1,
    weight_decay=1e-7,
    unit="steps",
    batch=6,
    paper_batch=6 * 56,
    dropout=0.2,
    bn_momentum=0.999,
    weights="imagenet",
    views=0,
    test_frames=250,
    source="https://arxiv.org/abs/1712.04851, 3.2",
)
_S3D_SMALL = {"length": 8_000, "drops": (6_000,), "paper_batch": 6 * 8, "lr": 0.01, "weights": KINETICS, "fps": 25}
S3D_SETS = {
    "mini_kinetics200": {"length": 80_000, "drops": (60_000, 70_000), "fps": 25},
    # the paper "largely follows" I3D there: I3D's code
    "kinetics400": {"length": 115_000, "drops": (97_000, 108_000), "fps": 25},
    "kinetics600": {"length": 115_000, "drops": (97_000, 108_000), "fps": 25},
    "something_v1": {"length": 10_000, "drops": (), "paper_batch": 6 * 16, "test_frames": 64},
    "ucf101": _S3D_SMALL,
    "hmdb51": _S3D_SMALL,
}
# He et al., "StNet", 4: T = 7 segments of N = 5 frames in training, 25 segments of crops of 256 in testing. Rates,
# decay, epochs and the batch of 128 on 8 GPUs: code. Backbone InceptionResNetV2 on Kinetics-600: crops of 299 out of
# 331 (the paper's 4.3).
STNET = Recipe(
    model="stnet_resnet50",
    frames=35,
    sample="super_images",
    crop="random",
    weight_decay=1e-4,
    length=60,
    drops=(20, 40),
    batch=16,
    paper_batch=128,
    weights="imagenet",
    test_frames=125,
    test_size=256,
    source="https://arxiv.org/abs/1811.01549, 4, and PaddlePaddle's stnet.yaml",
)
# Jiang et al., "STM", 4.2: 8 GPUs with 8 clips of 8 frames each, or 4 clips of 16. Kinetics, UCF101 and HMDB51 are
# trained and tested with 16 frames (4.4). Test: 10 clips of random frames x 3 crops.
STM = Recipe(
    model="stm_resnet50",
    weights="imagenet",
    views=10,
    crops=3,
    view_choice="random",
    source="https://arxiv.org/abs/1908.02486, 4.2",
)
BY_FRAMES = {8: {"frames": 8, "batch": 8, "paper_batch": 64}, 16: {"frames": 16, "batch": 4, "paper_batch": 32}}
FINE_TUNING = {"lr": 0.001, "length": 25, "drops": (15,), "weights": KINETICS}
# Li et al., "STH", 4.2 and Tables 2 to 5: clips x crops of the test are 1 x 1 on Something-Something V1 (Tables 2 and
# 9), 2 x 3 on V2 and Jester (Table 3), 10 x 3 where looks decide (Table 5). The rate, its steps and the batch are not
# stated; those of STM are taken (ours).
STH = dataclasses.replace(
    STM, model="sth_resnet50", crop="sth", view_choice="spread", source="STH paper, 4.2; rates: ours"
)
STH_VIEWS = {"something_v1": (1, 1), "something_v2": (2, 3), "jester": (2, 3)}
# Lin et al., "TSM", and the TSN it is compared with: code (mit-han-lab/temporal-shift-module): 8 GPUs; biases learn
# twice as fast and the classifier five times, where it is not fine-tuned; no flips where a direction may decide.
TSM = Recipe(
    model="tsm_resnet50",
    lr=0.02,
    bias_rate=2.0,
    head_rate=5.0,
    weight_decay=1e-4,
    drops=(20, 40),
    batch=16,
    paper_batch=128,
    dropout=0.5,
    clip_norm=20.0,
    weights="imagenet",
    views=10,
    source="https://arxiv.org/abs/1811.08383 and its code",
)
_TSM_TIME = {"lr": 0.01, "batch": 8, "paper_batch": 64, "weight_decay": 5e-4, "flip": False}
_TSM_TIME |= {"views": 2, "view_choice": "twice"}
_TSM_SMALL = {"lr": 0.001, "batch": 8, "paper_batch": 64, "length": 25, "drops": (10, 20), "dropout": 0.8}
_TSM_SMALL |= {"weights": KINETICS}
TSM_SETS = {
    "kinetics400": {},
    "kinetics600": {},
    "something_v1": _TSM_TIME,
    "something_v2": _TSM_TIME,
    "jester": _TSM_TIME,
    "ucf101": _TSM_SMALL,
    "hmdb51": _TSM_SMALL,
}


def paper_rows():
    """Every network of a paper on every data set that it was trained on."""
    yield from _s3d_rows()
    yield from _stnet_rows()
    for name in _networks("stm_*"):
        yield from _segment_rows(STM, name, lambda dataset: (10, 3))
    for name in _networks("sth_*", "r2plus1d_*"):
        yield from _segment_rows(STH, name, lambda dataset: STH_VIEWS.get(dataset, (10, 3)))
    for name in _networks("ts[nm]_*", "c2d_*"):
        partial = {"bn": "partial"} if name.startswith("tsn") else {}
        for dataset, fields in TSM_SETS.items():
            yield dataclasses.replace(TSM, model=name, dataset=dataset, **{**fields, **partial})


def with_frames(row, frames):
    """The row with another number of frames; STM's and STH's has the batch that the paper had with it."""
    known = BY_FRAMES.get(frames) if row.source in (STM.source, STH.source) else None
    return dataclasses.replace(row, **(known or {"frames": frames}))


def _s3d_rows():
    for name in INCEPTION:
        for dataset, fields in S3D_SETS.items():
            # I3D's own authors keep the shape of the picture, and so were its published weights made
            shape = {"crop": "random"} if name == "i3d" and dataset.startswith("kinetics") else {}
            yield dataclasses.replace(S3D, model=name, dataset=dataset, **{**fields, **shape})


def _stnet_rows():
    for name in _networks("stnet_*"):
        fields = {"size": 299, "short": 331, "test_size": 331} if name.endswith("inception_resnet_v2") else {}
        if name.endswith("32x6d"):  # nobody publishes ImageNet weights of this width
            fields["weights"] = None
        for dataset in ("kinetics400", "kinetics600"):
            yield dataclasses.replace(STNET, model=name, dataset=dataset, **fields)
        # three splits, mean class accuracy, T = 7 (Table 4); rates as STM's there: ours
        yield dataclasses.replace(STNET, model=name, dataset="ucf101", **{**fields, **FINE_TUNING, "test_frames": None})


def _segment_rows(base, name, views):
    """STM's and STH's rows of a network; `views(dataset)` is (clips, crops) of the test."""
    for dataset in (*LARGE_SETS, *SMALL_SETS):
        fields = BY_FRAMES[16 if dataset.startswith("kinetics") or dataset in SMALL_SETS else 8]
        tuned = FINE_TUNING if dataset in SMALL_SETS else {}
        clips, crops = views(dataset)
        yield dataclasses.replace(base, model=name, dataset=dataset, views=clips, crops=crops, **fields, **tuned)


def _networks(*patterns):
    return [name for pattern in patterns for name in list_models(pattern) if not name.endswith(SMALL)]
