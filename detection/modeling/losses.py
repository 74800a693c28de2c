"""The four losses of Faster R-CNN: is there an object, where; which action, where. Sums of picked boxes over counts."""

import tensorflow as tf


def smooth_l1(deltas, targets):
    """Huber's loss with delta 1, summed over the four deltas: (..., 4) -> (...).

    >>> smooth_l1([[0.5, 0.0, 3.0, 0.0]], [[0.0, 0.0, 0.0, 0.0]]).numpy().tolist()  # 0.125 + 2.5
    [2.625]
    """
    far = tf.abs(tf.convert_to_tensor(deltas) - targets)
    return tf.reduce_sum(tf.where(far < 1, far**2 / 2, far - 0.5), axis=-1)


def objectness(logits, positive, sampled):
    """Cross-entropy of background against object, over the anchors sampled, and then over the pictures.

    Args:
        logits: (B, R, 2), background first.
        positive, sampled: (B, R) booleans.
    """
    loss = tf.nn.sparse_softmax_cross_entropy_with_logits(tf.cast(positive, tf.int32), logits)
    return tf.reduce_mean(_share(loss, sampled, sampled))


def proposal_boxes(deltas, targets, positive, sampled):
    """Smooth L1 of the positive anchors, divided by the number of all anchors sampled."""
    return tf.reduce_mean(_share(smooth_l1(deltas, targets), positive & sampled, sampled))


def action(logits, labels, sampled, kind="softmax"):
    """Cross-entropy of the action of each region.

    Args:
        logits: (B, R, 1 + K) for "softmax", background first; (B, R, K) for "sigmoid".
        labels: (B, R, K) zeros and ones; all zeros are background.
        sampled: (B, R) booleans.
    """
    if kind == "softmax":
        names = tf.where(tf.reduce_any(labels > 0, -1), 1 + tf.argmax(labels, -1, tf.int32), 0)
        loss = tf.nn.sparse_softmax_cross_entropy_with_logits(names, logits)
    else:
        loss = tf.reduce_sum(tf.nn.sigmoid_cross_entropy_with_logits(labels, logits), axis=-1)
    return tf.reduce_mean(_share(loss, sampled, sampled))


def action_boxes(deltas, targets, labels, sampled):
    """Smooth L1 of the box of each region's own class; regions of the background have none.

    Args:
        deltas: (B, R, K, 4), or (B, R, 1, 4) where all classes share a box.
        targets: (B, R, 4).
        labels: (B, R, K) zeros and ones.
    """
    loss = smooth_l1(deltas, targets[..., None, :])
    own_class = labels if deltas.shape[2] == labels.shape[2] else tf.reduce_max(labels, axis=-1, keepdims=True)
    return tf.reduce_mean(_share(tf.reduce_sum(loss * own_class, axis=-1), sampled, sampled))


def _share(loss, counted, sampled):
    """The sum of a picture's losses that are counted, over the number of boxes sampled: (B, R) -> (B,)."""
    total = tf.reduce_sum(tf.where(counted, loss, 0.0), axis=-1)
    return total / tf.maximum(tf.reduce_sum(tf.cast(sampled, tf.float32), axis=-1), 1.0)
