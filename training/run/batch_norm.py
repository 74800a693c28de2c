"""BatchNorm through TensorFlow's fused kernel while training: Keras' layer takes the mean, the variance and the
normalisation as separate passes over the map, the kernel does all of it in one.

The layers stay Keras' own, with their variables, configuration and numbers: only how a training step computes them
changes.
"""

import functools

import tensorflow as tf
from keras import layers


def fuse_batch_norm(network):
    """Let every BatchNorm of a network train through the fused kernel; answers how many do.

    Synchronised layers stay as they are (the kernel sees one replica), and so do frozen ones.

    >>> import keras
    >>> fuse_batch_norm(keras.Sequential([keras.Input((4, 4, 3)), layers.BatchNormalization()]))
    1
    """
    count = 0
    for layer in network.layers:
        if type(layer) is layers.BatchNormalization and not layer.synchronized and _last_axis(layer):
            layer.call = functools.partial(_call, layer)
            count += 1
    return count


def _last_axis(layer):
    return layer.axis in (-1, layer.input_spec.ndim - 1)


def _call(layer, inputs, training=None, mask=None):
    if not (training and layer.trainable):
        return layers.BatchNormalization.call(layer, inputs, training=training, mask=mask)
    shape = tf.shape(inputs)
    flat = tf.reshape(inputs, (-1, 1, 1, inputs.shape[-1]) if len(inputs.shape) < 4 else _four(shape))
    ones = tf.ones(inputs.shape[-1])
    result = tf.raw_ops.FusedBatchNormV3(
        x=flat,
        scale=tf.convert_to_tensor(layer.gamma) if layer.scale else ones,
        offset=tf.convert_to_tensor(layer.beta) if layer.center else tf.zeros_like(ones),
        mean=[],
        variance=[],
        epsilon=layer.epsilon,
        is_training=True,
    )
    count = tf.cast(tf.size(flat) // inputs.shape[-1], tf.float32)
    # the kernel answers the variance of a sample; Keras keeps that of the population
    variance = result.batch_variance * (count - 1) / count
    for variable, new in ((layer.moving_mean, result.batch_mean), (layer.moving_variance, variance)):
        variable.assign(variable * layer.momentum + tf.stop_gradient(new) * (1.0 - layer.momentum))
    return tf.cast(tf.reshape(result.y, shape), layer.compute_dtype)


def _four(shape):
    """Any map as an image: time is height."""
    return tf.stack([shape[0], tf.reduce_prod(shape[1:-2]), shape[-2], shape[-1]])
