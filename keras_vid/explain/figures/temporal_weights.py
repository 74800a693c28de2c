"""How far from zero a network's weights are at each temporal offset, layer by layer (S3D's Fig. 5)."""

import keras
import numpy as np
from keras import layers

from keras_vid.explain.strips import new_figure
from keras_vid.layers.temporal import ChannelTemporalConv, TemporalConv
from keras_vid.utils.errors import InputError

HEADER = ("layer", "offset", "weights", "mean", "deviation", "low", "q1", "median", "q3", "high")
PANELS = 4


def temporal_weights(model) -> list[tuple]:
    """A row a layer and temporal offset, lowest layers first, in the order of `HEADER`.

    `low` and `high` are the farthest weights within one and a half times the box, as box plots have their whiskers.

    >>> import keras_vid
    >>> rows = temporal_weights(keras_vid.create("s3d", classes=2))
    >>> rows[0][:3], len({row[0] for row in rows})
    (('Conv2d_1a_7x7_temporal_conv', -3, 4096), 20)
    """
    rows = []
    for layer in model.layers:
        kernel = _kernel(layer)
        if kernel is None or kernel.shape[0] < 2:
            continue
        for index, weights in enumerate(kernel):
            rows.append((layer.name, index - (len(kernel) - 1) // 2, *_spread(weights.ravel())))
    if not rows:
        raise InputError(f"{model.name} has no convolution over time")
    return rows


def draw(rows, chosen=None):
    """Box plots by offset, a panel a layer: the named layers, or a few from the lowest to the highest."""
    by_layer = {}
    for row in rows:
        by_layer.setdefault(row[0], []).append(row)
    if chosen is None:  # kernels of three frames, as most are
        names = [name for name, of_layer in by_layer.items() if len(of_layer) == 3] or list(by_layer)
        chosen = [names[i] for i in sorted({round(i) for i in np.linspace(0, len(names) - 1, PANELS)})]
    for name in chosen:
        if name not in by_layer:
            raise InputError(
                f"{name!r} is not a layer with weights over time; some are: {', '.join(list(by_layer)[:8])}"
            )
    figure = new_figure((2.6 * len(chosen) + 0.6, 3.2))
    for number, name in enumerate(chosen):
        axes = figure.add_subplot(1, len(chosen), number + 1)
        boxes = [
            {"label": f"{row[1]:+d}" if row[1] else "0", "mean": row[3]}
            | dict(zip(("whislo", "q1", "med", "q3", "whishi"), row[5:]))
            for row in by_layer[name]
        ]
        axes.bxp(boxes, showfliers=False, widths=0.6, patch_artist=True, boxprops={"facecolor": "#bcd3ee"})
        axes.set_title(name.replace("_conv", "").replace("_Branch", "\nBranch"), fontsize=8)
        axes.set_xlabel("offset in time", fontsize=8)
        axes.tick_params(labelsize=7)
        axes.axhline(0, color="#999999", linewidth=0.6, zorder=0)
        if not number:
            axes.set_ylabel("weight", fontsize=8)
    figure.tight_layout()
    return figure


def _kernel(layer):
    """Weights with time first, or None."""
    if isinstance(layer, (layers.Conv3D, TemporalConv)):
        return keras.ops.convert_to_numpy(layer.kernel)
    if isinstance(layer, ChannelTemporalConv):
        return np.asarray(layer.get_weights()[0])
    return None


def _spread(weights):
    q1, median, q3 = np.percentile(weights, [25, 50, 75])
    reach = 1.5 * (q3 - q1)
    inside = weights[(weights >= q1 - reach) & (weights <= q3 + reach)]
    numbers = (weights.mean(), weights.std(), inside.min(), q1, median, q3, inside.max())
    return (weights.size, *(float(f"{number:.6g}") for number in numbers))
