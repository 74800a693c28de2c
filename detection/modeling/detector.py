"""Faster R-CNN for actions: a 2D network finds people in a keyframe, a 3D network says what they do around it.

Section 5.3 of the S3D paper (https://arxiv.org/abs/1712.04851), after https://arxiv.org/abs/1705.08421. Region
proposals come from the keyframe's map; each region is pooled from the clip's map at the same place on all time steps.
Both are trained together.
"""

from dataclasses import asdict

import keras
import tensorflow as tf
from keras_vid.detection.modeling import box_ops, losses, matcher, nms
from keras_vid.detection.modeling.branches import (
    ActionHead,
    clip_networks,
    freeze_batch_norm,
    keyframe_network,
    run_on_clip,
    steps_of,
)
from keras_vid.detection.modeling.roi import RegionPool
from keras_vid.detection.modeling.rpn import RegionProposals
from keras_vid.detection.modeling.settings import Settings

LOSSES = ("objectness", "proposal_boxes", "action", "action_boxes")
STREAMS = {"rgb": ("clip", 3), "flow": ("flow", 2)}  # name among the inputs, channels


@keras.saving.register_keras_serializable("keras_vid")
class Detector(keras.Model):
    """A detector of actions in a keyframe.

    It is called with a dict: `keyframe` (B, H, W, 3), `clip` (B, T, H, W, 3) and for a flow stream `flow`
    (B, T, H, W, 2), all 0..255, of the settings' size and frames. The result is a dict of `boxes` (B, D, 4) in pixels
    of that size, `scores` and `labels` (B, D), best first, and `count` (B,) of those that are not padding.

    In training the dict also holds the ground truth, padded with zeros to one length: `boxes` (B, G, 4) and `labels`
    (B, G, K) of zeros and ones. The result then is the four losses; `compile(optimizer)` and `fit` do the rest.

    Args:
        classes: Names of the K actions.
        settings: A `Settings`, or a dict of those that differ from the defaults.

    >>> light = {"size": (64, 64), "frames": 4, "keyframe": "clip", "endpoint": "Mixed_3b", "head": "dense", "units": 8}
    >>> detector = Detector(["run", "sit"], light)
    >>> detections = detector({"clip": tf.zeros((1, 4, 64, 64, 3)), "keyframe": tf.zeros((1, 64, 64, 3))})
    >>> detections["boxes"].shape
    TensorShape([1, 300, 4])
    """

    def __init__(self, classes, settings=None, **kwargs):
        super().__init__(**kwargs)
        self.classes = [str(name) for name in classes]
        self.settings = settings = settings if isinstance(settings, Settings) else Settings(**(settings or {}))
        self.supports_jit = False
        self.autocast = False  # boxes in 16 bits would be off by a pixel; the networks cast for themselves
        branches = {stream: clip_networks(settings, STREAMS[stream][1]) for stream in settings.streams.split("+")}
        self.clip_maps = {stream: maps for stream, (maps, _) in branches.items()}
        clip = (settings.frames, *settings.size)
        self.steps = {stream: steps_of(net, (*clip, STREAMS[stream][1])) for stream, net in self.clip_maps.items()}
        self.keyframe_maps = None if settings.keyframe == "clip" else keyframe_network(settings)
        self.proposals = RegionProposals(settings, self._keyframe_shape(), name="proposals")
        self.pool = RegionPool(settings.size, settings.pooled, settings.pooling, name="pool")
        heads = branches if settings.fusion == "scores" else list(branches)[:1]
        self.heads = {stream: self._head(stream, branches[stream][1]) for stream in heads}
        if settings.freeze_batch_norm:
            for net in self.networks():
                freeze_batch_norm(net)
        if not settings.train_clip:
            for net in self.clip_maps.values():
                net.trainable = False
        self.draws = keras.random.SeedGenerator(name="draws")  # a variable: a run that goes on samples as it would have
        self.trackers = [keras.metrics.Mean(name=name) for name in LOSSES]
        self.built = True

    def networks(self):
        """The networks that can be pretrained: of the clip, of its regions, of the keyframe."""
        tails = [head.tail for head in self.heads.values() if head.tail]
        return [*self.clip_maps.values(), *tails, *([self.keyframe_maps] if self.keyframe_maps else [])]

    def _keyframe_shape(self):
        size, frames = self.settings.size, self.settings.frames
        if self.keyframe_maps:
            return self.keyframe_maps.compute_output_shape((1, *size, 3))[1:]
        return self.clip_maps["rgb"].compute_output_shape((1, frames, *size, 3))[-3:]

    def _head(self, stream, tail):
        settings, count = self.settings, len(self.classes)
        boxes = 1 if settings.class_agnostic else count
        head = ActionHead(tail, count + (settings.scores == "softmax"), boxes, settings.units, name=f"head_{stream}")
        steps = 1 if settings.over_time == "mean" else self.steps[stream]
        head.build((None, steps, settings.pooled, settings.pooled, self.clip_maps[stream].output_shape[-1]))
        return head

    def call(self, inputs, training=False):
        maps = {
            stream: run_on_clip(net, inputs[STREAMS[stream][0]], self.steps[stream], training)
            for stream, net in self.clip_maps.items()
        }
        if self.keyframe_maps:
            keyframe = self.keyframe_maps(inputs["keyframe"], training=training)
        else:
            keyframe = maps["rgb"][:, maps["rgb"].shape[1] // 2]
        if self.settings.fusion == "maps":
            maps = {next(iter(maps)): sum(maps.values()) / len(maps)}
        if (self.settings.head, self.settings.pooling, self.settings.over_time) == ("dense", "align", "mean"):
            # A mean of bilinear samples commutes with the head's mean over time: the same numbers, T times cheaper.
            maps = {stream: tf.reduce_mean(x, axis=1, keepdims=True) for stream, x in maps.items()}
        if training and "boxes" in inputs:
            return self._learn(keyframe, maps, inputs["boxes"], inputs["labels"])
        return self._detect(keyframe, maps)

    def _act(self, maps, boxes, training=False):
        """Of every head: logits (B, R, outputs) and deltas (B, R, K or 1, 4) of the regions."""
        count = boxes.shape[1]
        for stream, head in self.heads.items():
            logits, deltas = head(self.pool(maps[stream], boxes), training=training)
            deltas = tf.reshape(deltas, (-1, count, deltas.shape[-1] // 4, 4))
            yield tf.reshape(logits, (-1, count, logits.shape[-1])), deltas

    def _learn(self, keyframe, maps, gt, labels):
        settings = self.settings
        gt, labels = tf.cast(gt, "float32"), tf.cast(labels, "float32")
        valid = tf.reduce_any(labels > 0, axis=-1)
        objectness, deltas = self.proposals(keyframe, training=True)
        losses_by_name = self.proposals.losses_of(objectness, deltas, gt, valid, self.draws.next())

        boxes, _, proposed = self.proposals.propose(objectness, deltas, training=True)
        if settings.truth_among_regions:  # each actor is seen, also where no proposal meets it yet
            boxes, proposed = tf.concat([boxes, gt], axis=1), tf.concat([proposed, valid], axis=1)
        which = matcher.match(boxes, gt, valid, settings.region_iou, settings.region_iou)
        positive, negative = (which >= 0) & proposed, (which == matcher.BACKGROUND) & proposed
        share, seed = settings.region_positive, self.draws.next()
        index, sampled = matcher.sample(positive, negative, settings.region_batch, share, seed)
        boxes, which = tf.gather(boxes, index, batch_dims=1), tf.gather(which, index, batch_dims=1)
        targets = box_ops.encode(tf.gather(gt, tf.maximum(which, 0), batch_dims=1), boxes)
        labels = tf.gather(labels, tf.maximum(which, 0), batch_dims=1) * tf.cast(which >= 0, "float32")[..., None]
        heads = list(self._act(maps, boxes, training=True))
        losses_by_name["action"] = sum(losses.action(logits, labels, sampled, settings.scores) for logits, _ in heads)
        losses_by_name["action_boxes"] = sum(
            losses.action_boxes(deltas, targets, labels, sampled) for _, deltas in heads
        )
        return losses_by_name

    def _detect(self, keyframe, maps):
        settings = self.settings
        boxes, _, proposed = self.proposals.propose(*self.proposals(keyframe))
        heads = list(self._act(maps, boxes))
        deltas = sum(deltas for _, deltas in heads) / len(heads)
        boxes = box_ops.clip(box_ops.decode(deltas, boxes[:, :, None]), settings.size)
        if settings.scores == "softmax":
            scores = sum(tf.nn.softmax(logits)[..., 1:] for logits, _ in heads) / len(heads)
        else:
            scores = sum(tf.nn.sigmoid(logits) for logits, _ in heads) / len(heads)
        scores = tf.where(proposed[..., None], scores, -1.0)
        return nms.detect(
            boxes, scores, settings.overlap, settings.max_per_class, settings.max_per_frame, settings.min_score
        )

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """The weighted sum of the four losses that a training call answered."""
        total = 0.0
        for tracker in self.trackers:
            value = y_pred[tracker.name]
            tracker.update_state(value)
            total += getattr(self.settings, f"{tracker.name}_loss") * value
        return total / tf.distribute.get_strategy().num_replicas_in_sync  # replicas' gradients are added up

    def get_config(self):
        return {"name": self.name, "classes": self.classes, "settings": asdict(self.settings)}
