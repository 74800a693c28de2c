"""Which ground truth an anchor or a proposal learns, and which of them a training step takes.

Ground truth is padded to one length in a batch; `valid` says which boxes are. Padding is never matched, never sampled,
and nothing is labelled background or forced positive for its sake.
"""

import tensorflow as tf
from keras_vid.detection.modeling.box_ops import iou

BACKGROUND, IGNORED = -1, -2


def match(boxes, gt, valid, low, high, force=False):
    """The ground truth of each box: (..., R) numbers of it, or BACKGROUND, or IGNORED between the two thresholds.

    Args:
        boxes: (..., R, 4).
        gt: (..., G, 4), with G at least 1.
        valid: (..., G) booleans, False for padding.
        low, high: A box with an IoU of at least `high` is matched, one below `low` is background.
        force: Whether the best box of each ground truth is matched to it whatever the IoU.

    >>> gt = [[0.0, 0, 10, 10], [0, 0, 0, 0]]
    >>> match([[0.0, 0, 10, 8], [0, 0, 10, 4], [20, 20, 30, 30]], gt, [True, False], 0.3, 0.7).numpy().tolist()
    [0, -2, -1]
    """
    overlap = tf.where(tf.expand_dims(valid, -2), iou(boxes, gt), -1.0)
    best = tf.reduce_max(overlap, axis=-1)
    which = tf.argmax(overlap, axis=-1, output_type=tf.int32)
    matched = tf.where(best >= high, which, tf.where(best < low, BACKGROUND, IGNORED))
    if not force:
        return matched
    # Every box that reaches the best overlap of a ground truth counts as its best, if it touches it at all.
    peak = tf.reduce_max(overlap, axis=-2, keepdims=True)
    forced = (overlap == peak) & (overlap > 0)
    chosen = tf.argmax(tf.where(forced, overlap, -1.0), axis=-1, output_type=tf.int32)
    return tf.where(tf.reduce_any(forced, axis=-1), chosen, matched)


def sample(positive, negative, count, share, seed=None):
    """A random choice of `count` boxes, of which at most `share` are positive; negatives fill the rest.

    Returns (index, sampled): (..., count) numbers of boxes, positives first, and which of these rows are really
    sampled, for there may be fewer boxes than rows.

    Args:
        positive, negative: (..., R) booleans, never both True.
        seed: Two numbers that decide the choice; None: another one every time.

    >>> index, sampled = sample([True, False, False, True], [False, True, False, False], count=4, share=0.25)
    >>> index.numpy()[1].item(), sampled.numpy().tolist()
    (1, [True, True, False, False])
    """
    positive, negative = tf.convert_to_tensor(positive), tf.convert_to_tensor(negative)
    room = tf.shape(positive)[-1]
    if seed is None:
        priority = tf.random.uniform(tf.shape(positive))
    else:
        priority = tf.random.stateless_uniform(tf.shape(positive), tf.cast(seed, tf.int32))
    # Positives beyond their share are struck out; then positives before negatives, each in random order.
    order = tf.argsort(tf.where(positive, priority, -1.0), axis=-1, direction="DESCENDING")
    rank = tf.argsort(order, axis=-1)
    kept = positive & (rank < int(count * share))
    key = tf.where(kept, priority + 2, tf.where(negative, priority + 1, 0.0))
    value, index = tf.math.top_k(key, tf.minimum(count, room))
    missing = count - tf.shape(index)[-1]
    edge = [[0, 0]] * (index.shape.rank - 1) + [[0, missing]]
    index, value = tf.pad(index, edge), tf.pad(value, edge)
    lead = positive.shape[:-1]
    return tf.ensure_shape(index, [*lead, count]), tf.ensure_shape(value >= 1, [*lead, count])
