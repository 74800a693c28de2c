"""A linear classifier on features of a frozen network, and the same as plain weights of its head."""

import dataclasses
import re
import warnings

import keras
import numpy as np
from keras import layers
from keras_vid.training.data.splits import folds, skewed
from keras_vid.training.small.depths import pooled
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from keras_vid.utils.errors import InputError
from keras_vid.view import set_view, view_of

STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)  # scikit-learn's C: the larger, the freer
NEVER = -20.0  # the logit of a class of which nothing was seen


@dataclasses.dataclass
class Probe:
    """Logits are `vectors @ kernel + bias`: the standardisation is inside.

    Attributes:
        kernel, bias: (channels, classes) and (classes,).
        strength: The C that the folds chose.
    """

    kernel: np.ndarray
    bias: np.ndarray
    strength: float

    def logits(self, vectors) -> np.ndarray:
        return np.asarray(vectors) @ self.kernel + self.bias


def fit_probe(vectors, labels, groups, classes, strength=None, seed=0) -> Probe:
    """Standardise, choose the strength by folds over groups, and fit on everything.

    Args:
        vectors: (clips, variants, channels): mirrored clips and further views are examples of their own; the choice is
            made on the first variant, which is what the network will see.
        labels, groups: Of each clip.
        classes: Number of labels, of which some may have no clip.
        strength: C, instead of choosing it.

    >>> rng = np.random.default_rng(0)
    >>> labels = np.arange(40) % 2
    >>> vectors = rng.normal(size=(40, 1, 8)) + 3 * labels[:, None, None]
    >>> probe = fit_probe(vectors, labels, np.arange(40), classes=2)
    >>> bool((probe.logits(vectors[:, 0]).argmax(1) == labels).mean() > 0.9)
    True
    """
    labels, groups = np.asarray(labels), np.asarray(groups)
    if len(np.unique(labels)) < 2:
        raise InputError("all clips have one label: a classifier needs two classes to tell apart")
    strength = strength or _choose(vectors, labels, groups, classes, seed)
    return _fit(vectors, labels, classes, (strength,))[0]


def _choose(vectors, labels, groups, classes, seed):
    """The strength with the smallest loss on clips of groups that were not trained on."""
    try:
        fold = folds(labels, groups, 4, seed)
    except InputError:  # every class has one source: nothing to choose by
        return STRENGTHS[2]
    losses = np.zeros(len(STRENGTHS))
    for number in range(fold.max() + 1):
        test = fold == number
        probes = _fit(vectors[~test], labels[~test], classes, STRENGTHS)
        losses += [cross_entropy(probe.logits(vectors[test, 0]), labels[test]).sum() for probe in probes]
    return STRENGTHS[int(np.argmin(losses))]


def cross_entropy(logits, labels):
    """Of each clip.

    >>> cross_entropy([[0.0, 0.0]], [1]).round(3).tolist()
    [0.693]
    """
    logits = np.asarray(logits, float)
    top = logits.max(axis=1, keepdims=True)
    return np.log(np.exp(logits - top).sum(axis=1)) + top[:, 0] - logits[np.arange(len(logits)), labels]


def _fit(vectors, labels, classes, strengths):
    """A probe for each strength."""
    variants = vectors.shape[1]
    rows, targets = vectors.reshape(-1, vectors.shape[-1]).astype("float64"), np.repeat(labels, variants)
    scaler = StandardScaler().fit(rows)
    rows = scaler.transform(rows)
    turned, axes = rows, np.eye(rows.shape[1])
    if len(rows) < rows.shape[1]:  # the same solution, found among as many directions as there are examples
        left, sizes, axes = np.linalg.svd(rows, full_matrices=False)
        turned = left * sizes
    probes = []
    for strength in strengths:
        balance = "balanced" if skewed(labels) else None
        regression = LogisticRegression(C=strength, max_iter=1000, class_weight=balance, tol=1e-6)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # close enough: the folds judge what came out
            regression.fit(turned, targets, sample_weight=np.full(len(rows), 1 / variants))
        weight, offset = regression.coef_ @ axes / scaler.scale_, regression.intercept_
        if len(weight) == 1:  # two classes: one decision, as the difference of two logits
            weight, offset = np.concatenate([-weight, weight]) / 2, np.concatenate([-offset, offset]) / 2
        kernel, bias = np.zeros((rows.shape[1], classes)), np.full(classes, NEVER)
        kernel[:, regression.classes_] = weight.T
        bias[regression.classes_] = offset - weight @ scaler.mean_
        probes.append(Probe(kernel, bias, strength))
    return probes


def probe_network(network, names, probe, labels, view) -> keras.Model:
    """The network with the probe for its classifier: an ordinary Keras network on ordinary clips.

    Args:
        network: For clips of exactly the view's frames and size.
        names: The depths whose means the probe was fitted on.
        labels: Names of the classes.
    """
    x = layers.Concatenate(name="features")([pooled(network, name) for name in names])
    x = layers.Dense(len(labels), dtype="float32", name="logits")(x)
    model = keras.Model(network.input, x, name=network.name)
    model.get_layer("logits").set_weights([probe.kernel, probe.bias])
    model.view = view
    set_view(model, labels=tuple(labels))
    return model


def start_head(part, network, labels) -> list:
    """Rows of the network's own classifier for the labels that it knows by name; returns these labels.

    The other rows of the new head stay zero.
    """
    known = [_plain(name) for name in view_of(network).labels or ()]
    head = part.layers[-1]
    own = [layer for layer in network.layers if isinstance(layer, layers.Dense) and layer.units == len(known)]
    if not known or not own or own[-1].kernel.shape[0] != head.kernel.shape[0]:
        return []
    kernel, bias = (np.array(weight) for weight in head.get_weights())
    theirs = [np.asarray(weight) for weight in own[-1].get_weights()]
    shared = [name for name in labels if _plain(name) in known]
    for name in shared:
        place, row = labels.index(name), known.index(_plain(name))
        kernel[:, place], bias[place] = theirs[0][:, row], theirs[1][row] if len(theirs) > 1 else 0.0
    head.set_weights([kernel, bias])
    return shared


def _plain(name):
    """
    >>> _plain("Riding_a_Bike") == _plain("riding a bike")
    True
    """
    return " ".join(re.sub(r"[_\W]+", " ", name.lower()).split())
