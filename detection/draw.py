"""Boxes and labels on frames."""

import colorsys

import numpy as np
from PIL import Image, ImageDraw, ImageFont

WHITE = -1  # the number of what has no class of its own


def draw(frame, boxes, texts, numbers=None):
    """A copy of a frame (H, W, 3) uint8 with boxes and a line of text on each; equal numbers have equal colours.

    >>> picture = draw(np.zeros((48, 64, 3), np.uint8), [[8, 16, 40, 40]], ["run 0.9"], [0])
    >>> bool(picture[16, 20:30].any()), bool(picture[30, 20:30].any())
    (True, False)
    """
    image = Image.fromarray(frame)
    pen = ImageDraw.Draw(image)
    height, width = frame.shape[:2]
    line = max(1, round(min(height, width) / 160))
    font = ImageFont.load_default(size=max(9, round(min(height, width) / 18)))
    numbers = range(len(boxes)) if numbers is None else numbers
    for box, text, number in sorted(zip(np.asarray(boxes).tolist(), texts, numbers), key=lambda row: -row[0][1]):
        x1, y1, x2, y2 = box
        if x2 - x1 < 1 or y2 - y1 < 1:
            continue
        tint = colour(number)
        pen.rectangle([x1, y1, x2 - 1, y2 - 1], outline=tint, width=line)
        if not text:
            continue
        _, _, wide, tall = pen.textbbox((0, 0), text, font=font)
        # above the box, or inside it where there is no room above; never beyond the right edge
        left, top = max(min(x1, width - wide - 2), 0), y1 - tall - 2 if y1 >= tall + 2 else y1
        pen.rectangle([left, top, left + wide + 2, top + tall + 2], fill=tint)
        pen.text((left + 1, top), text, fill="black", font=font)
    return np.asarray(image)


def colour(number):
    """A bright colour for a class, far from those of its neighbours.

    >>> colour(0) != colour(1)
    True
    """
    if number == WHITE:
        return (255, 255, 255)
    hue = (number * 0.618034) % 1
    return tuple(round(255 * part) for part in colorsys.hsv_to_rgb(hue, 0.75, 1.0))
