"""Class activation as pictures: over the frames of a clip, with the curve of its shares over time.

Red speaks for the class (and blue for the other, of two). Colours are scaled over the whole clip, so that its frames
can be compared.
"""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

FOR, AGAINST, PAPER, INK, FAINT = (214, 39, 24), (31, 97, 184), (255, 255, 255), (30, 30, 30), (205, 205, 205)
CAPTION, CURVE = 26, 72  # pixels of a moving picture's caption and curve


def overlaid(activation, indices=None):
    """Frames of the clip under their activation, uint8 (n, H, W, 3).

    >>> from keras_vid.explain.class_activation import Activation
    >>> clip, shares = np.full((2, 4, 4, 3), 100, "uint8"), np.array([[[1.0]], [[0.0]]])
    >>> seen = Activation("run", None, 0.9, 0.5, shares, 0.0, True, clip)
    >>> bool((overlaid(seen)[0, ..., 0] > 100).all()), bool((overlaid(seen)[1] == 100).all())
    (True, True)
    """
    chosen = slice(None) if indices is None else list(indices)
    shares = activation.on_frames()
    strength = shares[chosen] / max(scale(activation), 1e-9)
    frames = as_rgb(activation.clip[chosen]).astype("float32")
    grey = 0.3 * frames + 0.7 * frames.mean(axis=-1, keepdims=True)
    sign = np.clip(strength, -1 if activation.against else 0, 1)[..., None]
    colour = np.where(sign > 0, hot(np.abs(sign)), np.asarray(AGAINST, "float32"))
    part = 0.7 * np.abs(sign)
    return (grey * (1 - part) + colour * part).round().astype("uint8")


def scale(activation):
    """What is drawn at full strength: nearly the largest share of the clip, for the class or against it."""
    return float(np.percentile(np.abs(activation.map), 99.5))


def hot(strength):
    """From yellow, weak, to red, strong: (..., 1) to (..., 3)."""
    return np.asarray((255.0, 210.0, 40.0)) * (1 - strength) + np.asarray(FOR, "float64") * strength


def as_rgb(clip):
    """Flow's (..., 2) or (..., 10) as grey pictures; three channels as they are."""
    if clip.shape[-1] == 3:
        return clip
    strength = np.abs(clip.astype("float32") - 127.5).mean(axis=-1, keepdims=True) * 2
    return np.repeat(np.clip(strength, 0, 255), 3, axis=-1).astype("uint8")


def moving(seen, side=None):
    """Frames of a moving picture: the clip, each activation over it, and its curve with a mark at the frame."""
    height, width = seen[0].clip.shape[1:3]
    side = side or max(160, height)
    size = (round(side * width / height) // 2 * 2, side // 2 * 2)
    layers = [as_rgb(seen[0].clip), *(overlaid(activation) for activation in seen)]
    titles = ["the clip", *(title(activation) for activation in seen)]
    curves = [None, *(_curve(activation, size[0]) for activation in seen)]
    frames = []
    for t in range(len(layers[0])):
        columns = [_column(*column, t, size) for column in zip(layers, titles, curves)]
        frames.append(np.concatenate(columns, axis=1))
    return np.stack(frames)


def title(activation):
    """
    >>> from keras_vid.explain.class_activation import Activation
    >>> title(Activation("run", None, 0.9, 0.5, None, 0.0, True, None))
    'run 90%'
    """
    if activation.against:
        return f"{activation.label} against {activation.against}"
    return f"{activation.label} {activation.probability:.0%}"


def _column(frames, caption, curve, t, size):
    picture = Image.new("RGB", (size[0], CAPTION + size[1] + CURVE), PAPER)
    draw = ImageDraw.Draw(picture)
    fitted(draw, caption, size[0] - 8, (4, 4))
    picture.paste(Image.fromarray(frames[t]).resize(size, Image.BICUBIC), (0, CAPTION))
    if curve is not None:
        points, zero = curve
        top = CAPTION + size[1]
        draw.line((0, top + zero, size[0], top + zero), FAINT)
        draw.line([(x, top + y) for x, y in points], INK, 2)
        x, y = points[t]
        draw.line((x, top + 3, x, top + CURVE - 3), FOR)
        draw.ellipse((x - 3, top + y - 3, x + 3, top + y + 3), FOR)
    return np.asarray(picture)


def _curve(activation, width):
    """([(x, y) of every frame], y of zero) in pixels."""
    values = activation.curve()
    low, high = min(values.min(), 0), max(values.max(), 0)
    room = CURVE - 16
    ys = CURVE - 8 - (np.append(values, 0) - low) / max(high - low, 1e-9) * room
    xs = np.linspace(4, width - 5, len(values)) if len(values) > 1 else [width / 2]
    return list(zip(xs, ys[:-1])), ys[-1]


def fitted(draw, text, width, position):
    """Write a line in the largest size, 14 and less, that fits."""
    import matplotlib

    file = Path(matplotlib.get_data_path()) / "fonts/ttf/DejaVuSans.ttf"
    for size in range(14, 7, -1):
        font = ImageFont.truetype(str(file), size)
        if draw.textlength(text, font) <= width:
            break
    draw.text(position, text, INK, font)
