"""Small inputs of every kind of command."""

import pytest

DETECTOR = {"size": (32, 48), "frames": 4, "network": "tsm_resnet14", "endpoint": "conv3", "head": "dense", "units": 8}
DETECTOR |= {"keyframe": "resnet14", "keyframe_endpoint": "conv3", "anchor_base": 16, "anchor_scales": (1.0,)}
DETECTOR |= {"rpn_channels": 8, "proposals": 8, "pooled": 4, "max_per_frame": 4}


@pytest.fixture(scope="session")
def inputs(tmp_path_factory):
    """{name in capital letters: path}."""
    import numpy as np
    from keras_vid.detection.data.sets import write_synthetic
    from keras_vid.detection.modeling.detector import Detector
    from keras_vid.detection.modeling.settings import Settings

    import keras_vid
    from keras_vid.video import synthetic

    folder = tmp_path_factory.mktemp("inputs")
    synthetic.write_dataset(folder / "VIDEOS", clips=3, frames=8, size=48, classes=synthetic.CLASSES[:2])
    videos = sorted((folder / "VIDEOS").rglob("*.mp4"))
    (folder / "LIST.txt").write_text("".join(f"{video}\n" for video in videos))
    keras_vid.create("tsm_resnet14", classes=2, frames=4, size=32).save(folder / "NETWORK.keras")
    groups = [str(number) for number in range(12)]
    features = np.random.default_rng(0).normal(size=(12, 4, 8)).astype("float32")
    np.savez(folder / "FEATURES.npz", features=features, labels=["a", "b"] * 6, paths=groups, groups=groups)
    write_synthetic(folder / "BOXES", clips=(1, 1), frames=8, size=48)
    Detector(["a", "b"], Settings(**DETECTOR)).save(folder / "DETECTOR.keras")
    return {path.stem: str(path) for path in folder.iterdir()} | {"VIDEO": str(videos[0])}
