"""What the frames of a clip say together."""

from keras import initializers, layers

from keras_vid.layers.frames import Unfold


def consensus(x, frames, classes, dropout=0.5):
    """Every frame is classified, and the clip gets the mean of the answers: `(B*T, C)` to float32 `(B, K)`.

    The segment consensus of TSN (https://arxiv.org/abs/1608.00859). With 0 classes, the clip's mean features.

    >>> import keras
    >>> tuple(consensus(keras.random.normal((16, 2048)), frames=8, classes=10).shape)
    (2, 10)
    """
    x = Unfold(frames, name="unfold")(x)  # B, T, C
    if not classes:
        return layers.GlobalAveragePooling1D(name="features")(x)
    x = layers.Dropout(dropout, name="dropout")(x)
    small = initializers.RandomNormal(stddev=0.001)
    x = layers.Dense(classes, kernel_initializer=small, dtype="float32", name="classifier")(x)
    return layers.GlobalAveragePooling1D(dtype="float32", name="logits")(x)
