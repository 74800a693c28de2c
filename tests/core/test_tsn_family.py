"""TSN, C2D, TSM and (2+1)D: counts to the digit, the published shift, identity starts, and who sees frame order."""

import functools

import numpy as np
import pytest
from keras import layers, ops
from temporal_checks import check_clips_apart, check_frame_order_matters, check_temporal_layer, clips, logits

import keras_vid
from keras_vid.backbones import image_net
from keras_vid.explain.macs import parameters
from keras_vid.inference.two_stream import fuse
from keras_vid.layers.temporal import TemporalPool, TemporalShift
from keras_vid.models.tsm import branch_starts
from keras_vid.utils.late import shapes_only


@pytest.mark.parametrize(
    "name, count, gmacs, with_bn",
    [
        ("tsn_resnet50", 23_864_558, 32.700, 32.878),
        ("tsm_resnet50", 23_864_558, 32.700, 32.878),
        ("r2plus1d_sequential_resnet50", 27_636_974, 37.632, None),
        ("r2plus1d_parallel_resnet50", 27_636_974, 37.632, None),
    ],
)
@shapes_only()
def test_counts_equal_the_papers(name, count, gmacs, with_bn):
    """8 x 224 x 224, 174 classes; the STM paper prints 23.9M and 32.9G, the STH paper 27.6M and 37.9G."""
    model = keras_vid.create(name, classes=174, size=224)
    assert parameters(model) == count
    assert keras_vid.macs(model) / 1e9 == pytest.approx(gmacs, abs=6e-4)
    if with_bn:
        assert keras_vid.macs(model, convention="conv_bn") / 1e9 == pytest.approx(with_bn, abs=6e-4)


def test_the_shift_is_the_published_one():
    """x[t, c] = 16 t + c with T = 4 and C = 16, as the authors' own code shifts it."""
    x = np.arange(64, dtype="float32").reshape(4, 1, 1, 16)
    y = ops.convert_to_numpy(TemporalShift(frames=4)(x))[:, 0, 0]
    assert y[0].astype(int).tolist() == [16, 17, 0, 0, *range(4, 16)]
    assert y[3].astype(int).tolist() == [0, 0, 34, 35, *range(52, 64)]


def test_the_shift_reaches_one_frame_each_way_and_no_other_clip():
    check_temporal_layer(TemporalShift(frames=5), reach=1)


def test_the_pool_takes_the_maximum_of_neighbours_within_the_clip():
    x = np.array([1, 5, 2, 0, 9, 0, 0, 3], "float32").reshape(8, 1, 1, 1)  # two clips of four frames
    y = ops.convert_to_numpy(TemporalPool(frames=4)(x)).ravel()
    assert y.tolist() == [5, 2, 9, 3]


@shapes_only()
def test_where_the_shifts_are():
    starts = branch_starts(image_net("resnet50"))
    assert (
        starts[:4] == [[f"conv{i}_block{j}_1_conv"] for i, j in ((2, 1), (2, 2), (2, 3), (3, 1))] and len(starts) == 16
    )
    deep = branch_starts(image_net("resnet101"))
    assert deep[:3] == [[f"conv{i}_block{j}_1_conv"] for i, j in ((2, 1), (2, 3), (3, 1))]
    assert len(branch_starts(image_net("mobilenet_v2"))) == 10
    assert branch_starts(image_net("vgg16"))[0] == ["block1_conv2"]


@pytest.mark.slow
@shapes_only()
def test_branches_of_inception_resnet_share_a_shift():
    model = keras_vid.create("tsm_inception_resnet_v2", frames=2, size=75)
    inputs = [layer.input for layer in model.layers if isinstance(layer, layers.Conv2D)]
    shifted = [layer.output for layer in model.layers if isinstance(layer, TemporalShift)]
    seen = [sum(image is x for image in inputs) for x in shifted]
    assert seen == [3] * 5 + [2] * 10 + [2] * 5  # every second of 10, 20 and 10 blocks


@functools.cache
def tiny(name):
    """A small network under weights that leave nothing silent."""
    model = keras_vid.create(name, classes=3, frames=4, size=32)
    rng = np.random.default_rng(0)
    for weight in model.weights:
        if "classifier/kernel" in weight.path:
            weight.assign(rng.normal(0, 1, weight.shape).astype("float32"))
    return model


def same_backbone(model, twin):
    """Give a network all weights that another has under the same names."""
    values = {weight.path: weight for weight in twin.weights}
    for weight in model.weights:
        if weight.path in values and "seed" not in weight.path:
            weight.assign(values[weight.path])


@pytest.mark.slow
@pytest.mark.parametrize("backbone", ["resnet14", "mobilenet_v2", "vgg16"])
@pytest.mark.parametrize("kind", ["sequential", "parallel"])
def test_2plus1d_starts_as_tsn(kind, backbone):
    model, twin = tiny(f"r2plus1d_{kind}_{backbone}"), tiny(f"tsn_{backbone}")
    same_backbone(model, twin)
    expected = logits(twin, clips(twin))
    scale = np.abs(expected).max()  # an untrained MobileNetV2 answers with 1e-11
    np.testing.assert_allclose(logits(model, clips(model)) / scale, expected / scale, rtol=1e-4, atol=1e-4)
    assert np.ptp(expected, axis=0).max() > 0.01 * scale  # logits hang on the clip


@pytest.mark.slow
def test_a_still_clip_is_answered_like_its_frame():
    model = tiny("tsn_resnet14")
    still = np.repeat(clips(model, 1)[:, :1], 4, axis=1)
    features = keras_vid.features(model, "avg_pool")
    frames = ops.convert_to_numpy(features(still, training=False))
    np.testing.assert_allclose(frames, np.repeat(frames[:1], 4, axis=0), rtol=1e-4, atol=1e-5)
    single = keras_vid.create("tsn_resnet14", classes=3, frames=1, size=32)
    same_backbone(single, model)
    np.testing.assert_allclose(logits(single, still[:, :1]), logits(model, still), rtol=1e-4, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name, matters", [("tsn_resnet14", False), ("tsm_resnet14", True), ("tsm_mobilenet_v2", True), ("tsm_vgg16", True)]
)
def test_who_sees_the_order_of_frames(name, matters):
    check_frame_order_matters(tiny(name), matters)
    check_clips_apart(tiny(name))


def test_fusion_by_hand():
    rgb, flow = np.log([[0.8, 0.2]]), np.log([[0.2, 0.8]])
    np.testing.assert_allclose(fuse([rgb, flow]), [[0.5, 0.5]])
    np.testing.assert_allclose(fuse([rgb, flow], weights=[3, 1]), [[0.65, 0.35]])
    np.testing.assert_allclose(fuse([[[0.8, 0.2]], [[0.2, 0.8]]], logits=False), [[0.5, 0.5]])
    np.testing.assert_allclose(fuse([rgb]).sum(), 1)
    with pytest.raises(ValueError, match="one shape"):
        fuse([rgb, flow[:, :1]])
    with pytest.raises(ValueError, match="as many weights"):
        fuse([rgb, flow], weights=[1])
