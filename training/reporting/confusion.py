"""A confusion matrix as a PNG picture: for the run folder, TensorBoard, and pages of many classes."""

import io

import numpy as np
from PIL import Image, ImageDraw


def draw_confusion(matrix, labels, cell=None):
    """The confusion matrix as PNG bytes, each row in shares of its class.

    >>> draw_confusion([[3, 0], [1, 2]], ["run", "sit"])[1:4]
    b'PNG'
    """
    matrix = np.asarray(matrix, float)
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    count = len(matrix)
    cell = cell or max(2, min(48, 900 // count))
    named = cell >= 12
    margin = 8 + (max(len(name) for name in labels) * 6 if named else 0)
    image = Image.new("RGB", (margin + count * cell + 8, margin + count * cell + 8), "white")
    draw = ImageDraw.Draw(image)
    for i in range(count):
        for j in range(count):
            x, y = margin + j * cell, margin + i * cell
            dark = shares[i, j] ** 0.7
            colour = tuple(int(255 - dark * (255 - c)) for c in (20, 70, 140))
            draw.rectangle((x, y, x + cell - 2, y + cell - 2), fill=colour)
            if cell >= 28 and matrix[i, j]:
                text = f"{int(matrix[i, j])}"
                draw.text((x + cell / 2 - 3 * len(text), y + cell / 2 - 6), text, "white" if dark > 0.5 else "black")
    if named:
        for i, name in enumerate(labels):
            draw.text((4, margin + i * cell + cell / 2 - 6), name, "black")
            upright = Image.new("RGB", (margin, 12), "white")
            ImageDraw.Draw(upright).text((2, 0), name, "black")
            image.paste(upright.rotate(90, expand=True), (margin + i * cell + (cell - 12) // 2, 0))
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()
