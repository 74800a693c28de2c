"""Rows of our own: "folder" is for one's own videos, "synthetic" trains in minutes on a CPU."""

from keras_vid.training.recipes.fields import INCEPTION, Recipe

from keras_vid.models.variants import list_models
from keras_vid.weights.table import WEIGHTS, best_start


def own_rows():
    """Two rows for each network."""
    for name in list_models():
        own = {"model": name, "schedule": "cosine", "drops": (), "length": 20, "warmup": 1, "paper_batch": 8}
        own |= {"weight_decay": 1e-4, "dropout": 0.5, "clip_norm": 5.0}
        if name in INCEPTION:
            kind = {"frames": 32, "sample": "dense", "crop": "random", "views": 0}
        elif name.startswith("stnet"):
            kind = {"frames": 35, "sample": "super_images", "crop": "random"}
        else:
            kind = {}
        start = best_start(name)
        rate = WEIGHTS[name, start].view.get("fps") if start else None
        yield Recipe(**{**own, **kind, "weights": start, "fps": rate})
        quick = {"dataset": "synthetic", "size": 56, "short": 60, "crop": "random", "flip": False}
        quick |= {"lr": 0.05, "length": 30, "batch": 16, "paper_batch": 16, "dropout": 0.0}
        # 13 frames, not 16: strides and SAME padding treat the two ends of an even clip unlike, and I2D learns the
        # direction of time from that; 13 become 7, 4 and 2 with every step symmetric
        quick |= {"frames": 13, "views": 1} if name in INCEPTION else {}
        quick |= {"frames": 15, "neighbours": 3} if name.startswith("stnet") else {}
        yield Recipe(**{**own, **kind, **quick})
