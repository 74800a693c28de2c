"""The functions that a SavedModel offers: a raw clip, encoded frames, its view, and feature maps by name."""

import dataclasses
import json

import keras
import tensorflow as tf


def build(net, view, features=()):
    """A module that holds the weights, and `{signature: concrete function}`; all of them share one graph.

    Args:
        net: The network to serve: a clip in; logits, and after them the maps of `features`, out.
        view: Its `ClipView`, with the names of the classes.
        features: Names of the further outputs.
    """
    module = tf.Module()
    module.weights = [weight.value for weight in net.variables]  # tracked once: what Keras tracks is stored twice
    net = keras.Model(net.inputs, net.outputs, name="net")  # each operation's name begins with it: a short one
    frames, channels = view.frames, view.channels
    clip = tf.TensorSpec((None, frames, view.height, view.width, channels), tf.uint8, name="clip")

    @tf.function(input_signature=[clip], autograph=False)
    def network(clip):
        outputs = net(tf.cast(clip, tf.float32), training=False)
        return [tf.cast(output, tf.float32) for output in tf.nest.flatten(outputs)]

    def classify(clip):
        logits = network(clip)[0]
        names = tf.repeat(tf.constant([view.labels]), tf.shape(logits)[0], axis=0)
        return {"logits": logits, "scores": tf.nn.softmax(logits), "labels": names}

    def maps(clip):
        outputs = zip(features, network(clip)[1:])
        return {name: _by_clip(x, tf.shape(clip)[0]) for name, x in outputs}

    def encoded(frames):
        return classify(decode(frames, view))

    def about(name):
        return {"view": tf.fill(tf.shape(name), json.dumps(dataclasses.asdict(view)))}

    # servers that join requests want a batch as the input of every signature, so the view has one, of any text
    any_text = tf.TensorSpec((None,), tf.string, name="name")
    signatures = {"serving_default": _concrete(classify, clip), "view": _concrete(about, any_text)}
    if channels == 3:
        signatures["encoded_frames"] = _concrete(encoded, tf.TensorSpec((None, frames), tf.string, name="frames"))
    if features:
        signatures["features"] = _concrete(maps, clip)
    return module, signatures


def _concrete(function, spec):
    return tf.function(function, autograph=False).get_concrete_function(spec)


def _by_clip(x, batch):
    """A map of frames that stand in the batch, `(B*T, ...)`, as `(B, T, ...)`; others as they are."""
    return tf.reshape(x, tf.concat([[batch, -1], tf.shape(x)[1:]], 0)) if x.shape.rank == 4 else x


def decode(frames, view):
    """Clips of JPEG or PNG files, `(B, T)` strings, as `(B, T, height, width, 3)` uint8, in graph ops alone.

    The short side becomes 256 / 224 of the crop's (or the picture gets the view's aspect), and the middle is
    cropped, as `keras_vid.predict` does.

    >>> from keras_vid.view import ClipView
    >>> picture = tf.io.encode_png(tf.zeros((48, 64, 3), tf.uint8))
    >>> decode(tf.stack([[picture, picture]]), ClipView(height=24, width=24)).shape.as_list()
    [1, 2, 24, 24, 3]
    """
    (height, width), scaled = view.side, view.picture_size

    def picture(content):
        with tf.name_scope("each_of_frames_must_be_a_JPEG_or_PNG_file"):  # the name that its error is reported under
            image = tf.io.decode_image(content, channels=3, expand_animations=False)
        size = tf.cast(tf.shape(image)[:2], tf.float32)
        size = (
            tf.constant(scaled) if view.aspect else tf.cast(tf.round(size * (scaled / tf.reduce_min(size))), tf.int32)
        )
        size = tf.maximum(size, [height, width])
        image = tf.image.resize(image, size, antialias=True)
        top, left = (size[0] - height) // 2, (size[1] - width) // 2
        image = image[top : top + height, left : left + width]
        return tf.cast(tf.round(tf.clip_by_value(image, 0, 255)), tf.uint8)

    pictures = tf.map_fn(
        picture, tf.reshape(frames, [-1]), fn_output_signature=tf.TensorSpec((height, width, 3), tf.uint8)
    )
    return tf.reshape(pictures, tf.concat([tf.shape(frames), [height, width, 3]], 0))
