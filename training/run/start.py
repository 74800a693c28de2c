"""What a run starts from: a fresh network, published weights, or another run's, with a report of what came over."""

from pathlib import Path

import numpy as np

from keras_vid.inference.load import load_model
from keras_vid.models.create import create
from keras_vid.models.variants import DENSE, VARIANTS
from keras_vid.utils.errors import InputError
from keras_vid.view import ASPECTS, set_view


def build(recipe, labels, weights=None, **options):
    """The network of a recipe with its starting weights: (network, report lines).

    Args:
        weights: A name in keras_vid.weights.load, a weights file, a run folder, a `.keras` file, or None.
    """
    options = {"classes": len(labels), "size": recipe.size, **options}
    if open_in_time(recipe.model):
        frames = None
    else:
        frames = recipe.frames
    if recipe.model.startswith("stnet"):
        options["length"] = recipe.neighbours
    if recipe.dropout is not None:
        options["dropout"] = recipe.dropout
    if weights and (Path(weights).is_dir() or str(weights).endswith(".keras")):
        network = create(recipe.model, frames=frames, **options)
        return network, transfer(load_model(weights), network, weights)
    try:
        network = create(recipe.model, frames=frames, weights=weights, **options)
    except OSError as error:
        raise OSError(f"{error}; --weights none starts from scratch") from error
    set_view(network, labels=tuple(labels), aspect=ASPECTS.get(recipe.crop))
    if weights is None:
        return network, ["starts from random weights"]
    fresh = [layer.name for layer in network.layers if layer.name in ("logits", "classifier")]
    return network, [f"starts from {weights}" + (f"; new: {', '.join(fresh)}" if fresh else "")]


def open_in_time(name):
    """Whether a network of the table takes clips of any length: the Inception family."""
    return VARIANTS[name].sampling == DENSE


def transfer(source, network, where):
    """Copy weights by layer name and shape. Answers lines on what was loaded, what has another size, what is new."""
    theirs = {layer.name: layer for layer in source.layers if layer.weights}
    loaded, resized, new = [], [], []
    for layer in network.layers:
        if not layer.weights:
            continue
        if layer.name not in theirs:
            new.append(layer.name)
            continue
        values = theirs[layer.name].get_weights()
        ours = [tuple(w.shape) for w in layer.weights]
        if [v.shape for v in values] == ours:
            layer.set_weights(values)
            loaded.append(layer.name)
        else:
            was, becomes = (max(shapes, key=np.prod) for shapes in ([v.shape for v in values], ours))
            resized.append(f"{layer.name} ({was} there, {becomes} here)")
    left = sorted(set(theirs) - {layer.name for layer in network.layers})
    if not loaded:
        raise InputError(f"{where}: no layer of {source.name} fits {network.name}")
    lines = [f"starts from {where}: {len(loaded)} layers loaded"]
    for what, names in (("other size, new here", resized), ("new here", new), ("left out", left)):
        if names:
            lines.append(
                f"  {what}: {', '.join(names[:5])}" + (f" and {len(names) - 5} more" if len(names) > 5 else "")
            )
    return lines


def set_batch_norm(network, recipe):
    """Momentum and synchronisation of all BatchNorm layers, and which of them learn."""
    norms = [layer for layer in network.layers if type(layer).__name__ == "BatchNormalization"]
    for number, layer in enumerate(norms):
        layer.momentum = recipe.bn_momentum
        layer.synchronized = recipe.sync_bn
        if recipe.bn == "frozen" or (recipe.bn == "partial" and number):
            layer.trainable = False
    if recipe.bn not in ("train", "partial", "frozen"):
        raise InputError(f"--bn is train, partial or frozen, not {recipe.bn!r}")
