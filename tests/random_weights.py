"""Random weights that hide nothing: what a network sees, and what any of its layers does, shows in its answer."""

import keras
import numpy as np
from keras import layers, ops


def cut(net, last):
    """A deep image network up to a layer, and the mean of its map: what follows would repeat blocks that are there."""
    return keras.Model(net.input, layers.GlobalAveragePooling2D(name="mean")(net.get_layer(last).output), name=net.name)


def scatter(model, seed=0):
    """Give every weight a value that matters: identities, zeros and ones would hide a difference."""
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        kind = weight.path.rsplit("/", 1)[-1]
        if "kernel" in kind:
            inputs = np.prod(weight.shape[:2] if "depthwise" in weight.path else weight.shape[:-1])
            value = rng.normal(0, (2 / max(1, inputs)) ** 0.5, weight.shape)
        elif kind == "gamma":  # a scale of zero or below is what folding could get wrong
            value = rng.uniform(0.2, 0.5, weight.shape) * rng.choice([-1, 0, 1, 1, 1], weight.shape)
        elif kind == "beta":  # near zero, the ReLUs of a hundred layers would make rounding errors grow a thousandfold
            value = rng.normal(0.5, 0.1, weight.shape)
        elif kind == "moving_variance":
            value = rng.uniform(0.5, 1.5, weight.shape)
        elif "seed" in weight.path:
            continue
        else:
            value = rng.normal(0, 0.1, weight.shape)
        weight.assign(value.astype("float32"))
    return model


def settle_norms(model, inputs):
    """As training leaves a network: its BatchNorms know what arrives.

    Without it, a signal fades or explodes from layer to layer, and all inputs are answered alike.
    """
    norms = [layer for layer in model._flatten_layers() if isinstance(layer, layers.BatchNormalization)]
    momentum = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 0.0
    model(inputs, training=True)
    for norm, value in zip(norms, momentum):
        norm.momentum = value
    return model


def settle(model, clips):
    """`settle_norms`, and logits that are some units apart from clip to clip."""
    logits = ops.convert_to_numpy(settle_norms(model, clips)(clips, training=False))
    last = next(layer for layer in model.layers if layer.name in ("classifier", "logits") and layer.weights)
    kernel, bias = last.get_weights()
    scale = 2 / logits.std(axis=0).mean()
    last.set_weights([scale * kernel, scale * (bias - logits.mean(axis=0))])
    return model
