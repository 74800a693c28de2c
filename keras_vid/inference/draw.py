"""Labels drawn onto pictures, and a bar of what happens when."""

import colorsys

import numpy as np
from PIL import Image, ImageDraw, ImageFont

GREY = (90, 90, 90)


def colour(number):
    """A bright colour for a class, far from those of its neighbours.

    >>> colour(0) != colour(1)
    True
    """
    hue = (number * 0.618034) % 1
    return tuple(round(255 * part) for part in colorsys.hsv_to_rgb(hue, 0.75, 1.0))


def draw_labels(picture, lines):
    """A copy of a picture (H, W, 3) uint8 with lines of text in its upper left corner.

    Args:
        lines: (text, share of the picture's width that a bar below the text fills, colour) of each.

    >>> bool(draw_labels(np.zeros((64, 96, 3), np.uint8), [("run 90%", 0.9, (255, 0, 0))]).any())
    True
    """
    image = Image.fromarray(picture)
    pen = ImageDraw.Draw(image, "RGBA")
    height, width = picture.shape[:2]
    font = ImageFont.load_default(size=max(9, round(min(height, width) / 16)))
    top = 2
    for text, share, tint in lines:
        _, _, wide, tall = pen.textbbox((0, 0), text, font=font)
        pen.rectangle([0, top, min(wide + 10, width), top + tall + 6], fill=(0, 0, 0, 150))
        pen.rectangle([0, top + tall + 3, max(1, round(share * min(wide + 10, width))), top + tall + 6], fill=tint)
        pen.text((5, top), text, fill="white", font=font)
        top += tall + 8
    return np.array(image)


def bar_of_segments(segments, colours, duration, width, height):
    """A strip (height, width, 3) on which time runs from left to right, each segment in the colour of its label.

    >>> from keras_vid.inference.timeline import Segment
    >>> strip = bar_of_segments([Segment(5, 10, "run", 0.9)], {"run": (255, 0, 0)}, 10, width=8, height=2)
    >>> strip[0, :, 0].tolist()
    [90, 90, 90, 90, 255, 255, 255, 255]
    """
    strip = np.full((height, width, 3), GREY, np.uint8)
    for segment in segments:
        first = int(segment.start / duration * width)
        strip[:, first : max(first + 1, round(segment.end / duration * width))] = colours[segment.label]
    return strip
