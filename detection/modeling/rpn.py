"""Region proposals: of all anchors on a keyframe's map, those that hold someone, moved to where they are."""

import keras
import tensorflow as tf
from keras import layers
from keras_vid.detection.modeling import box_ops, losses, matcher, nms
from keras_vid.detection.modeling.anchors import anchors, inside

from keras_vid.utils.errors import InputError


@keras.saving.register_keras_serializable("keras_vid")
class RegionProposals(layers.Layer):
    """The region proposal network of Faster R-CNN, in the TF Object Detection API's form.

    Anchors that cross the edge of the picture take no part in training; afterwards they are clipped.

    Args:
        settings: A keras_vid.detection.modeling.settings.Settings.
        shape: (rows, columns, channels) of the map.

    >>> from keras_vid.detection.modeling.settings import Settings
    >>> layer = RegionProposals(Settings(size=(64, 64), anchor_scales=(0.125,)), (4, 4, 8))
    >>> objectness, deltas = layer(tf.zeros((2, 4, 4, 8)))
    >>> objectness.shape, deltas.shape, layer.propose(objectness, deltas)[0].shape
    (TensorShape([2, 48, 2]), TensorShape([2, 48, 4]), TensorShape([2, 300, 4]))
    """

    def __init__(self, settings, shape, **kwargs):
        super().__init__(**kwargs)
        self.settings = settings
        self.autocast = False  # the convolutions cast for themselves
        rows, columns, channels = shape
        stride = (settings.size[0] / rows, settings.size[1] / columns)
        boxes = anchors((rows, columns), stride, settings.anchor_base, settings.anchor_scales, settings.anchor_ratios)
        kept = inside(boxes, settings.size)
        if not kept.any():
            raise InputError(f"no anchor fits into {settings.size[0]}x{settings.size[1]} pixels: smaller anchor_scales")
        # Arrays wrapped into functions, which Keras leaves alone
        self.starts = lambda training: boxes[kept] if training else box_ops.clip(boxes, settings.size)
        self.inner = lambda x: tf.gather(x, kept.nonzero()[0], axis=1)
        start = {"kernel_initializer": keras.initializers.TruncatedNormal(stddev=0.01)}
        each = len(settings.anchor_scales) * len(settings.anchor_ratios)
        wide = {"padding": "same", "activation": "relu6", "dtype": self.dtype_policy}
        self.conv = layers.Conv2D(settings.rpn_channels, 3, name="conv", **wide, **start)
        self.objectness = layers.Conv2D(2 * each, 1, dtype="float32", name="objectness", **start)
        self.deltas = layers.Conv2D(4 * each, 1, dtype="float32", name="deltas", **start)
        self.conv.build((None, rows, columns, channels))
        self.objectness.build((None, rows, columns, settings.rpn_channels))
        self.deltas.build((None, rows, columns, settings.rpn_channels))
        self.built = True

    def call(self, maps, training=False):
        """Objectness (B, N, 2), background first, and deltas (B, N, 4) of the anchors."""
        x = self.conv(maps)
        objectness = tf.reshape(self.objectness(x), (tf.shape(x)[0], -1, 2))
        deltas = tf.reshape(self.deltas(x), (tf.shape(x)[0], -1, 4))
        return (self.inner(objectness), self.inner(deltas)) if training else (objectness, deltas)

    def propose(self, objectness, deltas, training=False):
        """Boxes (B, P, 4), scores and which are not padding (B, P); no gradient goes back through them."""
        boxes = box_ops.clip(box_ops.decode(deltas, self.starts(training)), self.settings.size)
        scores = tf.nn.softmax(objectness)[..., 1]
        proposals = nms.propose(boxes, scores, self.settings.proposals, self.settings.proposal_overlap)
        return [tf.stop_gradient(x) for x in proposals]

    def losses_of(self, objectness, deltas, gt, valid, seed=None):
        """The two losses against ground truth (B, G, 4) of which `valid` (B, G) is not padding."""
        set_, starts = self.settings, self.starts(True)
        which = matcher.match(starts[None], gt, valid, set_.rpn_low, set_.rpn_high, force=True)
        positive, negative = which >= 0, which == matcher.BACKGROUND
        index, sampled = matcher.sample(positive, negative, set_.rpn_batch, set_.rpn_positive, seed)
        which, objectness, deltas = (tf.gather(x, index, batch_dims=1) for x in (which, objectness, deltas))
        own = tf.gather(gt, tf.maximum(which, 0), batch_dims=1)
        targets = box_ops.encode(own, tf.gather(starts, index))
        return {
            "objectness": losses.objectness(objectness, which >= 0, sampled),
            "proposal_boxes": losses.proposal_boxes(deltas, targets, which >= 0, sampled),
        }
