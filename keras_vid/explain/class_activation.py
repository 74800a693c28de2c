"""Class activation of video: where, and when, a network sees a class.

Where the logits are means of the last feature map through one dense layer, every place's share of a logit is a number,
and the shares add up to it (https://arxiv.org/abs/1512.04150, over time too). Elsewhere each channel is weighed by the
mean of its gradient over a feature frame (https://arxiv.org/abs/1610.02391).
"""

import dataclasses

import numpy as np

from keras_vid.explain.tail import Tail
from keras_vid.inference.load import open_model
from keras_vid.inference.predict import softmax
from keras_vid.utils.errors import InputError, VideoError
from keras_vid.view import called


@dataclasses.dataclass(frozen=True)
class Activation:
    """One class (or the difference of two) in one clip.

    Attributes:
        label, against: Names of the class, and of the one whose logit is subtracted, or None.
        probability: Of `label`.
        logit: Of `label`, minus that of `against`.
        map: (T', H', W') of the feature map, in logits: its mean plus `bias` is `logit` where the map is exact.
        bias: What the logit holds that no place of the clip gives.
        exact: False for a map of gradients, whose mean is only near the logit.
        clip: What the network saw, uint8 (T, H, W, C).
        group: How many frames of the clip share one feature frame (StNet's super-images), or None: they lie in between.
    """

    label: str
    against: str | None
    probability: float
    logit: float
    map: np.ndarray
    bias: float
    exact: bool
    clip: np.ndarray
    group: int | None = None

    def over_time(self) -> np.ndarray:
        """(T',): the share of each feature frame. Its mean plus `bias` is the logit where the map is exact."""
        return self.map.mean(axis=(1, 2))

    def on_frames(self) -> np.ndarray:
        """The map on the pixels of the clip: (T, H, W)."""
        frames, height, width, _ = self.clip.shape
        rows = stretched(self.map, height, axis=1)
        return stretched(self._in_time(rows), width, axis=2).astype("float32")

    def curve(self) -> np.ndarray:
        """(T,): `over_time` for every frame of the clip."""
        return self._in_time(self.over_time())

    def _in_time(self, values):
        if self.group:
            return np.repeat(values, self.group, axis=0)
        return stretched(values, len(self.clip), axis=0)


def activations(model, source, label=None, against=None, top=1, frames=None, fps=None) -> list[Activation]:
    """Where and when a network sees a class in a video.

    Args:
        model: A network with trained weights, a run folder or a `.keras` file.
        source: A video file, a folder of images, or an array (T, H, W, 3) of RGB 0..255.
        label: Name of the class, or a list of names; None: the `top` most probable ones.
        against: Name of a class whose logit is subtracted: what speaks for the one and not for the other.
        frames, fps: As in `keras_vid.predict`.

    >>> import numpy, keras_vid
    >>> model = keras_vid.create("tsm_resnet14", classes=2, frames=4, size=64)
    >>> seen = activations(model, numpy.zeros((8, 64, 64, 3), "uint8"))[0]
    >>> seen.map.shape, bool(abs(seen.map.mean() + seen.bias - seen.logit) < 1e-3)
    ((4, 2, 2), True)
    """
    return Explainer(model, fps)(source, label, against, top, frames)


class Explainer:
    """`activations` for many videos: the network is cut in two once.

    Args:
        model, fps: As in `activations`.
    """

    def __init__(self, model, fps=None):
        self.model, view = open_model(model)
        self.view = dataclasses.replace(view, fps=fps or view.fps)
        self.tail = Tail(self.model)

    def __call__(self, source, label=None, against=None, top=1, frames=None) -> list[Activation]:
        self.view.check_frames(frames, self.model.name)
        names = list(self.view.labels)
        wanted = [label] if isinstance(label, str) else list(label or [])
        asked = [find_label(name, names) for name in wanted]
        minus = None if against is None else find_label(against, names)
        clip = self.view.read(source, frames)
        try:
            self.model.compute_output_shape((1, *clip.shape))
        except ValueError as error:
            raise VideoError(f"{called(source)}: {len(clip)} frames are too few for {self.model.name}") from error
        features, logits = self.tail.network.predict_on_batch(clip[None])
        probabilities = softmax(logits[0])
        chosen = asked or [int(i) for i in np.argsort(-probabilities, kind="stable")[:top]]
        return [self._explained(clip, features, logits[0], probabilities, k, minus) for k in chosen]

    def _explained(self, clip, features, logits, probabilities, index, minus):
        names = self.view.labels
        direction = np.zeros(len(logits), "float32")
        direction[index] = 1
        if minus is not None:
            direction[minus] -= 1
        gradient = self.tail.gradient(features, direction)
        if not self.tail.exact:  # one weight a channel and feature frame
            gradient = gradient.mean(axis=(-3, -2), keepdims=True)
        shares = (gradient.astype("float64") * features).sum(axis=-1)
        shares = shares.reshape(-1, *shares.shape[-2:])  # T', H', W': one clip, folded or not
        group = self.view.group if self.view.group and self.view.group > 1 else None
        return Activation(
            label=names[index],
            against=None if minus is None else names[minus],
            probability=float(probabilities[index]),
            logit=float(logits.astype("float64") @ direction),
            map=(shares * shares.size).astype("float32"),
            bias=self.tail.bias(features, direction) if self.tail.exact else 0.0,
            exact=self.tail.exact,
            clip=clip,
            group=group,
        )


def find_label(name, names):
    """The number of a class, by its name.

    >>> find_label("Jump", ["run", "jump"])
    1
    """
    lower = [known.lower() for known in names]
    if name.lower() in lower:
        return lower.index(name.lower())
    import difflib

    close = difflib.get_close_matches(name.lower(), lower, 3, 0.4) or lower[:5]
    raise InputError(f"no class is called {name!r}; there are, for example: {', '.join(close)}")


def stretched(values, count, axis):
    """Values at the middles of equal parts of an axis, read linearly at the middles of `count` parts.

    >>> stretched(np.array([0.0, 1.0]), 4, axis=0).tolist()
    [0.0, 0.25, 0.75, 1.0]
    """
    size = values.shape[axis]
    at = np.clip((np.arange(count) + 0.5) * size / count - 0.5, 0, size - 1)
    low = np.floor(at).astype(int)
    part = (at - low).reshape([-1 if i == axis else 1 for i in range(values.ndim)])
    high = np.minimum(low + 1, size - 1)
    return np.take(values, low, axis) * (1 - part) + np.take(values, high, axis) * part
