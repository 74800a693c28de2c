"""Several networks' class activation of the same videos, one below the other (StNet's Fig. 4)."""

import numpy as np

from keras_vid.explain.pictures import as_rgb, overlaid
from keras_vid.explain.strips import chosen, grid, pictures
from keras_vid.utils.errors import InputError

HEADER = ("video", "network", "class", "probability", "logit", "exact", "feature_frame", "share")
SHOWN = 7  # as many as the paper's super-images


def side_by_side(explainers, videos, label=None, frames=None) -> list[tuple]:
    """[(video, [(network's name, its Activation), ...]), ...].

    Args:
        explainers: [(name in the figure, `keras_vid.explain.class_activation.Explainer`)]
        videos: [(path, label)]; the class explained is the label where there is one, else the first network's first.
        label: The class of all videos instead.
        frames: Of networks that leave it open.
    """
    rows_seen = []
    for path, true in videos:
        wanted, seen = label or true, []
        for name, explainer in explainers:
            activation = explainer(path, wanted, frames=None if explainer.view.frames else frames)[0]
            wanted = activation.label
            seen.append((name, activation))
        rows_seen.append((path, seen))
    if not rows_seen:
        raise InputError("there is no video to explain")
    return rows_seen


def as_rows(rows_seen):
    """A row a video, network and feature frame, in the order of `HEADER`."""
    rows = []
    for path, seen in rows_seen:
        for name, one in seen:
            start = (path, name, one.label, round(one.probability, 4), round(one.logit, 4), int(one.exact))
            rows += [(*start, frame, round(float(share), 5)) for frame, share in enumerate(one.over_time())]
    return rows


def draw(rows_seen):
    """The clip and each network's activation over it, video after video."""
    tall = [len(seen) + 1 for _, seen in rows_seen]
    clip = rows_seen[0][1][0][1].clip
    figure, axes = grid(sum(tall), SHOWN, clip.shape[2] / clip.shape[1], below=0.1)
    start = 0
    for (_, seen), rows in zip(rows_seen, tall):
        own, first = axes[start : start + rows], seen[0][1]
        pictures(own[0], as_rgb(first.clip[chosen(first, SHOWN)]), first.label.replace("_", " "))
        for row, (name, activation) in zip(own[1:], seen):
            shown = chosen(activation, SHOWN)
            pictures(row, overlaid(activation, shown), f"{name} {activation.probability:.0%}")
        start += rows
    for panel in np.ravel(axes):
        panel.axis("off")
    return figure
