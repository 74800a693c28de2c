"""The whole detector, small: what it learns from, what it ignores, and what it keeps when saved."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras_vid.detection.export import export
from keras_vid.detection.modeling.branches import pretrain
from keras_vid.detection.modeling.detector import LOSSES, Detector
from keras_vid.detection.modeling.settings import Settings
from keras_vid.detection.train import load
from keras_vid.training.run.folder import save_network

LIGHT = {
    "size": (32, 48),
    "frames": 4,
    "network": "tsm_resnet14",
    "endpoint": "conv3",
    "head": "dense",
    "units": 16,
    "keyframe": "resnet14",
    "keyframe_endpoint": "conv3",
    "anchor_base": 16,
    "anchor_scales": (1.0,),
    "rpn_channels": 16,
    "proposals": 20,
    "region_batch": 8,
    "pooled": 4,
    "max_per_frame": 10,
}
CLASSES = ["run", "sit", "wave"]


def inputs(settings=None, batch=2, seed=0):
    given = Settings(**{**LIGHT, **(settings or {})})
    rng = np.random.default_rng(seed)
    shapes = {"keyframe": (*given.size, 3)}
    shapes |= {"clip": (given.frames, *given.size, 3)} if "rgb" in given.streams else {}
    shapes |= {"flow": (given.frames, *given.size, 2)} if "flow" in given.streams else {}
    return {kind: rng.integers(0, 256, (batch, *shape)).astype("uint8") for kind, shape in shapes.items()}


def truth(batch=2):
    boxes, labels = np.zeros((batch, 2, 4), "float32"), np.zeros((batch, 2, 3), "float32")
    boxes[:, 0], labels[:, 0, 1] = [8, 4, 24, 28], 1
    boxes[0, 1], labels[0, 1, 2] = [28, 4, 40, 28], 1
    return {"boxes": boxes, "labels": labels}


def gradients(detector, example):
    with tf.GradientTape() as tape:
        parts = detector(example, training=True)
        loss = detector.compute_loss(y_pred=parts)
    return parts, tape.gradient(loss, detector.trainable_variables)


VARIANTS = {
    "rgb": {},
    "sharing the clip's map": {"keyframe": "clip"},
    "flow": {"streams": "flow"},
    "both, maps averaged": {"streams": "rgb+flow", "pooling": "align"},
    "both, scores averaged": {"streams": "rgb+flow", "fusion": "scores"},
    "sigmoid, one box": {"scores": "sigmoid", "class_agnostic": True},
    "time steps in order": {"over_time": "concat"},
    "the rest of the network": {"head": "conv5", "endpoint": "conv4"},
    "3D": {"network": "s3d", "endpoint": "MaxPool_3a_3x3", "head": "Mixed_3b", "frames": 2},
}


@pytest.mark.parametrize("change", VARIANTS.values(), ids=VARIANTS)
def test_every_weight_learns_and_the_answer_has_its_shape(change):
    detector = Detector(CLASSES, {**LIGHT, "freeze_batch_norm": False, **change})
    parts, slopes = gradients(detector, inputs(change) | truth())
    assert set(parts) == set(LOSSES) and all(np.isfinite(float(part)) for part in parts.values())
    dead = [v.path for v, slope in zip(detector.trainable_variables, slopes) if slope is None]
    assert not dead
    found = detector(inputs(change))
    assert found["boxes"].shape == (2, 10, 4) and found["labels"].shape == (2, 10)
    boxes = found["boxes"].numpy()
    assert boxes.min() >= 0 and boxes[..., [0, 2]].max() <= 48 and boxes[..., [1, 3]].max() <= 32


def test_batch_norm_is_frozen_by_default():
    detector = Detector(CLASSES, LIGHT)
    norms = [v for v in detector.trainable_variables if "_bn" in v.path]
    assert not norms and [v for v in detector.non_trainable_variables if "gamma" in v.path]


def test_padding_changes_no_loss():
    """Longer padding, and boxes in it, leave all losses as they are (the draws of the sampling are the same)."""
    detector = Detector(CLASSES, LIGHT)
    gt = truth()
    padded = {"boxes": np.pad(gt["boxes"], ((0, 0), (0, 3), (0, 0)), constant_values=9.0)}
    padded["boxes"][:, 3, 2:] = 25  # a box of 16 pixels, which anchors fit
    padded["labels"] = np.pad(gt["labels"], ((0, 0), (0, 3), (0, 0)))
    answers = []
    for boxes in (gt, padded):
        detector.draws.state.assign([0, 0])
        answers.append({k: float(v) for k, v in detector(inputs() | boxes, training=True).items()})
    assert answers[0] == pytest.approx(answers[1], rel=1e-5)


@pytest.mark.parametrize("among", [False, True])
def test_the_truth_among_the_regions_is_learnt_where_no_proposal_meets_it(among):
    detector = Detector(CLASSES, {**LIGHT, "region_iou": 0.999, "truth_among_regions": among})
    padding = {key: np.pad(value, ((0, 0), (0, 3), (0, 0))) for key, value in truth().items()}
    nobody = {key: np.zeros_like(value) for key, value in padding.items()}
    assert (float(detector(inputs() | padding, training=True)["action_boxes"]) > 0) is among
    assert float(detector(inputs() | nobody, training=True)["action_boxes"]) == 0  # padding is not ground truth


def test_a_picture_without_people_teaches_background_only():
    detector = Detector(CLASSES, LIGHT)
    nobody = {k: np.zeros_like(v) for k, v in truth().items()}
    parts = detector(inputs() | nobody, training=True)
    assert float(parts["proposal_boxes"]) == 0 and float(parts["action_boxes"]) == 0
    assert float(parts["objectness"]) > 0 and float(parts["action"]) > 0


def test_the_action_does_not_move_the_proposals():
    detector = Detector(CLASSES, LIGHT)
    with tf.GradientTape() as tape:
        parts = detector(inputs() | truth(), training=True)
        loss = parts["action"] + parts["action_boxes"]
    slopes = tape.gradient(loss, detector.proposals.trainable_variables + detector.keyframe_maps.trainable_variables)
    assert all(slope is None for slope in slopes)


def test_pictures_of_a_batch_never_feel_each_other():
    detector = Detector(CLASSES, LIGHT)
    both, first = detector(inputs()), detector({k: v[:1] for k, v in inputs().items()})
    np.testing.assert_allclose(both["scores"][0], first["scores"][0], atol=1e-5)
    np.testing.assert_allclose(both["boxes"][0], first["boxes"][0], atol=1e-3)


def test_averaging_over_time_before_pooling_changes_nothing():
    """The short way of a dense head on aligned regions against pooling every time step."""
    detector = Detector(CLASSES, {**LIGHT, "pooling": "align"})
    maps = tf.random.normal((1, 3, 4, 6, detector.clip_maps["rgb"].output_shape[-1]))
    boxes = tf.constant([[[4.0, 4.0, 30.0, 20.0]]])
    head = detector.heads["rgb"]
    long, short = (head(detector.pool(x, boxes))[0] for x in (maps, tf.reduce_mean(maps, axis=1, keepdims=True)))
    np.testing.assert_allclose(long, short, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_it_learns_two_pictures_by_heart():
    given = {**LIGHT, "freeze_batch_norm": False, "region_positive": 0.5, "pooling": "align"}
    detector = Detector(CLASSES, given)
    detector.compile(keras.optimizers.Adam(2e-3, global_clipnorm=10.0))
    example = inputs() | truth()
    history = detector.fit(
        tf.data.Dataset.from_tensors(example).repeat(), steps_per_epoch=30, epochs=2, verbose=0, shuffle=False
    ).history
    assert history["loss"][1] < history["loss"][0] * 0.6
    assert set(history) == {"loss", *LOSSES}


@pytest.mark.slow
def test_saved_and_loaded_whole(tmp_path):
    detector = Detector(CLASSES, LIGHT)
    detector.compile(keras.optimizers.SGD(1e-3, momentum=0.9))
    detector.fit(tf.data.Dataset.from_tensors(inputs() | truth()), verbose=0, shuffle=False)
    save_network(detector, tmp_path / "last.keras")
    assert [path.name for path in tmp_path.iterdir()] == ["last.keras"]
    other = keras.models.load_model(tmp_path / "last.keras")
    assert other.settings == detector.settings and other.classes == CLASSES
    assert int(other.optimizer.iterations) == 1
    for ours, theirs in zip(detector.optimizer.variables, other.optimizer.variables):
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_allclose(load(tmp_path)(inputs())["boxes"], detector(inputs())["boxes"], atol=1e-4)


def test_errors_a_user_can_make(tmp_path):
    with pytest.raises(ValueError, match="no anchor fits"):
        Detector(CLASSES, {**LIGHT, "anchor_base": 256})
    with pytest.raises(ValueError, match="streams 'both'"):
        Settings(streams="both")
    with pytest.raises(FileNotFoundError, match="run folder"):
        load(tmp_path)
    (tmp_path / "last.keras").write_bytes(b"x")
    with pytest.raises(ValueError, match="not a readable .keras"):
        load(tmp_path)


def test_pretrained_weights_arrive_in_every_network(tmp_path):
    """Saved weights of whole networks, found again in the clip's network, in its tail and under the keyframe."""
    import keras_vid

    net = keras_vid.create("tsm_resnet14", frames=4, classes=7)
    net.save_weights(tmp_path / "net.weights.h5")
    detector = Detector(CLASSES, {**LIGHT, "head": "conv4", "network_options": {"classes": 7}})
    pretrain(detector, str(tmp_path / "net.weights.h5"))
    name = "conv4_block1_1_conv"
    tail = detector.heads["rgb"].tail
    np.testing.assert_array_equal(tail.get_layer(name).get_weights()[0], net.get_layer(name).get_weights()[0])
    name = "conv1_conv"
    maps = detector.clip_maps["rgb"]
    np.testing.assert_array_equal(maps.get_layer(name).get_weights()[0], net.get_layer(name).get_weights()[0])


def ramps(scale):
    """Two clips and their keyframes, other at every place, time and colour, and alike at every size."""
    x, y = ((np.arange(side * scale) + 0.5) / scale - 0.5 for side in (48, 32))
    time, y, x = np.meshgrid(np.arange(4), y, x, indexing="ij")
    clip = np.stack([4 * x + 10, 4 * y + 40, 60 * time + 10], axis=-1)
    clips = np.stack([clip, 255 - clip]).astype("uint8")
    return {"keyframe": clips[:, 1], "clip": clips}


@pytest.mark.slow
def test_served_as_it_answers(tmp_path):
    """The SavedModel, loaded without our code, on pictures of twice the size: the same boxes, twice as large."""
    detector = Detector(CLASSES, LIGHT)
    path = export(detector, tmp_path / "served")
    assert path.name == "1" and [child.name for child in path.parent.iterdir()] == ["1"]
    served = tf.saved_model.load(str(path)).signatures["serving_default"]
    own, large = ramps(1), ramps(2)
    found, expected = served(**{k: tf.constant(v) for k, v in large.items()}), detector(own)
    np.testing.assert_allclose(found["boxes"], expected["boxes"] * 2, atol=0.1)
    np.testing.assert_allclose(found["scores"], expected["scores"], atol=5e-3)
    cropped = detector({k: v[..., 16:48, 24:72, :] for k, v in large.items()})
    assert np.abs(cropped["scores"] - expected["scores"]).max() > 0.05  # scores hang on the pictures
    names = [CLASSES[i].encode() for i in expected["labels"].numpy()[0]]
    count = int(expected["count"][0])
    assert found["labels"].numpy()[0].tolist()[:count] == names[:count]
    assert json.dumps(sorted(found)) == '["boxes", "count", "labels", "scores"]'


SEVERAL = """
import csv

import numpy as np, tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
import sys
from keras_vid.detection.data import table
from keras_vid.detection.recipes import recipe
from keras_vid.detection.train import train
from keras_vid.training.run.train import Options

video = np.random.default_rng(0).integers(0, 256, (6, 32, 48, 3)).astype("uint8")
gt = table.make(["a"] * 6, range(6), ["run", "sit"] * 3, [[8, 4, 24, 28]] * 6)
row = recipe("quick", settings={settings}, steps=2, batch_size=1)
options = Options(strategy="mirrored", devices=2)
detector = train({{**row, "epoch": 1}}, (gt, {{"a": video}}), sys.argv[1], options=options)
assert len(detector.trainable_variables[0].value.values) == 2, "not mirrored"
for variable in detector.trainable_variables:
    ours, theirs = (np.asarray(value) for value in variable.value.values)
    assert (ours == theirs).all(), variable.path
with open(sys.argv[1] + "/log.csv") as file:
    print("steps", list(csv.DictReader(file))[-1]["step"])
"""


@pytest.mark.slow
def test_two_devices_train_one_detector(tmp_path):
    import subprocess
    import sys

    code = SEVERAL.format(settings={**LIGHT, "stride": 1})
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "steps 2" in done.stdout and (tmp_path / "last.keras").exists()


def test_sixteen_bits_keep_the_boxes():
    """Under a mixed policy boxes never pass through 16 bits, in which 385 becomes 384."""
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        detector = Detector(CLASSES, {**LIGHT, "pooling": "align"})
    finally:
        keras.config.set_dtype_policy("float32")
    assert detector.clip_maps["rgb"].compute_dtype == "bfloat16"
    found = detector(inputs())
    assert found["boxes"].dtype == found["scores"].dtype == "float32"
    boxes = found["boxes"].numpy()[found["scores"].numpy() > 0]
    rounded = tf.cast(tf.cast(boxes, "bfloat16"), "float32").numpy()
    assert (boxes != rounded).mean() > 0.2
    parts = detector(inputs() | truth(), training=True)
    assert all(part.dtype == "float32" for part in parts.values())
