"""Classifiers of feature sequences: the rows of StNet's Table 1 (https://arxiv.org/abs/1811.01549).

They read what an image network says of each frame, `(B, T, C)`; `keras_vid.features` of any network gives such vectors.
"""

import keras
from keras import layers

from keras_vid.layers.temporal_xception import temporal_xception
from keras_vid.utils.errors import InputError


def _txb(without=None):
    def encode(x):
        x = temporal_xception(x, "txb", without=without)
        return layers.GlobalMaxPooling1D(name="pool")(x)

    return encode


def _convolutions(x):
    for name in ("conv1", "conv2"):
        x = layers.Conv1D(1024, 3, padding="same", activation="relu", name=name)(x)
    return layers.GlobalMaxPooling1D(name="pool")(x)


# name: what turns (B, T, C) into one vector a clip
SEQUENCE_MODELS = {
    "mean": lambda x: layers.GlobalAveragePooling1D(name="pool")(x),
    "txb": _txb(),
    "txb_without_batch_norm": _txb("batch_norm"),
    "txb_without_channel_conv": _txb("channel_conv"),
    "txb_without_temporal_conv": _txb("temporal_conv"),
    "txb_without_short_branch": _txb("short_branch"),
    "txb_without_long_branch": _txb("long_branch"),
    "temporal_conv": _convolutions,
    "lstm": lambda x: layers.LSTM(1024, name="lstm")(x),
    # Cho et al. reset the state before the product, as the paper's citation has it
    "gru": lambda x: layers.GRU(1024, reset_after=False, name="gru")(x),
}


def SequenceModel(kind="txb", classes=400, frames=25, channels=1536):
    """A classifier of feature sequences.

    Args:
        kind: One of `SEQUENCE_MODELS`.
        classes: Number of labels.
        frames: T, or None for any number.
        channels: C, the length of each feature vector (InceptionResNetV2: 1536).

    >>> SequenceModel("txb").count_params(), SequenceModel("gru").count_params()
    (4631952, 8277392)
    """
    if kind not in SEQUENCE_MODELS:
        raise InputError(f"no sequence model is called {kind!r}; there are: {', '.join(SEQUENCE_MODELS)}")
    x = features = keras.Input((frames, channels), name="features")
    x = SEQUENCE_MODELS[kind](x)
    logits = layers.Dense(classes, dtype="float32", name="logits")(x)
    return keras.Model(features, logits, name=kind)
