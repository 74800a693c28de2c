"""What a run starts from: a fresh network, published weights, or another run's, with a report of what came over."""

import dataclasses
from pathlib import Path

import numpy as np
from keras_vid.training.recipes.fields import channels_of, from_json

from keras_vid.inference.load import load_model
from keras_vid.models.create import create, network_options
from keras_vid.models.variants import DENSE, VARIANTS
from keras_vid.utils.errors import InputError
from keras_vid.utils.files import read_json
from keras_vid.view import ASPECTS, set_view
from keras_vid.weights.load import row_options
from keras_vid.weights.table import WEIGHTS

KINETICS = "kinetics400"


def build(recipe, labels, weights=None):
    """The network of a recipe with its starting weights: (network, report lines).

    Args:
        weights: A name in keras_vid.weights.load, a weights file, a run folder, a `.keras` file, or None.
    """
    shape = {"classes": len(labels), "size": recipe.size}
    shape["frames"] = None if open_in_time(recipe.model) else recipe.frames
    options = constructor_options(recipe)
    if weights and is_network(weights):
        network = create(recipe.model, **shape, **options)
        set_view(network, **shown(recipe, network), labels=tuple(labels))
        return network, transfer(load_model(weights), network, weights)
    try:
        network = create(recipe.model, **shape, weights=weights, **options)
    except OSError as error:
        raise OSError(f"{error}; --weights none starts from scratch") from error
    set_view(network, **shown(recipe, network), labels=tuple(labels))
    if weights is None:
        return network, ["starts from random weights"]
    fresh = [layer.name for layer in network.layers if layer.name in ("logits", "classifier")]
    return network, [f"starts from {weights}" + (f"; new: {', '.join(fresh)}" if fresh else "")]


def with_all_options(recipe):
    """The recipe with every option written out that its starting weights bring along.

    Published weights fit one form of a network, and another run's network has the options of that run: a network
    that is built again without the weights (to validate, to resume, to test) has to have the same.
    """
    if recipe.weights is None:
        return recipe
    if recipe.weights == KINETICS and (recipe.model, KINETICS) not in WEIGHTS:
        raise InputError(
            f"{recipe.model}/{recipe.dataset} starts from a network trained on Kinetics, and none is published for "
            f"{recipe.model}: give --weights RUN (a run on Kinetics) or FILE, or --weights imagenet"
        )
    if is_network(recipe.weights):
        brought = _options_of_run(recipe)
    else:
        try:
            brought = row_options(recipe.model, recipe.weights)
        except OSError:  # a file that has gone: a run that goes on has all of its options in args.json
            brought = {}
    known = network_options(recipe.model)
    brought = {key: value for key, value in brought.items() if key in known}
    return dataclasses.replace(recipe, options={**brought, **recipe.options})


def _options_of_run(recipe):
    """The options of the run whose network a recipe starts from, where it is the same network."""
    run = Path(recipe.weights)
    settings = (run if run.is_dir() else run.parent) / "args.json"
    if not settings.is_file():
        return {}
    try:
        other = from_json(read_json(settings)["recipe"])
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{settings} is damaged (it holds no recipe): restore it, or choose another run") from error
    return other.options if other.model == recipe.model else {}


def is_network(weights):
    """Whether the weights to start from are a whole network: a run folder or a `.keras` file."""
    return Path(weights).is_dir() or str(weights).endswith(".keras")


def shown(recipe, network):
    """What the recipe says of the videos, for the network's `ClipView`."""
    trained = None if network.input_shape[1] else recipe.frames
    return {
        "aspect": ASPECTS.get(recipe.crop),
        "trained_frames": trained,
        "fps": recipe.fps,
        "stride": recipe.stride,
    }


def constructor_options(recipe):
    """What a recipe's network is built with beside its shape: its options, and fields that are options, too."""
    options = {**recipe.options, "channels": channels_of(recipe)}
    if recipe.model.startswith("stnet"):
        options["length"] = recipe.neighbours
    if recipe.dropout is not None:
        options["dropout"] = recipe.dropout
    return options


def open_in_time(name):
    """Whether a network of the table takes clips of any length: the Inception family."""
    return VARIANTS[name].sampling == DENSE


def transfer(source, network, where):
    """Copy weights by layer name and shape. Returns lines on what was loaded, what has another size, what is new."""
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
