"""Which categories one run gets right and another does not, with clips of them (STM's Fig. 4, STH's Figs. 9 and 10)."""

from pathlib import Path

import numpy as np

from keras_vid.explain.strips import new_figure, wrapped
from keras_vid.utils.errors import InputError, MissingFile
from keras_vid.utils.files import read_rows
from keras_vid.video import read
from keras_vid.video.sample import segments

HEADER = ("category", "clips", "first", "second", "difference", "example")
BARS, STRIPS, SHOWN = 12, 3, 6  # categories with a bar and with frames, at each end; frames of one


def categories(first, second) -> list[tuple]:
    """A row a category, in the order of `HEADER`, the one that the second run gains most on first.

    Args:
        first, second: Run folders, or `predictions.csv` files, of the same clips.

    The example is a clip that the run which is better at the category gets right, and the other wrong if there is one.
    """
    one, two = _answers(first), _answers(second)
    if set(one) != set(two):
        raise InputError(f"{first} and {second} were not tested on the same clips: {len(set(one) ^ set(two))} differ")
    rows = []
    for category in sorted({label for label, _ in one.values()}):
        paths = [path for path, (label, _) in one.items() if label == category]
        rights = np.array([[run[path][1] for path in paths] for run in (one, two)])
        shares = rights.mean(axis=1)
        better, worse = rights[::-1] if shares[1] >= shares[0] else rights
        example = paths[int(np.argmax(2 * better - worse))]
        difference = round(float(shares[1] - shares[0]), 4)
        rows.append((category, len(paths), *(round(float(share), 4) for share in shares), difference, example))
    return sorted(rows, key=lambda row: -row[4])


def draw(rows, names=("first", "second")):
    """Bars of the differences, and frames of a clip of the categories at both ends."""
    ends = _ends(rows, BARS)
    shown = _ends([row for row in rows if row[4]] or rows, STRIPS)
    figure = new_figure((11, max(1.15 * len(shown), 0.3 * len(ends)) + 0.8))
    space = figure.add_gridspec(1, 2, width_ratios=(1, 1.6), left=0.16, right=0.99, top=0.93, bottom=0.12, wspace=0.3)
    axes = figure.add_subplot(space[0])
    values = [100 * row[4] for row in ends[::-1]]
    axes.barh(range(len(ends)), values, color=["#1f61b8" if value >= 0 else "#d62718" for value in values])
    axes.set_yticks(range(len(ends)), [wrapped(row[0], 24) for row in ends[::-1]], fontsize=8)
    axes.margins(y=0.02)
    axes.tick_params(axis="x", labelsize=8)
    axes.axvline(0, color="#555555", linewidth=0.8)
    axes.set_xlabel(f"points of accuracy: {names[1]} minus {names[0]}", fontsize=8)
    strips = space[1].subgridspec(len(shown), 1, hspace=0.35)
    for row, cell in zip(shown, strips):
        axes = figure.add_subplot(cell)
        axes.axis("off")
        axes.set_title(f"{row[0]}: {names[0]} {row[2]:.0%}, {names[1]} {row[3]:.0%}", fontsize=8, loc="left", pad=2)
        try:
            frames = read(row[5], lambda count: segments(count, SHOWN), 96)
            axes.imshow(np.concatenate(list(frames), axis=1), aspect="equal")
        except (ValueError, OSError):
            axes.text(0, 0.5, "(the video is not there any more)", fontsize=8)
    return figure


def _ends(rows, count):
    return rows if len(rows) <= 2 * count else [*rows[:count], *rows[-count:]]


def _answers(source):
    """{path: (its category, whether the run was right)}"""
    path = Path(source) / "predictions.csv" if Path(source).is_dir() else Path(source)
    if not path.is_file():
        raise MissingFile(f"{path} does not exist: keras-vid evaluate writes it")
    rows = read_rows(path)
    if not rows or not {"path", "label", "predicted"} <= set(rows[0]):
        raise InputError(f"{path}: holds no predictions (columns path, label and predicted)")
    return {row["path"]: (row["label"], row["label"] == row["predicted"]) for row in rows}
