"""Figures on paper: a clip as a strip of frames, and what every figure here is drawn and written with."""

import csv
from pathlib import Path

import numpy as np

from keras_vid.explain.pictures import as_rgb, moving, overlaid, title
from keras_vid.utils.errors import InputError
from keras_vid.utils.files import atomic
from keras_vid.video import write

KINDS = (".mp4", ".gif", ".png")
SHOWN = 8  # frames of a strip


def picture_kind(path) -> str:
    """The suffix of a file that can be written, or an error.

    >>> picture_kind("a/b.GIF")
    '.gif'
    """
    kind = Path(path).suffix.lower()
    if kind not in KINDS:
        raise InputError(f"{path}: can write {', '.join(KINDS)}")
    return kind


def save(path, seen, fps=12, side=None):
    """Write what `activations` returned: a moving picture (.mp4, .gif), or a strip of frames with the curve (.png).

    Args:
        seen: The activations of one clip: side by side in a moving picture, one below the other in a strip.
        fps: Of the moving picture.
        side: Height of its frames; None: of the clip, at least 160.
    """
    if picture_kind(path) == ".png":
        return write_figure(path, strip(seen))
    return write(path, moving(seen, side), fps)


def strip(seen, shown=SHOWN, names=None):
    """The clip, each activation over it, and the curves below: a matplotlib figure.

    Args:
        seen: The activations of one clip, or of one video as several networks are shown it.
        names: What stands beside each row; by default the class.
    """
    names = names or [title(activation) for activation in seen]
    rows = len(seen) + 1
    height, width = seen[0].clip.shape[1:3]
    figure, axes = grid(rows, shown, width / height)
    pictures(axes[0], as_rgb(seen[0].clip[chosen(seen[0], shown)]), "the clip")
    for row, activation, name in zip(axes[1:], seen, names):
        pictures(row, overlaid(activation, chosen(activation, shown)), name)
    curve = figure.add_axes((0.13, 0.1 / figure.get_figheight() * 4.5, 0.85, 1.1 / figure.get_figheight()))
    for activation, name in zip(seen, names):
        values = activation.curve()
        (line,) = curve.plot((np.arange(len(values)) + 0.5) / len(values), values, label=name)
        curve.axhline(activation.logit, color=line.get_color(), linewidth=0.8, linestyle="--")
    curve.axhline(0, color="#999999", linewidth=0.8)
    curve.set(xlim=(0, 1), xlabel="time (share of the clip)", ylabel="share of the\nlogit (dashed)")
    curve.tick_params(labelsize=8)
    if len(seen) > 1:
        curve.legend(fontsize=7, frameon=False)
    return figure


def grid(rows, columns, aspect, below=1.75, left=0.13):
    """(figure, axes): `rows` x `columns` places for pictures, with inches for a curve below."""
    figure = new_figure((1.15 * columns * aspect + 1.6, 1.2 * rows + below))
    total = figure.get_figheight()
    space = figure.add_gridspec(
        rows, columns, left=left, right=0.98, top=1 - 0.1 / total, bottom=below / total, wspace=0.04, hspace=0.05
    )
    return figure, [[figure.add_subplot(space[i, j]) for j in range(columns)] for i in range(rows)]


def pictures(axes, frames, name):
    """A row of pictures and, to its left, its name."""
    for panel, frame in zip(axes, frames):
        panel.imshow(frame)
    for panel in axes:
        panel.axis("off")
    axes[0].text(-0.08, 0.5, wrapped(name), ha="right", va="center", fontsize=8, transform=axes[0].transAxes)


def wrapped(name, width=16):
    """
    >>> wrapped("catching or throwing baseball")
    'catching or\\nthrowing\\nbaseball'
    """
    import textwrap

    return textwrap.fill(name, width)


def chosen(activation, shown):
    """Frames spread evenly over the clip."""
    count = len(activation.clip)
    return [int((i + 0.5) * count / shown) for i in range(shown)] if count >= shown else list(range(count))


def new_figure(size):
    """A figure that no window shows and no list of pyplot's keeps."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(size, dpi=110)
    FigureCanvasAgg(figure)
    return figure


def write_figure(path, figure):
    """Write a PNG that appears whole or not at all."""
    path = Path(path)
    if path.suffix.lower() != ".png":
        raise InputError(f"{path}: a figure is written as .png")
    with atomic(path) as part:
        figure.savefig(part, format="png")
    return path


def write_numbers(path, header, rows):
    """Write a figure's numbers beside it, as CSV."""
    path = Path(path).with_suffix(".csv")
    with atomic(path) as part, open(part, "w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])
    return path


def heat_colours(maps):
    """Maps (T, H, W) as uint8 RGB, dark to bright, scaled over all of them."""
    from matplotlib import colormaps

    top = max(float(np.percentile(maps, 99.5)), 1e-9)
    return (colormaps["magma"](np.clip(maps / top, 0, 1))[..., :3] * 255).round().astype("uint8")
