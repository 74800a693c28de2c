"""The two branches of a detector, a keyframe and the clip around it, and the head that names the regions' actions."""

import keras
from keras import layers, ops

import keras_vid
from keras_vid.backbones import image_net, pixels
from keras_vid.layers import fold, unfold
from keras_vid.models.variants import VARIANTS
from keras_vid.surgery import carry_weights
from keras_vid.utils.errors import InputError
from keras_vid.weights.table import WEIGHTS


def clip_networks(settings, channels=3):
    """Two networks made of one: from a clip to the feature map `settings.endpoint`, and from there to `settings.head`.

    The second is None for a dense head. Both leave height and width open, for a picture and for a region of it.
    """
    # The Inception family leaves the number of frames open; networks that fold frames into the batch must know it.
    folds = "backbone" in VARIANTS.get(settings.network, (None, {}))[1]
    frames = settings.frames if folds else None
    net = keras_vid.create(settings.network, frames=frames, channels=channels, **settings.network_options)
    maps = keras_vid.features(net, settings.endpoint)
    if settings.head == "dense":
        return maps, None
    tail = keras.Model(maps.output, keras_vid.features(net, settings.head).output, name=f"{net.name}_tail")
    return maps, tail


def keyframe_network(settings):
    """The 2D network under the region proposals, from a picture (0..255) to its feature map."""
    net = image_net(settings.keyframe)
    picture = keras.Input((*settings.size, 3), name="keyframe")
    maps = keras_vid.features(net, settings.keyframe_endpoint)
    return keras.Model(picture, maps(pixels(settings.keyframe)(picture)), name="keyframe_features")


def steps_of(net, clip):
    """Time steps of the map of a clip (T, H, W, C), also where the network folds frames into the batch."""
    shape = net.compute_output_shape((1, *clip))
    return shape[1] if len(shape) == 5 else shape[0]


def run_on_clip(net, clip, steps, training=False):
    """The feature map of a clip, (B, T, H, W, C)."""
    maps = net(clip, training=training)
    return unfold(maps, steps) if len(maps.shape) == 4 else maps


def freeze_batch_norm(model):
    """Every BatchNormalization of a network keeps its statistics, its scale and its shift."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            freeze_batch_norm(layer)
        elif isinstance(layer, layers.BatchNormalization):
            layer.trainable = False


@keras.saving.register_keras_serializable("keras_vid")
class ActionHead(layers.Layer):
    """Regions of a feature map to actions: (R, T, H, W, C) -> logits (R, outputs) and deltas (R, 4 * boxes).

    Built for a shape with T = 1, two dense layers take the mean over time; otherwise all T steps in order.

    Args:
        tail: The rest of the clip's network, or None for two dense layers.
        outputs: Logits of a region.
        boxes: Boxes of a region: one for each class, or one.
        units: Of the dense layers.
    """

    def __init__(self, tail, outputs, boxes, units, **kwargs):
        super().__init__(**kwargs)
        self.tail = tail
        dense = {"activation": "relu", "kernel_initializer": "he_normal", "dtype": self.dtype_policy}
        self.dense = [] if tail else [layers.Dense(units, name=f"dense_{i}", **dense) for i in (1, 2)]
        start = keras.initializers.VarianceScaling(1.0, "fan_avg", "uniform")
        self.logits = layers.Dense(outputs, kernel_initializer=start, dtype="float32", name="logits")
        self.deltas = layers.Dense(4 * boxes, kernel_initializer=start, dtype="float32", name="deltas")

    def build(self, shape):
        _, self.steps, height, width, channels = shape
        if self.tail:
            features = self.tail.output_shape[-1]
        else:
            features = self.steps * height * width * channels
            for layer in self.dense:
                layer.build((None, features))
                features = layer.units
        self.logits.build((None, features))
        self.deltas.build((None, features))

    def call(self, regions, training=False):
        if self.tail is None:
            x = ops.mean(regions, axis=1) if self.steps == 1 else regions
            x = ops.reshape(x, (-1, self.dense[0].kernel.shape[0]))
            for layer in self.dense:
                x = layer(x)
        elif len(self.tail.input_shape) == 4:  # frames folded into the batch
            x = self.tail(fold(regions), training=training)
            x = ops.mean(unfold(x, regions.shape[1]), axis=(1, 2, 3))
        else:
            x = ops.mean(self.tail(regions, training=training), axis=(1, 2, 3))
        return self.logits(x), self.deltas(x)


def pretrain(detector, clip=None, keyframe=None):
    """Put pretrained weights into a detector's networks, layer by layer.

    Args:
        clip: Weights of the clip's network, as of `keras_vid.create`, or None. A flow stream takes those called
            `<clip>_flow` where they exist, otherwise the RGB network's with a stem for two channels.
        keyframe: Weights of the keyframe's network, as of `keras_vid.create("tsn_<network>")`, or None.
    """
    settings = detector.settings
    for stream, maps in detector.clip_maps.items() if clip else ():
        name, options = clip, {"channels": maps.input_shape[-1], **settings.network_options}
        if stream == "flow" and (settings.network, f"{clip}_flow") in WEIGHTS:
            name = f"{clip}_flow"
        source = keras_vid.create(settings.network, weights=name, **options)
        head = detector.heads.get(stream)
        for net in [maps, *([head.tail] if head and head.tail else [])]:
            _adopt(net, source, name)
    if keyframe and detector.keyframe_maps:
        source = keras_vid.create(f"tsn_{settings.keyframe}", weights=keyframe)
        net = next(layer for layer in detector.keyframe_maps.layers if isinstance(layer, keras.Model))
        _adopt(net, source, keyframe)


def _adopt(net, source, weights):
    left = carry_weights(source, net)
    if left:
        raise InputError(f"{weights} of {source.name} do not fit layer {left[0]!r} of the detector")
