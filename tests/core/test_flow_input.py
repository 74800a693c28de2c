"""Every family on optical flow: 2 channels, or 10 pairs stacked in 20, each of which is seen."""

import numpy as np
import pytest
from temporal_checks import logits

import keras_vid

SMALL = {"frames": 2, "size": 32}
QUICK = [  # of each family the smallest network that there is
    ("tsn_mobilenet_v2", 20, SMALL),
    ("tsm_mobilenet_v2", 2, SMALL),
    ("tsm_vgg16", 20, SMALL),
    ("r2plus1d_sequential_vgg16", 2, SMALL),
    ("r2plus1d_parallel_vgg16", 20, SMALL),
    ("sth_vgg16", 20, SMALL),
]
SLOW = [
    ("sth_mobilenet_v2", 2, SMALL),
    ("stnet_mobilenet_v2", 2, {"frames": 10, "size": 32}),
    ("stnet_resnet14", 20, {"frames": 10, "size": 32}),
    ("c2d_resnet50", 20, {**SMALL, "backbone": "resnet14"}),
    ("stm_resnet14", 2, SMALL),
    ("i3d", 20, {}),
    ("s3dg", 2, {}),
]


@pytest.mark.parametrize(
    "name, channels, shape", [*QUICK, *(pytest.param(*row, marks=pytest.mark.slow) for row in SLOW)]
)
def test_every_channel_of_flow_is_seen(name, channels, shape):
    model = keras_vid.create(name, classes=3, channels=channels, **shape)
    assert model.input_shape[-1] == channels
    rng = np.random.default_rng(0)
    for weight in model.weights:  # classifiers and branches that begin near zero would hide everything
        if "classifier/kernel" in weight.path or "logits/kernel" in weight.path:
            weight.assign(rng.normal(size=weight.shape).astype("float32"))
    clip = rng.integers(0, 256, (1, model.input_shape[1] or 9, 32, 32, channels)).astype("float32")
    whole = logits(model, clip)
    assert np.isfinite(whole).all()
    for channel in {0, channels - 1}:
        without = clip.copy()
        without[..., channel] = 127.5  # no motion
        assert (logits(model, without) != whole).any()


def test_flow_of_no_motion_is_zero_to_the_network():
    model = keras_vid.create("tsn_mobilenet_v2", classes=3, channels=2, **SMALL)
    still = np.full((1, 2, 32, 32, 2), 127.5, "float32")
    images = keras_vid.features(model, "rescaling")(still)
    assert np.abs(np.asarray(images)).max() < 1e-6
