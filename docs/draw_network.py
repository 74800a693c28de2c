"""Figures of networks, drawn from their graphs: the stages on the left, one block layer by layer on the right."""

import re

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt

import keras_vid

# page of docs/networks: (network, the block that is shown, arguments of `keras_vid.create`)
FIGURES = {
    "inception": ("s3dg", "Mixed_4b", {"frames": 64, "size": 224}),
    "frames": ("tsm_resnet50", "conv3_block2", {"size": 224}),
    "r2plus1d": ("r2plus1d_sequential_resnet50", "conv3_block2", {"size": 224}),
    "stnet": ("stnet_resnet50", "xception", {"size": 224}),
    "stm": ("stm_resnet50", "conv3_block2", {"size": 224}),
    "sth": ("sth_resnet50", "conv3_block2", {"size": 224}),
}
COLOURS = {"space": "#dbe7f3", "time": "#f6b26b", "space and time": "#f4d4a8", "other": "#eeeeee"}
SEES_TIME = "TemporalShift TemporalConv ChannelTemporalConv TemporalPool MotionDifference SuperImage Balance".split()
PASSED_OVER = "BatchNormalization ReLU Activation ZeroPadding2D Rescaling Dropout ShiftLike Fold Unfold".split()


def draw_all(folder):
    """Draw the figure of every family into a folder; figures that are there stay."""
    folder.mkdir(parents=True, exist_ok=True)
    for page, (name, block, options) in FIGURES.items():
        path = folder / f"{page}.png"
        if not path.exists():
            draw(keras_vid.create(name, **options), block, path)


def draw(model, block, path):
    """Draw a network: its stages in order, and all layers of one block with their connections."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 7), width_ratios=[1, 1.4])
    _draw_stages(left, stages(model), model.name)
    _draw_block(right, model, block)
    figure.tight_layout()
    figure.savefig(path, dpi=90)
    plt.close(figure)


def kind(layer):
    """Over what a layer looks: "space", "time", "space and time" or "other".

    >>> import keras
    >>> kind(keras.layers.Conv3D(8, (3, 1, 1)))
    'time'
    """
    name = type(layer).__name__
    if name in SEES_TIME or name.endswith("1D") or "xception" in layer.name:
        return "time"
    if name == "HybridConv":
        return "space and time"
    reach = getattr(layer, "kernel_size", None) or getattr(layer, "pool_size", None)
    if not reach:
        return "other"
    reach = [reach] if isinstance(reach, int) else list(reach)
    if len(reach) == 2 and reach[1] == 1 and reach[0] > 1:
        return "time"
    if len(reach) < 3 or reach[0] == 1:
        return "space"
    return "time" if max(reach[1:]) == 1 else "space and time"


def stages(model):
    """`[(name, blocks, output shape, kinds of its layers)]` of a network's stages, in order."""
    found = {}
    for layer in model.layers:
        match = re.match(
            r"(conv\d|pool\d|Conv2d_\w\w_\dx\d|MaxPool_\w\w_\dx\d|Mixed_\w\w|xception|\w+?_modelling)", layer.name
        )
        name = match[1] if match else layer.name
        if type(layer).__name__ in PASSED_OVER and name not in found:
            continue
        blocks, _, kinds = found.get(name, (set(), None, set()))
        block = re.match(r"conv\d_block\d+", layer.name)
        shape = layer.output.shape if hasattr(layer.output, "shape") else layer.output[0].shape
        found[name] = (blocks | ({block[0]} if block else set()), shape, kinds | {kind(layer)})
    return [(name, len(blocks), shape, kinds) for name, (blocks, shape, kinds) in found.items()]


def _colour(kinds):
    if "space and time" in kinds or {"space", "time"} <= kinds:
        return COLOURS["space and time"]
    return next((COLOURS[name] for name in ("time", "space") if name in kinds), COLOURS["other"])


def _draw_stages(axes, rows, title):
    for place, (name, blocks, shape, kinds) in enumerate(rows):
        text = f"{name} x {blocks}" if blocks else name
        size = " x ".join(str(side) for side in shape[1:])
        axes.text(0.5, -place, f"{text}   {size}", ha="center", va="center", fontsize=8, bbox=_box(_colour(kinds)))
        if place:
            axes.annotate("", (0.5, -place + 0.3), (0.5, -place + 0.7), arrowprops={"arrowstyle": "->", "lw": 0.7})
    axes.set(xlim=(0, 1), ylim=(-len(rows), 0.8), title=title)
    axes.axis("off")


def _box(colour):
    return {"boxstyle": "round,pad=0.25", "fc": colour, "ec": "#777777", "lw": 0.6}


def _sources(layer, inside):
    """The layers of the block that a layer takes its input from, through those that are passed over."""
    for tensor in layer._inbound_nodes[0].input_tensors:
        before = tensor._keras_history.operation
        if before.name not in inside:
            yield None
        elif type(before).__name__ in PASSED_OVER:
            yield from _sources(before, inside)
        else:
            yield before.name


def _draw_block(axes, model, block):
    inside = {layer.name: layer for layer in model.layers if layer.name.startswith(block)}
    shown = [layer for layer in inside.values() if type(layer).__name__ not in PASSED_OVER]
    depth, rows = {None: 0}, {}
    for layer in shown:  # in the order of the graph
        depth[layer.name] = 1 + max(depth.get(name, 0) for name in _sources(layer, inside))
        rows.setdefault(depth[layer.name], []).append(layer)
    place = {None: (0.5, 0)}
    for level, layers in rows.items():
        from_left = {  # below what they come from, so that arrows rarely cross
            layer.name: sum(place.get(name, place[None])[0] for name in _sources(layer, inside)) for layer in layers
        }
        for number, layer in enumerate(sorted(layers, key=lambda layer: (from_left[layer.name], layer.name))):
            place[layer.name] = ((number + 1) / (len(layers) + 1), -level)
    for layer in shown:
        for name in set(_sources(layer, inside)):
            bow = 0.25 if depth[layer.name] - depth.get(name, 0) > 1 else 0  # a shortcut goes round what it skips
            style = {"arrowstyle": "->", "lw": 0.7, "shrinkA": 12, "shrinkB": 12, "connectionstyle": f"arc3,rad={bow}"}
            axes.annotate("", place[layer.name], place.get(name, place[None]), arrowprops=style)
    axes.text(*place[None], "in", ha="center", va="center", fontsize=7, bbox=_box("white"))
    for layer in shown:
        name = layer.name.removeprefix(block).strip("_").replace("_Conv2d_", "\n").replace("_MaxPool_", "\n") or block
        label = f"{name}\n{type(layer).__name__}"
        axes.text(*place[layer.name], label, ha="center", va="center", fontsize=6.5, bbox=_box(_colour({kind(layer)})))
    axes.set(xlim=(-0.05, 1.05), ylim=(-max(rows, default=0) - 0.8, 0.8), title=f"{block}, a layer a box")
    for number, (name, colour) in enumerate(COLOURS.items()):
        axes.text(number * 0.28, -max(rows, default=0) - 0.6, name, fontsize=7, bbox=_box(colour))
    axes.axis("off")
