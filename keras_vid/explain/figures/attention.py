"""How much each layer of STH takes from time and from the image (its Figs. 5 to 8): by layer, and by network.

The networks may differ in what they were trained on, in their share of temporal kernels, or in what they are shown.
"""

import numpy as np

from keras_vid.explain.features import features
from keras_vid.explain.strips import new_figure
from keras_vid.layers.balance import Balance
from keras_vid.utils.errors import InputError

HEADER = ("network", "layer", "name", "temporal", "spatial", "videos")


def attention(networks) -> list[tuple]:
    """A row a network and layer, in the order of `HEADER`: the means over channels and videos; both add up to 2.

    Args:
        networks: [(its name in the figure, model, clips (T, H, W, C))]; the clips may be an iterator.
    """
    rows = []
    for name, model, clips in networks:
        balances = [layer.name for layer in model.layers if isinstance(layer, Balance)]
        if not balances:
            raise InputError(f"{name}: {model.name} weighs no time against the image: give STH networks with attention")
        seen = features(model, balances)
        means = [[values.mean(axis=(0, 2)) for values in seen.predict_on_batch(clip[None])] for clip in clips]
        if not means:
            raise InputError(f"{name}: there is no video to look at")
        for number, (layer, (temporal, spatial)) in enumerate(zip(balances, np.mean(means, axis=0)), 1):
            rows.append((name, number, layer, round(float(temporal), 5), round(float(spatial), 5), len(means)))
    return rows


def draw(rows):
    """A line a network over its layers: what comes from time; the rest to 2 comes from the image."""
    figure = new_figure((6.4, 3.6))
    axes = figure.add_subplot()
    for name in dict.fromkeys(row[0] for row in rows):
        own = [row for row in rows if row[0] == name]
        (line,) = axes.plot([row[1] for row in own], [row[3] for row in own], marker="o", label=f"{name}: time")
        spatial = {"linestyle": "--", "color": line.get_color(), "linewidth": 1, "label": f"{name}: image"}
        axes.plot([row[1] for row in own], [row[4] for row in own], **spatial)
    axes.axhline(1, color="#999999", linewidth=0.8)
    count = max(row[1] for row in rows)
    axes.set(xlabel="layer", ylabel="mean coefficient", xticks=range(1, count + 1), xlim=(0.7, count + 0.3))
    axes.legend(fontsize=8, frameon=False, ncols=2, loc="best")
    figure.tight_layout()
    return figure
