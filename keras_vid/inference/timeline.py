"""What happens when in a long or live video: segments of time, each with its label."""

import dataclasses
from collections.abc import Iterator

import numpy as np

from keras_vid.inference.predict import softmax
from keras_vid.inference.stream import Windows
from keras_vid.inference.switching import Switching
from keras_vid.utils.errors import InputError

LEAST = 1e-6  # of a probability, before its logarithm


@dataclasses.dataclass(frozen=True)
class Segment:
    """Seconds of a video in which one thing happens; `score` is the mean probability of its label."""

    start: float
    end: float
    label: str
    score: float


def timeline(
    model, source, window=None, stride=None, min_score=0.3, switch_cost=1.0, background=()
) -> Iterator[Segment]:
    """Yield the segments of a video in which something happens, each as soon as it is certain.

    Windows slide over the video, and each moment gets the mean of the probabilities of all windows that show it. Each
    moment then gets one label, or the background, such that the probabilities multiply to the most over time while
    every change of label has its cost. Memory does not grow with the video, which may be live.

    Args:
        model: A network with trained weights, a run folder, a `.keras` file, or a `keras_vid.saved_models` predictor.
        source: As in `keras_vid.stream`.
        window, stride: As in `keras_vid.stream`, but windows overlap only where frames are computed once however many
            windows show them (TSN): elsewhere each window costs a pass of the network.
        min_score: What the background is as probable as; a label that stays below it is not told.
        switch_cost: The seconds for which another label must be e times as probable before the label changes.
        background: Labels of the network that mean that nothing happens.

    >>> import numpy, keras_vid
    >>> model = keras_vid.create("s3d", classes=2, size=32)
    >>> video = numpy.zeros((50, 32, 32, 3), "uint8")
    >>> [(part.start, part.end) for part in timeline(model, video, window=10)]
    [(0.0, 2.0)]
    """
    return Timeline(model, source, window, stride, min_score, switch_cost, background).follow()


class Timeline:
    """The segments of a video while they come in; its arguments are those of `timeline`.

    Attributes:
        end: The second up to which the video was read.
    """

    def __init__(self, model, source, window=None, stride=None, min_score=0.3, switch_cost=1.0, background=()):
        if not 0 < min_score < 1:
            raise InputError(f"the least score of a label is between 0 and 1, not {min_score}")
        if not switch_cost >= 0:
            raise InputError(f"a switch costs 0 or more, not {switch_cost}")
        self.windows = Windows(model, source, window, stride, share=True)
        self.names, self.min_score, self.end = self.windows.view.labels, min_score, 0.0
        unknown = sorted(set(background) - set(self.names))
        if unknown:
            raise InputError(f"{unknown[0]!r} is not a label of the network, and cannot be its background")
        self.quiet = np.isin(self.names, list(background))
        self.switching, self.merging = Switching(switch_cost), Merging(self.names)

    def follow(self, advance=None) -> Iterator[Segment]:
        """Yield each segment once it is certain. `advance` is called with the second up to which the video was seen."""
        for start, end, probabilities in means_of_moments(self._seen(advance)):
            nothing = max(self.min_score, probabilities[self.quiet].sum())
            scores = np.append(np.where(self.quiet, LEAST, probabilities), nothing)
            weighted = (end - start) * np.log(np.maximum(scores, LEAST))
            for number, moment in self.switching.add(weighted, (start, end, probabilities)):
                yield from self.merging.add(number, *moment)
        yield from self.rest()

    def rest(self) -> list[Segment]:
        """The segments that are not certain yet, of a video that is stopped here."""
        path = self.switching.end()
        return [part for number, moment in path for part in self.merging.add(number, *moment)] + self.merging.close()

    def _seen(self, advance):
        for start, end, logits in self.windows:
            self.end = end
            if advance:
                advance(end)
            yield start, end, logits


def means_of_moments(windows):
    """Yield (start, end, mean probabilities of the windows that show it) of one moment after another.

    Args:
        windows: (start second, end second, logits) in the order of their starts.

    >>> moments = means_of_moments([(0, 2, [0.0, 0.0]), (1, 3, [0.0, 100.0])])
    >>> [(start, end, mean.round(2).tolist()) for start, end, mean in moments]
    [(0, 1, [0.5, 0.5]), (1, 2, [0.25, 0.75]), (2, 3, [0.0, 1.0])]
    """
    shown, moment_start = [], None  # windows that are not over, and where the moment begins
    for start, end, logits in windows:
        while shown and moment_start < start:
            until = min(start, min(over for over, _ in shown))
            yield moment_start, until, np.mean([p for _, p in shown], axis=0)
            moment_start, shown = until, [(over, p) for over, p in shown if over > until + 1e-9]
        moment_start = start
        shown.append((end, softmax(logits)))
    while shown:
        until = min(over for over, _ in shown)
        yield moment_start, until, np.mean([p for _, p in shown], axis=0)
        moment_start, shown = until, [(over, p) for over, p in shown if over > until + 1e-9]


class Merging:
    """Joins neighbouring moments of one label into segments; the class after the last label is the background.

    >>> merging = Merging(["run"])
    >>> found = [merging.add(number, second, second + 1, [0.5]) for second, number in enumerate((0, 0, 1))]
    >>> found[2]
    [Segment(start=0.0, end=2.0, label='run', score=0.5)]
    """

    def __init__(self, names):
        self.names = names
        self.open = None  # (class, start, end, mean probability) of the segment that may still grow

    def add(self, number, start, end, probabilities):
        """Take the next moment; returns the segment that it ends, if any, in a list."""
        score = float(probabilities[number]) if number < len(self.names) else 0.0
        if self.open and self.open[0] == number and start <= self.open[2] + 1e-6:
            _, first, middle, mean = self.open
            mean = (mean * (middle - first) + score * (end - start)) / max(end - first, 1e-9)
            self.open = (number, first, end, mean)
            return []
        ended = self.close()
        self.open = (number, start, end, score)
        return ended

    def close(self):
        """The segment that is open, in a list."""
        ended, self.open = self.open, None
        if ended is None or ended[0] == len(self.names):
            return []
        number, start, end, score = ended
        return [Segment(round(float(start), 3), round(float(end), 3), self.names[number], round(score, 4))]
