"""Whether what ships returns what the trained network returns."""

import keras
import numpy as np

from keras_vid.inference.predict import random_clips
from keras_vid.utils.errors import InputError
from keras_vid.utils.late import never_drawn

# Largest error of a logit, as a share of the largest logit. Rounding to float32 alone comes to 1.4e-4 (random weights).
TOLERANCE = {"float32": 5e-4, "bfloat16": 0.1, "int8 weights": 0.1}


def check(model, logits, precision, form="SavedModel"):
    """Compare what ships with the network that it was made of on two unlike clips; refuse it where they differ.

    A network that was trained in mixed precision is compared as it computes in float32. In bfloat16, the best label
    must be the same, unless the network itself puts the two labels closer together than a hundredth of its largest
    logit.

    Args:
        model: The Keras network.
        logits: Function of uint8 clips that returns the logits of what ships.
        precision: A key of TOLERANCE: how far the two may be apart.
        form: What ships, as errors call it.

    Returns:
        `{"clips": .., "clips_apart": .., "largest_error": .., "tolerance": .., "same_top1": ..}`, differences as shares
        of the largest logit. `clips_apart` is how far apart the network itself finds the clips: where that is not more
        than the tolerance, as in a network that was never trained, the check says little.
    """
    clips = random_clips(model)
    expected = keras.ops.convert_to_numpy(in_float32(model)(clips, training=False))
    served = np.asarray(logits(clips))
    scale = max(np.abs(expected).max(), np.finfo("float32").tiny)
    error = float(np.abs(served - expected).max() / scale)
    if not error <= TOLERANCE[precision]:
        raise InputError(
            f"the {form} of {model.name} returns {error:.2g} of its largest logit away from the network "
            f"({TOLERANCE[precision]:g} is allowed in {precision}): it was not written"
        )
    rows = np.arange(len(clips))
    best, chosen = expected.argmax(1), served.argmax(1)
    lost = (expected[rows, best] - expected[rows, chosen]) / scale
    if lost.max() > 0.01:
        raise InputError(
            f"the {form} of {model.name} in {precision} finds another label than the network, which puts them "
            f"{lost.max():.2g} of its largest logit apart: it was not written"
        )
    return {
        "clips": len(clips),
        "clips_apart": float(f"{np.ptp(expected, axis=0).max() / scale:.2e}"),
        "largest_error": float(f"{error:.2e}"),
        "tolerance": TOLERANCE[precision],
        "same_top1": bool((best == chosen).all()),
    }


def in_float32(model):
    """The network itself, or, where some of its layers compute in another precision, a float32 copy of it."""
    if all(layer.compute_dtype == "float32" for layer in model.layers):
        return model

    def copy(layer):
        config = layer.get_config()
        return layer.__class__.from_config({**config, "dtype": "float32"} if "dtype" in config else config)

    with never_drawn():
        plain = keras.models.clone_model(model, clone_function=copy)
    plain.set_weights(model.get_weights())
    return plain
