"""The detector's parts against numbers computed by hand, and against Keras and the Model Garden where right."""

import numpy as np
import pytest
import tensorflow as tf
from keras.utils import bounding_boxes
from keras_vid.detection.modeling import box_ops, losses, matcher, nms
from keras_vid.detection.modeling.anchors import anchors, inside
from keras_vid.detection.modeling.roi import RegionPool, crop_and_resize, roi_align
from keras_vid.detection.modeling.rpn import RegionProposals
from keras_vid.detection.modeling.settings import Settings


def random_boxes(count, side=100, seed=0):
    corner, extent = np.random.default_rng(seed).uniform(1, side / 2, (2, count, 2))
    return np.concatenate([corner, corner + extent], axis=-1).astype("float32")


def test_anchors_of_the_paper():
    """20 x 25 cells at 320 x 400, 12 a cell; 1,736 wholly inside the picture; none of the largest."""
    boxes = anchors((20, 25), 16)
    assert boxes.shape == (6000, 4)
    assert inside(boxes, (320, 400)).sum() == 1736
    sides = boxes[inside(boxes, (320, 400))]
    assert ((sides[:, 2:] - sides[:, :2]).prod(axis=-1) < 300**2).all()


def test_codes_by_hand_and_back():
    box, anchor = [[20.0, 30.0, 40.0, 70.0]], [[10.0, 10.0, 30.0, 30.0]]
    code = box_ops.encode(box, anchor).numpy()[0]  # centre 30,50 from 20,20; twice as tall
    np.testing.assert_allclose(code, [10 * 10 / 20, 10 * 30 / 20, 0, 5 * np.log(2)], rtol=1e-6)
    boxes, starts = random_boxes(50), random_boxes(50, seed=1)
    np.testing.assert_allclose(box_ops.decode(box_ops.encode(boxes, starts), starts), boxes, atol=1e-4)


def test_codes_agree_with_keras():
    boxes, starts = random_boxes(50), random_boxes(50, seed=1)
    same = {"anchor_format": "xyxy", "box_format": "xyxy", "encoding_format": "center_xywh"}
    theirs = bounding_boxes.encode_box_to_deltas(starts, boxes, variance=[0.1, 0.1, 0.2, 0.2], **same)
    np.testing.assert_allclose(box_ops.encode(boxes, starts), theirs, rtol=1e-4, atol=1e-4)


def test_a_wild_code_gives_a_finite_box():
    box = box_ops.decode([[0.0, 0.0, 1e6, 1e6]], [[0.0, 0.0, 16.0, 16.0]]).numpy()
    np.testing.assert_allclose(box[0, 2:] - box[0, :2], [1000, 1000], rtol=1e-4)
    assert np.isfinite(box_ops.encode([[5.0, 5, 5, 5]], [[0.0, 0, 9, 9]])).all()


def test_iou_agrees_with_keras():
    a, b = random_boxes(20), random_boxes(30, seed=1)
    np.testing.assert_allclose(box_ops.iou(a, b), bounding_boxes.compute_iou(a, b, "xyxy"), atol=1e-6)


GT = np.array([[0, 0, 10, 10], [50, 50, 60, 60], [0, 0, 0, 0]], "float32")
REAL = np.array([True, True, False])
STARTS = np.array([[0, 0, 10, 8], [0, 0, 10, 5], [0, 0, 10, 2], [50, 50, 60, 54], [90, 90, 99, 99]], "float32")


def test_match_by_hand():
    """IoU with the first box is 0.8, 0.5, 0.2; with the second 0.4."""
    assert matcher.match(STARTS, GT, REAL, 0.3, 0.7).numpy().tolist() == [0, -2, -1, -2, -1]
    assert matcher.match(STARTS, GT, REAL, 0.5, 0.5).numpy().tolist() == [0, 0, -1, -1, -1]
    assert matcher.match(STARTS, GT, REAL, 0.3, 0.7, force=True).numpy().tolist() == [0, -2, -1, 1, -1]


def test_match_takes_thresholds_inclusively():
    starts = np.array([[0, 0, 10, 7]], "float32")
    assert matcher.match(starts, GT, REAL, 0.3, 0.7).numpy().tolist() == [0]


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("pad", [[0, 0, 0, 0], [-1, -1, -1, -1], [0, 0, 10, 8], [90, 90, 99, 99]])
def test_padding_is_nobodys_match(force, pad):
    """Whatever numbers the padding holds, even boxes that fit an anchor exactly, nothing changes by it."""
    gt = GT.copy()
    gt[2] = pad
    got = matcher.match(STARTS, gt, REAL, 0.3, 0.7, force).numpy()
    np.testing.assert_array_equal(got, matcher.match(STARTS, GT[:2], REAL[:2], 0.3, 0.7, force))


@pytest.mark.parametrize("force", [False, True])
def test_a_picture_without_people_is_all_background(force):
    nothing = np.zeros(3, bool)
    assert (matcher.match(STARTS, GT, nothing, 0.3, 0.7, force).numpy() == matcher.BACKGROUND).all()


def test_match_in_batches_is_match_one_by_one():
    boxes, gt = random_boxes(40).reshape(2, 20, 4), random_boxes(6, seed=2).reshape(2, 3, 4)
    valid = np.array([[True, True, False], [True, False, False]])
    both = matcher.match(boxes, gt, valid, 0.2, 0.4, True).numpy()
    for i in range(2):
        np.testing.assert_array_equal(both[i], matcher.match(boxes[i], gt[i], valid[i], 0.2, 0.4, True))


def test_sample_keeps_the_share_and_fills_with_negatives():
    positive = np.arange(100) < 60
    index, sampled = matcher.sample(positive, ~positive, 40, 0.25)
    assert sampled.numpy().all() and len(set(index.numpy())) == 40
    assert positive[index.numpy()].tolist() == [True] * 10 + [False] * 30


def test_sample_takes_no_ignored_box_and_leaves_places_empty():
    positive, negative = np.arange(50) < 3, (np.arange(50) >= 3) & (np.arange(50) < 8)
    index, sampled = matcher.sample(positive, negative, 16, 0.5)
    assert sampled.numpy().tolist() == [True] * 8 + [False] * 8
    assert set(index.numpy()[:8]) == set(range(8))
    index, sampled = matcher.sample(positive, negative, 64, 0.5)  # more places than boxes
    assert index.shape == (64,) and sampled.numpy().sum() == 8
    assert not matcher.sample(positive & False, negative & False, 16, 0.5)[1].numpy().any()


def test_sample_is_random_and_fair():
    positive = np.ones((2000, 4), bool)
    index, _ = matcher.sample(positive, ~positive, 1, 1.0)
    shares = np.bincount(index.numpy()[:, 0], minlength=4) / 2000
    np.testing.assert_allclose(shares, 0.25, atol=0.05)


def greedy(boxes, scores, threshold):
    order, kept = np.argsort(-scores), []
    for i in order:
        if all(float(box_ops.iou(boxes[i : i + 1], boxes[j : j + 1])[0, 0]) <= threshold for j in kept):
            kept.append(i)
    return kept


def test_proposals_are_those_of_a_plain_loop():
    boxes = np.stack([random_boxes(30), random_boxes(30, seed=1)])
    scores = np.random.default_rng(2).uniform(size=(2, 30)).astype("float32")
    got, _, valid = nms.propose(boxes, scores, 30, 0.5)
    for i in range(2):
        kept = greedy(boxes[i], scores[i], 0.5)
        assert valid[i].numpy().tolist() == [True] * len(kept) + [False] * (30 - len(kept))
        np.testing.assert_array_equal(got[i][: len(kept)], boxes[i][kept])


def test_boxes_without_extent_are_no_proposals():
    boxes = tf.constant([[[0.0, 0, 0, 40], [3, 3, 9, 9]]])
    got, _, valid = nms.propose(boxes, tf.constant([[0.9, 0.1]]), 2, 0.5)
    assert valid.numpy().tolist() == [[True, False]] and got.numpy()[0, 0].tolist() == [3, 3, 9, 9]


def test_detections_are_suppressed_within_a_class_only():
    boxes = np.float32([[[[0, 0, 90, 90]], [[0, 0, 90, 80]], [[200, 0, 290, 90]]]])
    scores = np.float32([[[0.9, 0.2], [0.8, 0.6], [-1, -1]]])  # the third is no proposal
    found = nms.detect(boxes, scores, 0.6, max_per_frame=5)
    assert found["count"].numpy().tolist() == [2]
    assert found["labels"].numpy()[0, :2].tolist() == [0, 1]
    assert found["boxes"].numpy()[0, :2].tolist() == [[0, 0, 90, 90], [0, 0, 90, 80]]


def ramp(rows, columns):
    """A map that says where its cells are: channel 0 the x, channel 1 the y of their middle, in cells."""
    x, y = np.meshgrid(np.arange(columns) + 0.5, np.arange(rows) + 0.5)
    return np.stack([x, y], axis=-1)[None].astype("float32")


def test_roi_align_reads_where_the_box_is():
    """At stride 16 the box's cell (i, j) is read at its very middle."""
    x1, y1, x2, y2 = box = [40.0, 24.0, 180.0, 150.0]
    got = roi_align(ramp(20, 25), [[box]], (320, 400), 7).numpy()[0] * 16
    middles = (np.arange(7) + 0.5) / 7
    np.testing.assert_allclose(got[0, :, 0], x1 + middles * (x2 - x1), atol=1e-3)
    np.testing.assert_allclose(got[:, 0, 1], y1 + middles * (y2 - y1), atol=1e-3)


def test_roi_align_goes_on_at_the_edge():
    got = roi_align(np.full((1, 4, 5, 1), 8.0, "float32"), [[[0.0, 0.0, 80.0, 64.0]]], (64, 80), 7)
    np.testing.assert_allclose(got, 8.0, atol=1e-5)


def test_crop_and_resize_is_the_published_one():
    """Corners on corner cells: the whole picture is read from the first cell to the last, the max of each 2x2."""
    got = crop_and_resize(ramp(20, 25), [[[0.0, 0.0, 400.0, 320.0]]], (320, 400), 7).numpy()[0]
    points = 0.5 + np.linspace(0, 24, 14)
    np.testing.assert_allclose(got[0, :, 0], points[1::2], rtol=1e-5)


def test_regions_of_all_time_steps_and_pictures():
    """Pooling a clip is pooling each of its time steps."""
    maps = np.random.default_rng(0).normal(size=(2, 3, 8, 10, 4)).astype("float32")
    boxes = random_boxes(10, 60).reshape(2, 5, 4)
    for method, alone in (("crop", crop_and_resize), ("align", roi_align)):
        got = RegionPool((64, 80), 5, method)(maps, boxes).numpy()
        assert got.shape == (10, 3, 5, 5, 4)
        for t in range(3):
            np.testing.assert_allclose(got[:, t], alone(maps[:, t], boxes, (64, 80), 5), atol=1e-5)


def test_losses_by_hand():
    even, sure = np.log(2), np.log1p(np.exp(-4.0))
    logits = np.float32([[[0, 0], [0, 4], [9, 9]], [[0, 0], [0, 0], [0, 0]]])
    positive = np.array([[True, True, False], [False] * 3])
    sampled = np.array([[True, True, False], [False] * 3])
    assert float(losses.objectness(logits, positive, sampled)) == pytest.approx((even + sure) / 2 / 2, rel=1e-5)
    deltas, targets = np.zeros((2, 3, 4), "float32"), np.ones((2, 3, 4), "float32")
    assert float(losses.proposal_boxes(deltas, targets, positive & [True, False, True], sampled)) == pytest.approx(
        2 / 2 / 2
    )


def test_action_losses_by_hand():
    logits = np.float32([[[0, 0, 0], [4, 0, 0], [7, 7, 7]]])
    labels = np.float32([[[0, 1], [0, 0], [1, 0]]])
    sampled = np.array([[True, True, False]])
    softmax = (np.log(3) + np.log1p(2 * np.exp(-4.0))) / 2
    assert float(losses.action(logits, labels, sampled)) == pytest.approx(softmax, rel=1e-5)
    sigmoid = (2 * np.log(2) + 2 * np.log(2)) / 2
    zeros = np.zeros((1, 3, 2), "float32")
    assert float(losses.action(zeros, labels, sampled, "sigmoid")) == pytest.approx(sigmoid, rel=1e-5)
    deltas = np.zeros((1, 3, 2, 4), "float32")
    deltas[0, 0, 0] = 100  # another class's box
    deltas[0, 0, 1] = 1
    own = losses.action_boxes(deltas, np.zeros((1, 3, 4), "float32"), labels, sampled)
    assert float(own) == pytest.approx(4 * 0.5 / 2)
    shared = losses.action_boxes(deltas[:, :, 1:], np.zeros((1, 3, 4), "float32"), labels, sampled)
    assert float(shared) == pytest.approx(4 * 0.5 / 2)


def test_box_parts_agree_with_the_model_garden():
    box_ops = pytest.importorskip("official.vision.ops.box_ops")
    boxes, starts = random_boxes(40), random_boxes(40, seed=1)
    theirs = box_ops.encode_boxes(boxes[:, [1, 0, 3, 2]], starts[:, [1, 0, 3, 2]], weights=[10, 10, 5, 5]).numpy()
    np.testing.assert_allclose(box_ops.encode(boxes, starts), theirs[:, [1, 0, 3, 2]], atol=1e-4)
    wild = theirs * 20
    decoded = box_ops.decode_boxes(wild, starts[:, [1, 0, 3, 2]], weights=[10, 10, 5, 5]).numpy()
    np.testing.assert_allclose(box_ops.decode(wild[:, [1, 0, 3, 2]], starts), decoded[:, [1, 0, 3, 2]], rtol=1e-3)


def test_proposals_of_wild_deltas_stay_in_the_picture():
    """Deltas of any size lead to boxes; what leaves the picture is cut off, in training and afterwards."""
    settings = Settings(size=(64, 96), anchor_scales=(0.125, 0.25), proposals=50, proposal_overlap=1.0)
    layer = RegionProposals(settings, (4, 6, 8))
    for training in (False, True):
        count = layer.starts(training).shape[0]
        deltas = tf.random.normal((1, count, 4), stddev=40.0, seed=1)
        boxes, _, valid = layer.propose(tf.random.normal((1, count, 2), seed=2), deltas, training)
        boxes = boxes.numpy()[valid.numpy()]
        assert len(boxes) > 5 and (boxes >= 0).all() and (boxes <= [96, 64, 96, 64]).all()


def test_anchors_learn_by_the_two_thresholds_in_their_order():
    """Of three anchors with IoU 0.8, 0.5 and 0.1, the first is an object, the last background, the other neither."""
    settings = Settings(size=(64, 96), rpn_low=0.3, rpn_high=0.7, rpn_batch=8, anchor_scales=(0.125,))
    layer = RegionProposals(settings, (4, 6, 8))
    starts = np.float32([[0, 0, 10, 8], [0, 0, 10, 5], [0, 0, 10, 1], [0, 0, 10, 10]])
    layer.starts = lambda training: starts
    gt, valid = tf.constant([[[0.0, 0, 10, 10]]]), tf.constant([[True]])
    logits = np.zeros((1, 4, 2), "float32")
    logits[0, :, 1] = [9, 0, -9, 9]  # certain and right; the second, which is not sampled, undecided
    loss = layer.losses_of(tf.constant(logits), tf.zeros((1, 4, 4)), gt, valid)["objectness"]
    assert loss.numpy() < 1e-3
    logits[0, :, 1] = [-9, 0, -9, 9]
    assert layer.losses_of(tf.constant(logits), tf.zeros((1, 4, 4)), gt, valid)["objectness"].numpy() > 1
