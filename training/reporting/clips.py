"""Clips as small moving pictures, as the network is shown them, with its class activation beside them."""

import io
import tempfile
from pathlib import Path

import numpy as np
from keras_vid.training.reporting.page import escape, figure, image
from PIL import Image

from keras_vid.explain.class_activation import Explainer
from keras_vid.explain.pictures import as_rgb, overlaid
from keras_vid.utils.errors import InputError
from keras_vid.video import frame_rate, read, write

SHOWN, SIDE, RATE = 12, 144, 6  # frames, pixels and frames a second of a moving picture
SECONDS = 4  # of a segment that are shown


class Clips:
    """Clips of one test as figures of a page.

    Args:
        network: A run folder: each clip has the activation of the predicted class beside it, where that is exact (the
            shares of the places add up to the logit) and cheap (one pass). None shows the clips alone.
        tested: The `Predictions`.
    """

    def __init__(self, tested, network=None):
        self.tested = tested
        self.explainer = _explainer(network) if network else None

    def figure(self, number) -> str:
        """Clip `number` of the test, with what the network says and what is true."""
        path, row, truth = str(self.tested.paths[number]), self.tested.scores[number], self.tested.truth[number]
        said, true = self.tested.labels[row.argmax()], self.tested.labels[truth]
        verdict = f"<b>{escape(said)}</b> ({row.max():.0%})" + (
            "" if said == true else f", but is <b>{escape(true)}</b>"
        )
        caption = f"{verdict}<br><span class=path>{escape(Path(path).name)}</span>"
        try:
            frames = self._frames(path, said)
        except (ValueError, OSError):
            return figure("<p class=soft>the video cannot be read any more</p>", caption)
        width = round(SIDE * frames.shape[2] / frames.shape[1])
        return figure(image(webp(frames), "image/webp", f"{said}: {Path(path).name}", width), caption)

    def _frames(self, path, label):
        video, start = split_segment(path)
        if self.explainer and start is None:
            [seen] = self.explainer(video, label)
            chosen = np.unique(np.linspace(0, len(seen.clip) - 1, min(SHOWN, len(seen.clip))).astype(int))
            return np.concatenate([as_rgb(seen.clip[chosen]), overlaid(seen, chosen)], axis=2)
        return read(video, _spread(video, start), size=SIDE)


def _explainer(network):
    """An `Explainer` of exact maps, or None."""
    try:
        explainer = Explainer(network)
    except InputError:
        return None
    return explainer if explainer.tail.exact else None


def split_segment(path):
    """(video, first second or None) of a path of predictions: that of a segment ends with its first second.

    >>> split_segment("a film.mp4"), split_segment("a film.mp4 2.5")
    (('a film.mp4', None), ('a film.mp4', 2.5))
    """
    video, _, last = path.rpartition(" ")
    try:
        return (path, None) if not video or Path(path).exists() else (video, float(last))
    except ValueError:
        return path, None


def _spread(video, start):
    """A function from the number of frames to those that are shown."""

    def indices(count):
        first, end = 0, count
        if start is not None:
            rate = frame_rate(video) or 25
            first = min(round(start * rate), count - 1)
            end = min(round((start + SECONDS) * rate), count)
        return [first + i * max(end - first, 1) // SHOWN for i in range(SHOWN)]

    return indices


def webp(frames, rate=RATE) -> bytes:
    """Frames (T, H, W, 3) as a moving picture of `SIDE` pixels' height.

    >>> webp(np.zeros((3, 8, 8, 3), "uint8"))[8:12]
    b'WEBP'
    """
    size = (round(SIDE * frames.shape[2] / frames.shape[1]), SIDE)
    pictures = [Image.fromarray(frame).resize(size, Image.BICUBIC) for frame in frames]
    stream = io.BytesIO()
    pictures[0].save(
        stream, "WEBP", save_all=True, append_images=pictures[1:], duration=1000 // rate, loop=0, quality=55
    )
    return stream.getvalue()


def still(picture, side=2 * SIDE) -> bytes:
    """A picture (H, W, 3) of that height as WebP.

    >>> still(np.zeros((8, 8, 3), "uint8"))[8:12]
    b'WEBP'
    """
    size = (round(side * picture.shape[1] / picture.shape[0]), side)
    stream = io.BytesIO()
    Image.fromarray(picture).resize(size, Image.BICUBIC).save(stream, "WEBP", quality=75)
    return stream.getvalue()


def gif(path, side=120) -> bytes:
    """The same as a GIF, for TensorBoard, which shows no moving WebP."""
    video, start = split_segment(str(path))
    pictures = read(video, _spread(video, start), size=side)
    with tempfile.TemporaryDirectory() as folder:
        return write(Path(folder) / "clip.gif", pictures, RATE).read_bytes()


def wrong(tested, count=8) -> np.ndarray:
    """Indices of the wrongly classified clips, the most certain first."""
    return _surest(tested, np.flatnonzero(tested.scores.argmax(axis=1) != tested.truth))[:count]


def right(tested, count=4) -> np.ndarray:
    """Indices of correctly classified clips, the most certain of each class, most certain class first."""
    indices = _surest(tested, np.flatnonzero(tested.scores.argmax(axis=1) == tested.truth))
    _, first = np.unique(tested.truth[indices], return_index=True)
    return indices[np.sort(first)][:count]


def confused(tested, count=3) -> list[tuple[int, int, int]]:
    """(true class, predicted class, clips) of the pairs that are confused most often."""
    answers = tested.scores.argmax(axis=1)
    off = np.zeros((len(tested.labels), len(tested.labels)), int)
    np.add.at(off, (tested.truth, answers), answers != tested.truth)
    best = np.argsort(-off, axis=None, kind="stable")[:count]
    pairs = [divmod(int(pair), len(tested.labels)) for pair in best]
    return [(i, j, int(off[i, j])) for i, j in pairs if off[i, j]]


def beside(tested, true, said):
    """Indices of a clip of one class that was taken for another, and of a correct clip of that other, if any."""
    answers = tested.scores.argmax(axis=1)
    mistaken = _surest(tested, np.flatnonzero((tested.truth == true) & (answers == said)))[:1]
    model = _surest(tested, np.flatnonzero((tested.truth == said) & (answers == said)))[:1]
    return [*mistaken.tolist(), *model.tolist()]


def _surest(tested, indices):
    return indices[np.argsort(-tested.scores[indices].max(axis=1), kind="stable")]
