"""What a frozen network sees in each clip: one pass over the videos, kept for all that learns from it."""

import collections
import dataclasses
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import tensorflow as tf
from keras_vid.training.data.pipeline import Failures, read_item
from keras_vid.training.small.cache import Cache, digest, video_key
from keras_vid.training.small.depths import depths, fixed, means, reading_network
from rich.console import Console
from rich.progress import Progress

from keras_vid.utils.errors import InputError, VideoError
from keras_vid.video import sample
from keras_vid.view import called, view_of

FRAMES, SIDE = 48, 160  # of a clip where neither the network nor the user decides


@dataclasses.dataclass(frozen=True)
class Reading:
    """How clips are read.

    Attributes:
        view: What the network is shown; None: its own view, with 48 frames of 160 x 160 where it leaves them open.
        mirrored: Read each clip in a mirror, too.
        views: Clips of each video: the middle one, and others spread from its beginning to its end.
        frozen: One frame of each clip in place of all: the control that shows what motion adds.
        depths: Names of the layers whose means are kept; None: the ends of the last two stages.
        map: Name of a layer whose whole map is kept, too, as float16.
    """

    view: object = None
    mirrored: bool = False
    views: int = 1
    frozen: bool = False
    depths: tuple | None = None
    map: str | None = None


@dataclasses.dataclass
class Features:
    """The features of a data set.

    Attributes:
        places: Numbers in `dataset.items` of the clips that could be read.
        vectors: (clips, variants, channels): variant 0 is the middle clip as it is, the others are further views and
            mirrored ones; short videos repeat the first.
        widths: Channels of each depth, in order.
        failures: {path: reason} of what could not be read.
        computed: How many vectors were not found among the kept ones.
        seconds: What the pass took.
    """

    places: list
    vectors: np.ndarray
    widths: list
    failures: dict
    computed: int
    seconds: float
    cache: Cache
    keys: list

    @property
    def middle(self) -> np.ndarray:
        """(clips, channels) of the middle clip of each video."""
        return self.vectors[:, 0]

    def map(self, clip, name, variant=0):
        """The kept map of a clip at a layer, float16, read from the disk when it is used."""
        return self.cache.load(self.keys[clip][variant], name, lazily=True)


def view_for(network, **changes):
    """The view of a network with every frame and pixel counted: what it leaves open is 48 frames of 160 x 160."""
    view = view_of(network)
    open_ones = {"frames": view.frames or FRAMES, "height": view.height or SIDE, "width": view.width or SIDE}
    return dataclasses.replace(view, **{**open_ones, "loop": True, **changes})


def features_of(
    dataset, network, reading=None, *, workers=None, batch=None, folder=None, engine="tensorflow"
) -> Features:
    """The features of every clip of a data set that can be read, in its order.

    Args:
        dataset: A keras_vid.training.data.datasets.Dataset.
        network: A functional Keras network.
        reading: A `Reading`.
        workers: Videos decoded at a time; None: one for each core.
        batch: Clips in one pass of the network; None: 8 on a GPU and of small clips, else 1.
        folder: Where features are kept; None: below KERAS_VID_HOME.
        engine: "tensorflow" or "openvino": what computes. Both find again what the other one kept, for they differ by
            rounding alone. "auto" is TensorFlow, which is as fast, without a network to convert first.

    >>> import keras_vid, tempfile
    >>> from keras_vid.training.data.datasets import Dataset, Item
    >>> clips = [Item(np.full((8, 40, 40, 3), grey, "uint8"), 0) for grey in (0, 200)]
    >>> network = keras_vid.create("tsn_resnet14", classes=2, frames=4, size=64)
    >>> features_of(Dataset("two", clips, ["a"]), network, folder=tempfile.mkdtemp()).vectors.shape
    (2, 1, 1536)
    """
    reading = reading or Reading()
    view = reading.view or view_for(network)
    network = fixed(network, view)
    names = reading.depths or depths(network)
    cache = Cache(means(network, names), view, names, folder)
    start, failures, keys = time.monotonic(), Failures(), {}
    missing = []
    for place, item in enumerate(dataset.items):
        try:
            keys[place] = _keys(item, view, reading)
        except (ValueError, OSError) as error:
            failures.add(called(item.path), error)
            continue
        if not all(_kept(cache, key, reading) for key in keys[place]):
            missing.append(place)
    wanted = {place: dataset.items[place] for place in missing}
    look = _look(reading_network(network, names, reading.map), engine) if wanted else None
    computed = _compute(wanted, look, view, reading, (cache, keys), failures, workers, batch)
    places = [place for place in keys if all(_kept(cache, key, reading) for key in keys[place])]
    if not places:
        path, reason = next(iter(failures.rows.items()), (dataset.name, "it is empty"))
        raise InputError(f"none of the {len(dataset.items):,} clips can be read, such as {path}: {reason}")
    vectors = np.stack([[cache.load(key) for key in keys[place]] for place in places])
    widths = [int(network.get_layer(name).output.shape[-1]) for name in names]
    seconds = time.monotonic() - start
    return Features(places, vectors, widths, failures.rows, computed, seconds, cache, [keys[p] for p in places])


def _look(network, engine):
    """clips -> the outputs of a network, by an engine."""
    if engine == "openvino":
        from keras_vid.saved_models.engines.openvino import outputs_of

        return outputs_of(network)
    graph = tf.function(network, reduce_retracing=True)
    return lambda clips: graph(tf.constant(clips))


def _keys(item, view, reading):
    """Names of all variants of a clip among the kept features."""
    video = video_key(item.path)
    return [digest(video, item.start, item.end, *variant, reading.frozen) for variant in variants(reading)]


def variants(reading):
    """[(number of the view, mirrored)], the middle clip as it is first."""
    return [(view, mirrored) for mirrored in (False, True)[: 1 + reading.mirrored] for view in range(reading.views)]


def _kept(cache, key, reading):
    kinds = ["vector", reading.map] if reading.map else ["vector"]
    return all(cache.load(key, kind, lazily=True) is not None for kind in kinds)


def read_clip(item, view, number=0, views=1, frozen=False):
    """One clip (T, H, W, C) of an item, uint8, as the view shows it: the middle one, or another of several."""

    def indices(count):
        chosen = view_indices(view, count, number, views)
        return [chosen[len(chosen) // 2]] * len(chosen) if frozen else chosen

    return view.crop(read_item(item, indices, view.picture_size, view))


def view_indices(view, count, number=0, views=1):
    """Frame numbers of the middle clip (number 0), or of one of several that are spread over the video."""
    if number == 0:
        return view.indices(count)
    others = max(views - 1, 2)
    if view.group is None:
        return sample.clips(count, others, view.frames)[number - 1]
    if view.group == 1:
        return sample.segment_views(count, others, view.frames)[number - 1]
    raise InputError("a network of super-images is shown one clip of a video")


def _clips_of(place, item, view, reading, stopped):
    """[(place, variant, clip)] of one video, or the error that says why not."""
    if stopped:
        return []
    try:
        clips = [read_clip(item, view, number, reading.views, reading.frozen) for number in range(reading.views)]
        if clips[0].shape[-1] != view.channels:
            raise VideoError(f"{item.path}: {clips[0].shape[-1]} channels, not {view.channels}")
    except (ValueError, OSError, MemoryError) as error:
        return error
    every = variants(reading)
    return [(place, i, clips[n][:, :, ::-1] if flip else clips[n]) for i, (n, flip) in enumerate(every)]


def _compute(wanted, look, view, reading, kept, failures, workers, batch):
    """Read, look at and keep what is missing: how many clips went through the network."""
    cache, keys = kept
    if not wanted:
        return 0
    workers = workers or os.cpu_count()
    batch = batch or (8 if tf.config.list_physical_devices("GPU") or view.frames * np.prod(view.side) < 1e5 else 1)
    computed, ready, stopped = 0, [], []

    def flush():
        nonlocal computed
        outputs = [np.asarray(output) for output in look(np.stack([clip for *_, clip in ready]))]
        maps = outputs.pop() if reading.map else None
        vectors = np.concatenate(outputs, axis=-1).astype("float32")
        if maps is not None and maps.ndim == 4:  # an image network's map has a row a frame
            maps = maps.reshape(len(ready), -1, *maps.shape[1:])
        for i, (place, variant, _) in enumerate(ready):
            if maps is not None:
                cache.save(keys[place][variant], maps[i].astype("float16"), reading.map)
            cache.save(keys[place][variant], vectors[i])
        computed += len(ready)
        ready.clear()

    with ThreadPoolExecutor(workers) as pool, Progress(console=Console(file=sys.stderr), transient=True) as progress:
        bar = progress.add_task("reading features", total=len(wanted))
        waiting, pending = collections.deque(), iter(wanted.items())
        try:
            while True:
                while len(waiting) < 2 * workers and (pair := next(pending, None)):
                    waiting.append((pair[1], pool.submit(_clips_of, *pair, view, reading, stopped)))
                if not waiting:
                    break
                item, future = waiting.popleft()
                found = future.result()
                progress.advance(bar)
                if isinstance(found, Exception):
                    failures.add(called(item.path), found)
                    continue
                for entry in found:
                    ready.append(entry)
                    if len(ready) >= batch:
                        flush()
            if ready:
                flush()
        finally:
            stopped.append(True)
    return computed
