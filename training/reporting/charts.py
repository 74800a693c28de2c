"""Charts as SVG: lines with axes that values can be read from, a confusion matrix, a calibration diagram.

Colours are those of the page, so that a chart is readable in light and dark.
"""

import math

import numpy as np
from keras_vid.training.reporting.page import escape, figure

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 380, 230, 44, 10, 10, 34
COLOURS = 8  # of the page: --c0 to --c7


def ticks(low, high, count=5) -> list[float]:
    """About `count` round numbers that enclose low and high.

    >>> ticks(0, 0.93), ticks(3, 3)
    ([0.0, 0.2, 0.4, 0.6, 0.8, 1.0], [2.0, 3.0, 4.0])
    """
    if high <= low:
        low, high = low - 1, high + 1
        count = 2
    raw = (high - low) / count
    unit = 10.0 ** math.floor(math.log10(raw))
    step = next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= raw * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(i * step, 12) for i in range(first, last + 1)]


def line_chart(series, title, x_name, percent=False, limits=(None, None), points=40) -> str:
    """Lines of `(name, xs, ys)`, each with a point a value that tells it; empty without any finite value.

    Args:
        percent: Whether y is a share.
        limits: (low, high) of x, and of y; None: of the values.
        points: A line of more values has no points.

    >>> chart = line_chart([("training", [1], [0.5])], "Loss", "epoch")  # one epoch is a point
    >>> chart.count("<circle"), "epoch 1: 0.5" in chart
    (1, True)
    """
    series = [(name, *_finite(xs, ys)) for name, xs, ys in series]
    series = [(name, xs, ys) for name, xs, ys in series if len(xs)]
    if not series:
        return ""
    every_x, every_y = (np.concatenate([one[i] for one in series]) for i in (1, 2))
    x_ticks = ticks(*(limits[0] or (every_x.min(), every_x.max())))
    if all(value == int(value) for value in every_x):
        x_ticks = [value for value in x_ticks if value == int(value)]
    y_ticks = ticks(*(limits[1] or (min(every_y.min(), 0 if percent else every_y.min()), every_y.max())))
    at_x, at_y = _scale(x_ticks, LEFT, WIDTH - RIGHT), _scale(y_ticks, HEIGHT - BOTTOM, TOP)
    show = (lambda value: f"{value:.0%}") if percent else (lambda value: f"{value:g}")
    parts = _axes(x_ticks, y_ticks, at_x, at_y, show)
    parts.append(f'<text x="{(LEFT + WIDTH) / 2}" y="{HEIGHT - 4}" text-anchor="middle">{escape(x_name)}</text>')
    exact = (lambda value: f"{value:.2%}") if percent else (lambda value: f"{value:.4g}")
    for number, (name, xs, ys) in enumerate(series):
        colour = f"var(--c{number % COLOURS})"
        line = " ".join(f"{at_x(x):.1f},{at_y(y):.1f}" for x, y in zip(xs, ys))
        dash = "" if number < COLOURS else ' stroke-dasharray="5 3"'
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>')
        for x, y in zip(xs, ys) if len(xs) <= points else ():
            text = escape(f"{name}, {x_name} {x:g}: {exact(y)}")
            parts.append(
                f'<circle cx="{at_x(x):.1f}" cy="{at_y(y):.1f}" r="3.5" fill="{colour}"><title>{text}</title></circle>'
            )
    keys = [
        f"<span class=key style='background:var(--c{i % COLOURS})'></span>{escape(name)}"
        for i, (name, *_) in enumerate(series)
    ]
    return figure(_svg(parts, WIDTH, HEIGHT, title), f"<b>{escape(title)}</b> &nbsp; {' &nbsp; '.join(keys)}")


def _finite(xs, ys):
    xs, ys = np.asarray(xs, float), np.asarray(ys, float)
    kept = np.isfinite(xs) & np.isfinite(ys)
    return xs[kept], ys[kept]


def _scale(marks, start, end):
    low, high = marks[0], marks[-1]
    return lambda value: start + (value - low) / ((high - low) or 1) * (end - start)


def _axes(x_ticks, y_ticks, at_x, at_y, show):
    parts = []
    for value in y_ticks:
        y = at_y(value)
        parts.append(f'<path class="axis" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{show(value)}</text>')
    for value in x_ticks:
        x = at_x(value)
        parts.append(f'<path class="axis" d="M{x:.1f} {HEIGHT - BOTTOM}v4"/>')
        parts.append(f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{value:g}</text>')
    return parts


def _svg(parts, width, height, title):
    size = f'viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}"'
    return f'<svg {size} role="img" aria-label="{escape(title)}">{"".join(parts)}</svg>'


def calibration_chart(scores, truth, bins=10) -> str:
    """How often the network is right, by how sure it is; on the diagonal it is as sure as it should be.

    >>> chart = calibration_chart([[0.95, 0.05]] * 4, [0, 0, 0, 1])
    >>> "90% to 100%: 4 clips, 75% correct, 95% sure on average" in chart
    True
    """
    scores, truth = np.asarray(scores), np.asarray(truth)
    confidence, right = scores.max(axis=1), scores.argmax(axis=1) == truth
    marks = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    at_x, at_y = _scale(marks, LEFT, WIDTH - RIGHT), _scale(marks, HEIGHT - BOTTOM, TOP)
    parts = []
    bin_of = np.minimum((confidence * bins).astype(int), bins - 1)
    for number in np.unique(bin_of):
        inside = bin_of == number
        share, sure, low, high = right[inside].mean(), confidence[inside].mean(), number / bins, (number + 1) / bins
        text = f"{low:.0%} to {high:.0%}: {inside.sum():,} clips, {share:.0%} correct, {sure:.0%} sure on average"
        x, y = at_x(low) + 2, at_y(share)
        box = f'x="{x:.1f}" y="{y:.1f}" width="{at_x(high) - x - 2:.1f}" height="{max(at_y(0) - y, 1):.1f}"'
        parts.append(f'<rect {box} fill="var(--c0)" opacity="{0.35 + 0.65 * inside.mean():.2f}"/>')
        parts.append(f'<circle cx="{at_x(sure):.1f}" cy="{y:.1f}" r="3.5" fill="var(--c1)"/>')
        parts.append(
            f'<rect x="{x:.1f}" y="{TOP}" width="{at_x(high) - x:.1f}" height="{HEIGHT - TOP - BOTTOM}" '
            f'fill="transparent"><title>{text}</title></rect>'
        )
    diagonal = f'<path d="M{at_x(0)} {at_y(0)}L{at_x(1)} {at_y(1)}" stroke="var(--soft)" stroke-dasharray="4 3"/>'
    axes = _axes(marks, marks, at_x, at_y, lambda value: f"{value:.0%}")
    name = f'<text x="{(LEFT + WIDTH) / 2}" y="{HEIGHT - 4}" text-anchor="middle">how sure the network is</text>'
    caption = "Bars: the share of correct clips; darker where there are more clips. Dots: how sure on average."
    return figure(_svg([*axes, diagonal, *parts, name], WIDTH, HEIGHT, "Calibration"), caption)


def confusion_chart(matrix, labels) -> str:
    """A confusion matrix: a row a true class, its colour the share of that class, its number the clips.

    >>> "run taken for sit: 1 of 4" in confusion_chart([[3, 1], [0, 2]], ["run", "sit"])
    True
    """
    matrix = np.asarray(matrix)
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    cell = 40 if len(labels) <= 6 else 26
    names = [name if len(name) <= 22 else f"{name[:21]}…" for name in labels]
    margin = 12 + 6.3 * max(map(len, names))
    side = margin + cell * len(labels)
    parts = []
    for i, name in enumerate(names):
        middle = margin + (i + 0.6) * cell
        parts.append(f'<text class="ink" x="{margin - 6:.1f}" y="{middle:.1f}" text-anchor="end">{escape(name)}</text>')
        turned = f'transform="translate({middle:.1f} {margin - 6:.1f}) rotate(-90)"'
        parts.append(f'<text class="ink" {turned}>{escape(name)}</text>')
        for j in range(len(labels)):
            x, y = margin + j * cell, margin + i * cell
            text = escape(f"{labels[i]} taken for {labels[j]}: {matrix[i, j]} of {matrix[i].sum()}")
            text = text if i != j else escape(f"{labels[i]}: {matrix[i, j]} of {matrix[i].sum()} correct")
            colour = f"color-mix(in srgb, var({'--c0' if i == j else '--c1'}) {100 * shares[i, j]:.0f}%, var(--card))"
            box = f'x="{x + 1:.1f}" y="{y + 1:.1f}" width="{cell - 2}" height="{cell - 2}"'
            parts.append(f'<rect {box} style="fill:{colour}"><title>{text}</title></rect>')
            if matrix[i, j]:
                look = 'style="fill:var(--paper)"' if shares[i, j] > 0.5 else 'class="ink"'
                at = f'x="{x + cell / 2:.1f}" y="{y + cell / 2 + 4:.1f}" text-anchor="middle" pointer-events="none"'
                parts.append(f"<text {look} {at}>{matrix[i, j]}</text>")
    caption = "A row is a true class, a column what the network says; colours are shares of the row."
    return f"<div class=wide>{_svg(parts, side, side, 'Confusion matrix')}</div><p class=soft>{caption}</p>"
