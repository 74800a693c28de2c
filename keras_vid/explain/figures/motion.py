"""What STM's two modules see beside optical flow (its Fig. 1): a clip, the maps before, CSTM's, CMM's, TV-L1 flow."""

import re

import numpy as np

from keras_vid.explain.features import features
from keras_vid.explain.pictures import as_rgb
from keras_vid.explain.strips import grid, heat_colours, pictures
from keras_vid.utils.errors import InputError
from keras_vid.video.flow import tvl1

HEADER = ("frame", "before", "cstm", "cmm", "flow", "cmm_and_flow")
ROWS = ("the clip", "before the block", "CSTM", "CMM", "TV-L1 flow")


def motion(model, clip) -> tuple[list[tuple], list[np.ndarray]]:
    """(rows in the order of `HEADER`, the five pictures' values: frames, three maps (T, H, W), flow (T, H, W, 2)).

    A map is the mean size of its channels; the last column is the correlation of CMM's map with the flow's length,
    both at the map's resolution. The last frame has no next one: nan there.
    """
    block = next((m[1] for layer in model.layers if (m := re.fullmatch(r"(conv\d_block\d+)_motion", layer.name))), None)
    if block is None or "pool1_pool" not in {layer.name for layer in model.layers}:
        raise InputError(f"{model.name} has no blocks with STM's motion module: give an STM network")
    seen = features(model, ["pool1_pool", f"{block}_2_relu", f"{block}_motion"])
    maps = [np.abs(values).mean(axis=-1) for values in seen.predict_on_batch(clip[None])]
    frames = as_rgb(clip)
    flow = np.pad(tvl1(frames), [(0, 1), (0, 0), (0, 0), (0, 0)])
    rows = []
    for t in range(len(clip)):
        length = np.hypot(*np.moveaxis(flow[t], -1, 0))
        alike = _correlation(maps[2][t], _shrunk(length, maps[2].shape[1:])) if t + 1 < len(clip) else float("nan")
        rows.append((t, *(round(float(m[t].mean()), 6) for m in maps), round(float(length.mean()), 4), round(alike, 4)))
    return rows, [frames, *maps, flow]


def draw(values, shown=8):
    """Five rows of pictures; brighter is stronger, over the whole clip; the flow's colour is its direction."""
    frames, *maps, flow = values
    indices = range(len(frames)) if len(frames) <= shown else [i * len(frames) // shown for i in range(shown)]
    height, width = frames.shape[1:3]
    figure, axes = grid(len(ROWS), len(indices), width / height, below=0.1)
    drawn = [frames, *(heat_colours(m) for m in maps), flow_colours(flow)]
    for row, images, name in zip(axes, drawn, ROWS):
        pictures(row, images[list(indices)], name)
    return figure


def flow_colours(flow):
    """Flow (T, H, W, 2) as uint8 RGB: its direction is the hue, its length the strength, white is rest.

    >>> flow_colours(np.zeros((1, 2, 2, 2))).min()
    np.uint8(255)
    """
    from matplotlib.colors import hsv_to_rgb

    length = np.hypot(flow[..., 0], flow[..., 1])
    hue = (np.arctan2(flow[..., 1], flow[..., 0]) / (2 * np.pi)) % 1
    strength = np.clip(length / max(np.percentile(length, 99.5), 1e-9), 0, 1)
    return (hsv_to_rgb(np.stack([hue, strength, np.ones_like(hue)], axis=-1)) * 255).round().astype("uint8")


def _correlation(one, two):
    one, two = one - one.mean(), two - two.mean()
    return float((one * two).sum() / max(np.sqrt((one**2).sum() * (two**2).sum()), 1e-12))


def _shrunk(picture, shape):
    """Means over equal parts of a picture."""
    rows = [part.mean(axis=0) for part in np.array_split(picture, shape[0], axis=0)]
    return np.stack([part.mean(axis=1) for part in np.array_split(np.stack(rows), shape[1], axis=1)], axis=1)
