"""Non-maximum suppression: of boxes that overlap, the best one stays. On tf.image, for batches of padded boxes."""

import tensorflow as tf
from keras_vid.detection.modeling.box_ops import area, yxyx

LEAST_AREA = 1.0  # pixels; boxes that clipping has left without extent are not proposals


def propose(boxes, scores, count, threshold):
    """The `count` best boxes of each picture that overlap by no more than `threshold`, whatever their class.

    Returns (boxes (B, count, 4), scores (B, count), valid (B, count)); rows beyond the boxes kept are zeros.

    >>> boxes = [[[0.0, 0, 9, 9], [0, 0, 9, 8], [20, 0, 29, 9]]]
    >>> propose(boxes, [[0.8, 0.9, 0.1]], count=3, threshold=0.5)[0].numpy()[0, :, 3].tolist()
    [8.0, 9.0, 0.0]
    """
    boxes, scores = tf.convert_to_tensor(boxes), tf.convert_to_tensor(scores)
    scores = tf.where(area(boxes) >= LEAST_AREA, scores, -1.0)

    @tf.autograph.experimental.do_not_convert  # it holds no control flow of Python's, and converting takes a while
    def one(args):
        picture_boxes, score = args
        # one operation, where tf.image.non_max_suppression_padded builds loops that take a second to trace
        index, count_kept = tf.raw_ops.NonMaxSuppressionV4(
            boxes=yxyx(picture_boxes),
            scores=score,
            max_output_size=count,
            iou_threshold=threshold,
            score_threshold=0.0,
            pad_to_max_output_size=True,
        )
        return index, tf.range(count) < count_kept

    kinds = (tf.TensorSpec((count,), tf.int32), tf.TensorSpec((count,), tf.bool))
    index, valid = tf.map_fn(one, (boxes, scores), fn_output_signature=kinds)
    blank = tf.cast(valid, tf.float32)
    boxes = tf.gather(boxes, index, batch_dims=1) * blank[..., None]
    return boxes, tf.gather(scores, index, batch_dims=1) * blank, valid


def detect(boxes, scores, threshold=0.6, max_per_class=100, max_per_frame=300, min_score=0.0):
    """Suppression within each class, then the best of all classes.

    Args:
        boxes: (B, R, K, 4), or (B, R, 1, 4) where all classes share a box.
        scores: (B, R, K), without background; a negative score is not a detection.
        min_score: Detections of a lower score are left out.

    Returns:
        dict of boxes (B, D, 4), scores (B, D), labels (B, D) and count (B,), D being `max_per_frame`; the rest is
        padded with zeros.
    """
    boxes, scores, labels, count = tf.image.combined_non_max_suppression(
        yxyx(boxes),
        scores,
        max_output_size_per_class=max_per_class,
        max_total_size=max_per_frame,
        iou_threshold=threshold,
        score_threshold=min_score,
        clip_boxes=False,  # it would clip to [0, 1], and these are pixels
    )
    boxes = tf.gather(boxes, [1, 0, 3, 2], axis=-1)
    return {"boxes": boxes, "scores": scores, "labels": tf.cast(labels, tf.int32), "count": count}
