"""A short run of a small detector in a process of its own: python one_detector.py RUN [JSON with fields of Options].

The last line on stdout is a sum over the weights.
"""

import json
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

SETTINGS = {
    "size": (32, 48),
    "frames": 4,
    "stride": 1,
    "network": "tsm_resnet14",
    "endpoint": "conv3",
    "head": "dense",
    "units": 16,
    "keyframe": "resnet14",
    "keyframe_endpoint": "conv3",
    "freeze_batch_norm": True,
    "anchor_base": 16,
    "anchor_scales": (1.0,),
    "rpn_channels": 16,
    "proposals": 20,
    "region_batch": 8,
    "pooled": 4,
    "max_per_frame": 10,
}


def main(run, text="{}"):
    import numpy as np
    from keras_vid.detection.data import table
    from keras_vid.detection.recipes import recipe
    from keras_vid.detection.train import train
    from keras_vid.training.run.train import Options

    options = json.loads(text)
    video = np.random.default_rng(0).integers(0, 256, (6, 32, 48, 3)).astype("uint8")
    boxes = [[8 + 2 * t, 4, 24 + 2 * t, 28] for t in range(6)]
    data = (table.make(["a"] * 6, range(6), ["run", "sit"] * 3, boxes), {"a": video})
    row = recipe("quick", settings=SETTINGS, steps=options.pop("steps", 6), batch_size=1)
    detector = train({**row, "epoch": 3}, data, run, test=data, options=Options(**options))
    print(float(sum(np.abs(np.asarray(w, "float64")).sum() for w in detector.get_weights())))


if __name__ == "__main__":
    main(*sys.argv[1:])
