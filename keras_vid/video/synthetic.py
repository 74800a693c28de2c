"""A small data set made to measure: videos of a drawn person whose classes differ in time, or in looks.

The classes of a pair hold the same frames: clip n of the one is clip n of the other played backwards, so only a
model that sees the order of frames tells them apart. The looks show in any single frame. With exact boxes of the
person, for detection. The same seed makes the same videos, whatever the number of them.

>>> import tempfile
>>> rows = write_dataset(tempfile.mkdtemp(), clips=1, frames=8, size=32)
>>> len(rows) == len(CLASSES)
True
"""

import csv
from pathlib import Path

import numpy as np

from keras_vid.utils.errors import InputError, VideoError
from keras_vid.utils.files import atomic
from keras_vid.video.writing import write

TEMPORAL_PAIRS = (
    ("walking_right", "walking_left"),  # direction
    ("jump_then_wave", "wave_then_jump"),  # order of events
    ("opening_arms", "closing_arms"),  # opening against closing
)
APPEARANCE = {"red_shirt": (210, 40, 40), "green_shirt": (40, 170, 60)}
CLASSES = tuple(label for pair in TEMPORAL_PAIRS for label in pair) + tuple(APPEARANCE)
OTHER_SHIRTS = ((50, 80, 210), (220, 200, 60), (150, 60, 190), (230, 230, 230))


def clip(label, number=0, frames=16, size=64, seed=0):
    """Clip `number` of a class: uint8 frames (T, H, W, 3) and the person's boxes, float32 (T, 4): x1 y1 x2 y2,
    half-open pixels. `size` is the side of a square picture or (height, width).

    >>> right, boxes = clip("walking_right", number=3)
    >>> left, _ = clip("walking_left", number=3)
    >>> bool((right[::-1] == left).all()), boxes.shape
    (True, (16, 4))
    """
    if label not in CLASSES:
        raise InputError(f"no class {label!r}: the classes are {', '.join(CLASSES)}")
    height, width = (size, size) if np.ndim(size) == 0 else size
    if frames < 2 or min(height, width) < 24:
        raise InputError(f"a clip needs 2 frames and 24 pixels, not {frames} frames of {height}x{width}")
    pair = next((pair for pair in TEMPORAL_PAIRS if label in pair), (label,))
    rng = np.random.default_rng([seed, CLASSES.index(pair[0]), number])
    background = _background(height, width, rng)
    shirt = APPEARANCE.get(label, OTHER_SHIRTS[rng.integers(len(OTHER_SHIRTS))])
    tall = height * rng.uniform(0.5, 0.65)
    ground = height * rng.uniform(0.9, 0.97)
    home = width * rng.uniform(0.42, 0.58)
    sway = rng.uniform(0, 2 * np.pi)
    pictures, boxes = [], []
    for t in np.linspace(0, 1, frames):
        x, lift, arms, step = _pose(pair[0], t, home, width, tall, sway)
        picture, box = _draw(background, x, ground - lift, tall, arms, step, shirt)
        pictures.append(picture)
        boxes.append(box)
    order = -1 if label != pair[0] else 1
    return np.stack(pictures)[::order], np.array(boxes, np.float32)[::order]


def write_dataset(folder, clips=8, frames=16, size=64, seed=0, fps=12, classes=CLASSES):
    """Write `clips` videos of each class as <folder>/<class>/<class>_0000.mp4, with labels.csv (path,label) and
    boxes.csv (path,frame,x1,y1,x2,y2,label). Returns the rows of labels.csv. Two seeds make a training and a test set.
    """
    if clips < 1:
        raise VideoError(f"{folder}: at least one clip of each class, not {clips}")
    folder = Path(folder)
    rows, box_rows = [], []
    for label in classes:
        (folder / label).mkdir(parents=True, exist_ok=True)
        for number in range(clips):
            path = f"{label}/{label}_{number:04d}.mp4"
            pictures, boxes = clip(label, number, frames, size, seed)
            write(folder / path, pictures, fps)
            rows.append((path, label))
            box_rows += [(path, t, *(f"{v:g}" for v in box), label) for t, box in enumerate(boxes)]
    _write_csv(folder / "labels.csv", ("path", "label"), rows)
    _write_csv(folder / "boxes.csv", ("path", "frame", "x1", "y1", "x2", "y2", "label"), box_rows)
    return rows


def _write_csv(path, header, rows):
    with atomic(path) as part, open(part, "w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])


def _pose(action, t, home, width, tall, sway):
    """Where the person is at time t in [0, 1]: x, height above ground, arms (0 down, 1 up), leg spread."""
    if action == "walking_right":
        return width * (0.18 + 0.64 * t), 0.0, 0.1, abs(np.sin(4 * np.pi * t + sway))
    if action == "jump_then_wave":
        jump = np.sin(np.pi * min(t / 0.4, 1.0))
        wave = np.sin(np.pi * np.clip((t - 0.5) / 0.5, 0, 1))
        return home, 0.3 * tall * jump, 0.05 + 0.9 * wave, 0.3
    if action == "opening_arms":
        return home, 0.0, t, 0.3
    return home + 0.02 * width * np.sin(2 * np.pi * t + sway), 0.0, 0.1, 0.3


def _background(height, width, rng):
    """A dull, smooth, random scene."""
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    scene = np.full((height, width, 3), rng.uniform(70, 120, 3))
    for _ in range(4):
        wave = np.sin(2 * np.pi * (rng.uniform(-3, 3) * x + rng.uniform(-3, 3) * y) + rng.uniform(0, 2 * np.pi))
        scene += wave[..., None] * rng.uniform(-12, 12, 3)
    return scene


def _draw(background, x, foot, tall, arms, step, shirt):
    """Draw a person, mirror-symmetric so that one picture says nothing of direction; the picture and the tight box."""
    height, width = background.shape[:2]
    rows, columns = np.mgrid[0:height, 0:width] + 0.5

    def near(x1, y1, x2, y2, radius):
        """The pixels within `radius` of the line from one point to the other."""
        dx, dy = x2 - x1, y2 - y1
        along = np.clip(((columns - x1) * dx + (rows - y1) * dy) / (dx * dx + dy * dy + 1e-9), 0, 1)
        return (columns - x1 - along * dx) ** 2 + (rows - y1 - along * dy) ** 2 <= radius**2

    hip, shoulder, head = foot - 0.42 * tall, foot - 0.76 * tall, foot - 0.89 * tall
    limb = max(0.05 * tall, 0.75)
    angle = np.pi * (0.08 + 0.84 * arms)
    picture, person = background.copy(), np.zeros((height, width), bool)
    parts = []
    for side in (-1, 1):
        leg = near(x, hip, x + side * 0.2 * tall * step, foot - limb, limb)
        hand = x + side * (0.1 + 0.3 * np.sin(angle)) * tall, shoulder + 0.3 * tall * np.cos(angle)
        parts += [(leg, (40, 40, 60)), (near(x + side * 0.1 * tall, shoulder, *hand, limb), (235, 190, 160))]
    parts += [(near(x, shoulder + 0.05 * tall, x, hip, 0.13 * tall), shirt)]
    parts += [(near(x, head, x, head, 0.11 * tall), (235, 190, 160))]
    for mask, colour in parts:
        picture[mask] = colour
        person |= mask
    ys, xs = np.flatnonzero(person.any(axis=1)), np.flatnonzero(person.any(axis=0))
    return np.clip(picture, 0, 255).astype(np.uint8), (xs[0], ys[0], xs[-1] + 1, ys[-1] + 1)
