"""Several networks' scores as one: RGB and flow streams, ensembles of 8 and 16 frames."""

from collections.abc import Sequence

import numpy as np

from keras_vid.inference.predict import softmax
from keras_vid.utils.errors import InputError


def fuse(scores: Sequence, weights: Sequence[float] | None = None, logits: bool = True) -> np.ndarray:
    """The weighted mean of several networks' probabilities, `(B, K)` each.

    Args:
        scores: One array a network: RGB and flow (the papers weigh them alike, or 1 to 1.5), or 8 and 16 frames.
        weights: One number a network; all alike by default.
        logits: Whether the scores are logits, which a softmax makes probabilities first. I3D's two streams are fused
            by adding logits: `fuse([sum(scores)])`.

    >>> fuse([[[2.0, 0.0]], [[0.0, 2.0]]]).round(6).tolist()
    [[0.5, 0.5]]
    """
    arrays = [np.asarray(score, "float64") for score in scores]
    shapes = {array.shape for array in arrays}
    if len(shapes) != 1:
        raise InputError(f"the networks' scores must have one shape, not {', '.join(map(str, sorted(shapes)))}")
    weights = np.ones(len(arrays)) if weights is None else np.asarray(weights, "float64")
    if weights.shape != (len(arrays),) or weights.min() < 0 or weights.sum() == 0:
        raise InputError(f"{len(arrays)} networks need as many weights, none below zero and not all zero: {weights}")
    if logits:
        arrays = [softmax(array) for array in arrays]
    return np.tensordot(weights / weights.sum(), np.stack(arrays), axes=1)
