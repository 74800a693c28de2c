"""What a table of scores says, in NumPy."""

import numpy as np

from keras_vid.utils.errors import InputError
from keras_vid.utils.files import read_json

SHARES = ("top1", "largest_class", "top5", "mean_class_accuracy", "calibration_error")  # shown as percentages


def top_k(scores, labels, k=1):
    """The share of clips whose label is among the k best. Ties go to the class that comes first.

    >>> top_k([[0.1, 0.7, 0.2], [0.5, 0.3, 0.2]], [1, 1], 1), top_k([[0.1, 0.7, 0.2], [0.5, 0.3, 0.2]], [1, 1], 2)
    (0.5, 1.0)
    """
    best = np.argsort(-np.asarray(scores), axis=1, kind="stable")[:, :k]
    return float((best == np.asarray(labels)[:, None]).any(axis=1).mean())


def confusion(scores, labels):
    """Counts (K, K): row is the true class, column the answer.

    >>> confusion([[0.1, 0.9], [0.8, 0.2], [0.6, 0.4]], [1, 0, 1]).tolist()
    [[1, 0], [1, 1]]
    """
    classes = np.asarray(scores).shape[1]
    matrix = np.zeros((classes, classes), int)
    np.add.at(matrix, (np.asarray(labels), np.argmax(scores, axis=1)), 1)
    return matrix


def class_accuracy(matrix):
    """The share of right answers in each class; NaN for a class without clips.

    >>> class_accuracy([[1, 0], [1, 1]]).tolist()
    [1.0, 0.5]
    """
    matrix = np.asarray(matrix, float)
    counts = matrix.sum(axis=1)
    return np.divide(np.diag(matrix), counts, out=np.full(len(matrix), np.nan), where=counts > 0)


def calibration_error(scores, labels, bins=15):
    """Expected calibration error: how far confidence is from being right, over equal bins of confidence.

    https://arxiv.org/abs/1706.04599

    >>> calibration_error([[0.75, 0.25]] * 4, [0, 0, 0, 1])
    0.0
    """
    scores, labels = np.asarray(scores), np.asarray(labels)
    confidence, right = scores.max(axis=1), scores.argmax(axis=1) == labels
    bin_of = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [abs(confidence[bin_of == b].mean() - right[bin_of == b].mean()) * (bin_of == b).sum() for b in set(bin_of)]
    return float(sum(gaps) / len(labels))


def wilson(share, count) -> tuple[float, float]:
    """Wilson's 95 % interval of a share of `count` independent trials.

    >>> [round(end, 3) for end in wilson(1.0, 4)]
    [0.51, 1.0]
    """
    z = 1.96
    middle, reach = share + z**2 / (2 * count), z * np.sqrt(share * (1 - share) / count + (z / (2 * count)) ** 2)
    return tuple(float(np.clip((middle + side * reach) / (1 + z**2 / count), 0, 1)) for side in (-1, 1))


def interval(right, groups, draws: int = 2000, seed: int = 0) -> tuple[float, float]:
    """The 95 % interval of a share, by a bootstrap over groups: clips of one source stand or fall together.

    Where all groups have the same share, drawing them again tells nothing, and the interval is Wilson's with each group
    for one trial.

    Args:
        right: Of each clip, whether it is classified correctly (or a number of which the mean is asked for).
        groups: Of each clip, its source.

    >>> low, high = interval([1, 1, 1, 0, 1, 0, 1, 1], ["a", "a", "b", "b", "c", "c", "d", "d"])
    >>> 0.4 < low < 0.75 < high <= 1.0
    True
    >>> [round(end, 3) for end in interval([1, 1, 1, 1], ["a", "b", "c", "d"])]
    [0.51, 1.0]
    """
    right = np.asarray(right, float)
    _, numbers = np.unique(np.asarray(groups).astype(str), return_inverse=True)
    clips, total = np.bincount(numbers), np.bincount(numbers, right)
    count, shares = len(clips), total / clips
    if np.ptp(shares) == 0:
        return wilson(shares[0], count)
    rng = np.random.default_rng(seed)
    drawn = (rng.integers(count, size=count) for _ in range(draws))
    low, high = np.quantile([total[draw].sum() / clips[draw].sum() for draw in drawn], (0.025, 0.975))
    return float(low), float(high)


def difference_interval(one, other, groups) -> tuple[float, float]:
    """The 95 % interval of how much larger the share of `one` is than that of `other`, of the same clips.

    A paired bootstrap over groups, as `interval`; where every group has the same difference, Wilson's interval of its
    size, to both sides of no difference.

    >>> low, high = difference_interval([1, 1, 1, 0], [0, 1, 1, 0], ["a", "b", "c", "d"])
    >>> low, high > 0
    (0.0, True)
    >>> low, high = difference_interval([1, 0], [1, 0], ["a", "b"])  # no clip differs, and two clips say little
    >>> low == -high < -0.5
    True
    """
    differences = np.asarray(one, float) - np.asarray(other, float)
    low, high = interval(np.abs(differences), groups)
    if not differences.any():
        return -high, high
    if np.ptp(differences) == 0:
        return (low, high) if differences[0] > 0 else (-high, -low)
    return interval(differences, groups)


def summary(scores, labels, groups=None) -> dict:
    """The numbers of a test, percentages as shares.

    `top1_interval` is the 95 % interval over `groups` (None: each clip is its own source), `largest_class` what always
    saying the most frequent class would reach on these clips. Of fewer than six classes the top 5 say nothing and are
    left out.

    >>> numbers = summary([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]], [0, 1, 1])
    >>> numbers["clips"], round(numbers["top1"], 2), round(numbers["largest_class"], 2), "top5" in numbers
    (3, 0.67, 0.67, False)
    """
    scores, labels = np.asarray(scores), np.asarray(labels)
    groups = np.arange(len(labels)) if groups is None else groups
    picked = scores[np.arange(len(labels)), labels]
    numbers = {
        "clips": len(labels),
        "groups": len(set(np.asarray(groups).tolist())),
        "top1": top_k(scores, labels),
        "top1_interval": list(interval(scores.argmax(axis=1) == labels, groups)),
        "largest_class": float(np.bincount(labels).max() / len(labels)),
    }
    if scores.shape[1] > 5:
        numbers["top5"] = top_k(scores, labels, 5)
    return numbers | {
        "mean_class_accuracy": float(np.nanmean(class_accuracy(confusion(scores, labels)))),
        "loss": float(-np.log(np.maximum(picked, 1e-12)).mean()),
        "calibration_error": calibration_error(scores, labels),
    }


def read_numbers(path) -> dict:
    """The numbers of a metrics.json."""
    number = (int, float)
    fields = {"clips": int, "groups": int, "top1": number, "top1_interval": list, "largest_class": number}
    fields |= {"mean_class_accuracy": number, "loss": number, "calibration_error": number}
    numbers = read_json(path, fields | {"protocol": str, "unreadable": int})
    if not all(isinstance(numbers.get(name, ""), str) for name in ("part", "split")):
        raise InputError(f"{path} is damaged (part or split is not text): test the run again")
    if [type(end) for end in numbers["top1_interval"]] != [float, float]:
        raise InputError(f"{path} is damaged (top1_interval is not two numbers): test the run again")
    return numbers


def in_words(numbers) -> str:
    """The result of a test as a sentence that can be quoted.

    >>> numbers = {"top1": 0.8362, "top1_interval": [0.78, 0.884], "largest_class": 0.534, "clips": 232, "groups": 56}
    >>> in_words({**numbers, "part": "validation"})
    'validation top-1 83.6% (95 % interval 78.0% to 88.4%; the larger class alone 53.4%) of 232 clips from 56 sources'
    """
    part = {"validation": "validation "}.get(numbers.get("part"), "")
    low, high = numbers["top1_interval"]
    also = f"; top-5 {numbers['top5']:.1%}" if "top5" in numbers else ""
    baseline = f"the larger class alone {numbers['largest_class']:.1%}"
    sources = f" from {numbers['groups']:,} sources" if numbers["groups"] < numbers["clips"] else ""
    text = f"{part}top-1 {numbers['top1']:.1%} (95 % interval {low:.1%} to {high:.1%}; {baseline}){also}"
    return f"{text} of {numbers['clips']:,} clips{sources}"


def shown(name, value) -> str:
    """A number of a test as it is shown.

    >>> shown("top1", 0.8362), shown("top1_interval", [0.78, 0.884]), shown("loss", 0.51234), shown("clips", 12)
    ('83.62%', '78.00% to 88.40%', '0.5123', '12')
    """
    if name == "top1_interval":
        return f"{value[0]:.2%} to {value[1]:.2%}"
    if name in SHARES:
        return f"{value:.2%}"
    return f"{value:.4f}" if isinstance(value, float) else str(value)
