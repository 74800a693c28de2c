"""From a list of clips to batches for `model.fit`: list -> shuffle -> parallel decode -> augment -> batch -> prefetch.

What step s of a run sees depends on the seed and s alone, not on timing, on the number of threads, or on whether the
run was stopped in between: `clips(..., start_step=s)` goes on exactly where a run ended.
"""

import csv
import dataclasses
import functools
import os
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import tensorflow as tf
from keras_vid.training.data.augment import as_written

from keras_vid.utils.errors import InputError
from keras_vid.utils.files import once_a_file
from keras_vid.video import frame_times, probe, read, sample
from keras_vid.view import ClipView

ATTEMPTS = 50  # this many unreadable videos in a row are not an accident
RGB = ClipView()  # every frame of a video, in colour
LOOKED_AT = 32  # videos that tell whether a data set can be read


def clips(
    dataset,
    indices,
    transform,
    batch_size=8,
    *,
    training=True,
    seed=0,
    shard=(0, 1),
    start_step=0,
    short=256,
    workers=None,
    failures=None,
    numbered=False,
    view=RGB,
):
    """Batches (uint8 clips, int32 labels) of a keras_vid.training.data.datasets.Dataset, as a tf.data.Dataset.

    Training never ends: epoch follows epoch, each in an order of its own, and all batches are full. An unreadable
    video is replaced by the next clip of the epoch. Testing is one pass in the order of the list, in which
    unreadable videos are left out. Neither ends a run.

    Args:
        indices: Which frames: a function (count, rng) of keras_vid.video.sample with its options given, such as
            `functools.partial(sample.dense, frames=64)`. In testing `rng` is None.
        transform: (clip, label, seed) -> (clip, label) in graph ops, to one size: see keras_vid.training.data.augment.
        shard: (number, count) of this worker; a step of all workers together is `count` batches.
        start_step: The first step to make; a resumed run gives the number of steps made before.
        short: Short side to which frames are scaled while decoding; None keeps the size.
        workers: Videos decoded at a time; None: one for each core.
        failures: A Failures object, to know afterwards which videos could not be read.
        numbered: Add to each example its place in `dataset.items` (in testing).
        view: A ClipView with the channels, the frame rate and the stride at which videos are read.
    """
    number, count = shard
    if not 0 <= number < count:
        raise InputError(f"shard is (number, count) with 0 <= number < count, not {shard}")
    if not dataset.items:
        raise InputError(f"{dataset.name}: no clips")
    failures = failures if failures is not None else Failures()
    decode = functools.partial(_decode, (dataset.items, indices, short, view), seed, training, failures)
    first = start_step * batch_size * count + number
    last = np.iinfo(np.int64).max if training else len(dataset.items)
    data = tf.data.Dataset.range(first, last, count)
    data = data.map(
        lambda i: (*_load(decode, i, view.channels), i),
        num_parallel_calls=workers or os.cpu_count(),
        deterministic=True,
    )
    if not training:
        data = data.filter(lambda clip, label, draw, i: label >= 0)

    def example(clip, label, draw, i):
        return (*transform(clip, label, draw), i) if numbered else transform(clip, label, draw)

    data = data.map(example, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    return batches(data, batch_size, training)


def batches(data, size, drop_remainder=True):
    """Batches of examples, two of them ahead.

    TensorFlow's tuner of parallel calls is off: the end of a pass would wait until it looks again, up to a minute.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return data.batch(size, drop_remainder=drop_remainder).prefetch(2).with_options(options)


def check_readable(dataset, workers=None, view=RGB):
    """Refuse a data set of which most videos cannot be read, before anything is built on it: up to 32 are read.

    >>> from keras_vid.training.data.datasets import Dataset, Item
    >>> check_readable(Dataset("mine", [Item("gone.mp4", 0)], ["run"]))
    Traceback (most recent call last):
        ...
    keras_vid.utils.errors.InputError: mine: 1 of 1 sampled videos cannot be read: gone.mp4: no such file
    """
    refuse_unreadable(dataset.name, dataset.items, lambda item: _first_frame(item, view), workers)


def _first_frame(item, view):
    return read_item(item, lambda count: [0], 32, dataclasses.replace(view, fps=None, stride=1))


def refuse_unreadable(name, items, look, workers=None):
    """Look at up to 32 of the items, spread over the list; refuse them all where most cannot be read.

    Args:
        look: Reads something of an item, or raises.
    """
    sample = [items[i] for i in np.unique(np.linspace(0, len(items) - 1, min(len(items), LOOKED_AT)).astype(int))]

    def reason(item):
        try:
            look(item)
        except (ValueError, OSError, MemoryError) as error:
            return " ".join(str(error).split()) or type(error).__name__

    with ThreadPoolExecutor(workers or os.cpu_count()) as pool:
        reasons = [text for text in pool.map(reason, sample) if text]
    if len(reasons) * 2 > len(sample):
        raise InputError(f"{name}: {len(reasons)} of {len(sample)} sampled videos cannot be read: {reasons[0]}")


def step_items(dataset, seed, step, batch):
    """The paths of the clips of one training step of `batch` clips over all workers, if none had to be replaced."""
    count = len(dataset.items)
    places = (divmod(i, count) for i in range(step * batch, (step + 1) * batch))
    return [dataset.items[_order(seed, epoch, count)[place]].path for epoch, place in places]


class Failures:
    """The videos that could not be read, each once; kept in a CSV file `path,reason` if a path is given.

    `fatal` is the error that ends the run. It is raised in a thread of tf.data, from which it would come out as
    TensorFlow's own.

    >>> failures = Failures()
    >>> failures.add("a.mp4", "the file is empty")
    >>> failures.rows
    {'a.mp4': 'the file is empty'}
    """

    def __init__(self, path=None):
        self.path, self.rows, self.lock, self.fatal = path, {}, threading.Lock(), None

    def add(self, video, reason):
        with self.lock:
            if video in self.rows:
                return
            self.rows[video] = " ".join(str(reason).split())
            if self.path:
                with open(self.path, "a", newline="", encoding="utf-8") as file:
                    csv.writer(file, lineterminator="\n").writerow((video, self.rows[video]))


@as_written
def _load(decode, i, channels):
    clip, label, draw = tf.numpy_function(decode, [i], (tf.uint8, tf.int32, tf.int32), stateful=False)
    clip.set_shape((None, None, None, channels))
    label.set_shape(())
    draw.set_shape((2,))
    return clip, label, draw


@functools.lru_cache(maxsize=4)
def _order(seed, epoch, count):
    return np.random.default_rng([seed, epoch]).permutation(count)


def _decode(choice, seed, training, failures, i):
    """Example number i of the run: frames, label, and the seed of its augmentation."""
    items, indices, short, view = choice
    i, count = int(i), len(items)
    draw = np.random.default_rng([seed, 1, i]).integers(2**31, size=2, dtype=np.int32)
    for attempt in range(ATTEMPTS if training else 1):
        epoch, place = divmod(i, count)
        item = items[_order(seed, epoch, count)[(place + attempt) % count] if training else i]
        rng = np.random.default_rng([seed, 2, i]) if training else None
        try:
            clip = read_item(item, functools.partial(indices, rng=rng), short, view)
            return clip, np.int32(item.label), draw
        except (ValueError, OSError, MemoryError) as error:
            failures.add(item.path, error)
    if training:
        reason = failures.rows[item.path]
        failures.fatal = InputError(f"{ATTEMPTS} videos in a row cannot be read, the last {item.path}: {reason}")
        raise failures.fatal
    return np.zeros((1, 1, 1, view.channels), np.uint8), np.int32(-1), draw


def read_item(item, indices, size=None, view=RGB):
    """The frames of one clip of a data set.

    Args:
        indices: A function of the number of frames that are looked at, in the seconds of the clip and at the rate and
            stride of the view; None: all of them.
        view: A ClipView, whose channels, fps and stride count.
    """

    whole = item.start is None and item.end is None
    if whole and not view.fps and view.stride == 1:
        return read(item.path, indices, size, threads=1, channels=view.channels)

    def chosen(count):
        shown = range(count) if whole else span(item)
        if view.fps and view.channels == 3 and (times := times_once(item.path)) is not None:
            first = shown[0]
            shown = [first + i for i in sample.at_fps_times(times[first : shown[-1] + 1], view.fps)]
        shown = shown[:: view.stride]
        return list(shown) if indices is None else [shown[i] for i in indices(len(shown))]

    return read(item.path, chosen, size, threads=1, channels=view.channels)


@once_a_file(maxsize=4096)
def probe_once(source):
    """`keras_vid.video.probe`, which decodes a whole file, once for all segments of a file."""
    return probe(source)


@once_a_file(maxsize=4096)
def times_once(source):
    """`keras_vid.video.frame_times` as an array, once for all segments of a file."""
    times = frame_times(source)
    return None if times is None else np.array(times)


def span(item):
    """The numbers of the frames within the seconds of a clip."""
    times = times_once(item.path)
    if times is None:
        raise InputError(f"{item.path}: a folder of frames has no seconds: leave start and end out")
    low, high = item.start or 0, np.inf if item.end is None else item.end
    inside = range(*np.searchsorted(times, (low, high)).tolist())
    if not inside:
        raise InputError(f"{item.path}: no frame between {low:g} and {high:g} seconds")
    return inside
