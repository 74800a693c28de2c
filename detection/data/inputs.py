"""From a table of boxes to batches for a detector: the frames around each keyframe, and its boxes.

What step s of a run sees depends on the seed and s alone. A video that cannot be read is counted and skipped.
"""

import functools
import threading
from collections import OrderedDict

import numpy as np
import tensorflow as tf
from keras_vid.training.data.pipeline import batches

from keras_vid.utils.errors import InputError
from keras_vid.video import VideoError, read
from keras_vid.video.images import read_flow
from keras_vid.video.reading import is_folder

ATTEMPTS = 50  # this many unreadable keyframes in a row are not an accident


def around(frame, count, frames=20, stride=1):
    """The numbers of the frames of a clip around a keyframe, which is its number `frames // 2`; edges are repeated.

    >>> around(3, count=10, frames=6), around(0, count=10, frames=6), around(9, count=10, frames=6)
    ([0, 1, 2, 3, 4, 5], [0, 0, 0, 0, 1, 2], [6, 7, 8, 9, 9, 9])
    """
    return [min(max(frame + stride * (i - frames // 2), 0), count - 1) for i in range(frames)]


class Clips:
    """Clips around keyframes, stretched to one size. Decoded files are kept while `memory` bytes last.

    Args:
        paths: {name of a video: its file or folder of frames}.
        settings: A keras_vid.detection.modeling.settings.Settings.
        flow: {name of a video: its folder of flow}, for a detector with a flow stream.

    >>> from keras_vid.detection.modeling.settings import Settings
    >>> clips = Clips({"a": np.zeros((9, 24, 32, 3), np.uint8)}, Settings(size=(48, 64), frames=4))
    >>> clips("a", 0)["clip"].shape, clips.size("a")
    ((4, 48, 64, 3), (24, 32))
    """

    fatal = None  # the error that ends a run, as `keras_vid.training.data.pipeline.Failures` has it

    def __init__(self, paths, settings, flow=None, memory=2 << 30):
        self.paths, self.settings, self.flow, self.memory = paths, settings, flow or {}, memory
        self.kept, self.sizes, self.skipped, self.lock = OrderedDict(), {}, {}, threading.Lock()

    def __call__(self, video, frame):
        """What the detector wants to see: `keyframe`, and `clip` or `flow` or both."""
        settings = self.settings
        sample = {}
        clip = self._window(video, frame) if "rgb" in settings.streams else self._window(video, frame, 1)
        if "rgb" in settings.streams:
            sample["clip"] = clip
        sample["keyframe"] = clip[len(clip) // 2]
        if "flow" in settings.streams:
            if video not in self.flow:
                raise VideoError(f"{video}: no folder of flow")
            sample["flow"] = read_flow(
                self.flow[video],
                lambda n: around(min(frame, n - 1), n, settings.frames, settings.stride),
                settings.size,
            )
        return sample

    def size(self, video):
        """(height, width) of a video's own frames."""
        if video not in self.sizes:
            self.sizes[video] = read(self._path(video), [0], threads=1).shape[1:3]
        return self.sizes[video]

    def skip(self, video, reason):
        with self.lock:
            self.skipped.setdefault(video, " ".join(str(reason).split()))

    def _window(self, video, frame, frames=None):
        settings, path = self.settings, self._path(video)

        def choose(count):
            if frame >= count:
                raise VideoError(f"{video}: has {count} frames, and boxes in frame {frame}")
            return around(frame, count, frames or settings.frames, settings.stride)

        if not isinstance(path, np.ndarray) and is_folder(path):
            return read(path, choose, settings.size, threads=1)
        with self.lock:
            whole = self.kept.get(video)
            if whole is not None:
                self.kept.move_to_end(video)
        if whole is None:
            whole = read(path, None, settings.size, threads=1)
            with self.lock:
                self.kept[video] = whole
                while len(self.kept) > 1 and sum(x.nbytes for x in self.kept.values()) > self.memory:
                    self.kept.popitem(last=False)
        return whole[choose(len(whole))]

    def _path(self, video):
        if video not in self.paths:
            raise VideoError(f"{video}: not found")
        return self.paths[video]


def keyframes(table, which="annotated"):
    """The keyframes of a table, (R, 2) numbers of video and frame in order: "annotated" ones, or "all" frames.

    >>> from keras_vid.detection.data.table import make
    >>> keyframes(make(["a", "b", "b"], [4, 0, 0], ["run"] * 3, [[0, 0, 5, 5]] * 3)).tolist()
    [[0, 4], [1, 0]]
    """
    if which == "annotated":
        return np.unique(np.stack([table.video, table.frame], axis=1), axis=0)
    missing = [name for name in table.videos if name not in table.frames]
    if missing:
        raise InputError(f"{missing[0]}: the ground truth does not tell how many frames it has")
    return np.array([(v, f) for v, name in enumerate(table.videos) for f in range(table.frames[name])])


def targets(table, rows, size, video_size, merge=False):
    """Boxes (G, 4) in pixels of the detector's `size` and labels (G, K) of zeros and ones, of rows of a table.

    Args:
        video_size: (height, width) in whose pixels the table's boxes are.
        merge: Whether rows of the same box become one with several labels.

    >>> from keras_vid.detection.data.table import make
    >>> gt = make(["a", "a"], [0, 0], ["run", "sit"], [[0, 0, 5, 5]] * 2)
    >>> targets(gt, [0, 1], (20, 20), (10, 10), merge=True)[1].tolist()
    [[1.0, 1.0]]
    """
    scale = np.array([size[1] / video_size[1], size[0] / video_size[0]] * 2, "float32")
    boxes, labels = table.box[rows] * scale, np.eye(len(table.classes), dtype="float32")[table.label[rows]]
    if merge:
        boxes, which = np.unique(boxes, axis=0, return_inverse=True)
        joined = np.zeros((len(boxes), labels.shape[1]), "float32")
        np.maximum.at(joined, which.reshape(-1), labels)
        labels = joined
    return boxes.astype("float32"), labels


def mirror(example, width):
    """An example in a mirror: pictures, flow (whose x changes sign) and boxes."""
    flipped = {name: np.flip(x, axis=-2).copy() for name, x in example.items() if name not in ("boxes", "labels")}
    if "flow" in flipped:
        flipped["flow"][..., 0] = 255 - flipped["flow"][..., 0]
    x1, y1, x2, y2 = example["boxes"].T
    return {**flipped, "boxes": np.stack([width - x2, y1, width - x1, y2], axis=1), "labels": example["labels"]}


def _shapes(settings, max_boxes, classes):
    """{name: shape} of what an example holds, by the settings' streams."""
    shapes = {
        "clip": (settings.frames, *settings.size, 3),
        "keyframe": (*settings.size, 3),
        "flow": (settings.frames, *settings.size, 2),
        "boxes": (max_boxes, 4),
        "labels": (max_boxes, classes),
    }
    stream = {"clip": "rgb", "flow": "flow"}
    return {kind: shape for kind, shape in shapes.items() if stream.get(kind, "") in settings.streams}


def examples(table, clips, batch_size=1, *, seed=0, shard=(0, 1), start_step=0, flip=True, workers=4):
    """Endless training batches of a table's annotated keyframes, as dicts for `Detector`.

    Args:
        clips: A `Clips` of the table's videos.
        shard: (number, count) of this worker; a step of all workers together is `count` batches.
        start_step: The first step to make; a resumed run gives the number of steps made before.
        flip: Whether half of the examples are seen in a mirror.
    """
    settings = clips.settings
    keys = keyframes(table)
    order = np.lexsort((table.frame, table.video))
    starts = np.searchsorted(table.video[order] << 32 | table.frame[order], keys[:, 0] << 32 | keys[:, 1])
    ends = np.append(starts[1:], len(order))
    max_boxes = int((ends - starts).max())

    @functools.lru_cache(maxsize=2)
    def shuffle(epoch):
        return np.random.default_rng([seed, epoch]).permutation(len(keys))

    def one(i):
        epoch, position = divmod(int(i), len(keys))
        shuffled = shuffle(epoch)
        for attempt in range(min(ATTEMPTS, len(keys))):
            key = shuffled[(position + attempt) % len(keys)]
            name = table.videos[keys[key, 0]]
            try:
                sample = clips(name, int(keys[key, 1]))
                video_size = table.size[::-1] if table.size else clips.size(name)
                rows = order[starts[key] : ends[key]]
                boxes, labels = targets(table, rows, settings.size, video_size, settings.scores == "sigmoid")
                sample |= {"boxes": boxes, "labels": labels}
                if flip and np.random.default_rng([seed, 1, int(i)]).random() < 0.5:
                    sample = mirror(sample, settings.size[1])
                padding = ((0, max_boxes - len(boxes)), (0, 0))
                sample |= {"boxes": np.pad(sample["boxes"], padding), "labels": np.pad(labels, padding)}
                return [sample[kind] for kind in kinds]
            except (ValueError, OSError, MemoryError) as error:
                clips.skip(name, error)
        reason = f"the last of {name}: {clips.skipped.get(name)}"
        clips.fatal = InputError(f"{min(ATTEMPTS, len(keys))} keyframes in a row cannot be read, {reason}")
        raise clips.fatal

    shapes = _shapes(settings, max_boxes, len(table.classes))
    kinds = list(shapes)
    types = [tf.float32 if kind in ("boxes", "labels") else tf.uint8 for kind in kinds]

    def load(i):
        values = tf.numpy_function(one, [i], types, stateful=False)
        return {kind: tf.ensure_shape(value, shapes[kind]) for kind, value in zip(kinds, values)}

    number, count = shard
    data = tf.data.Dataset.range(start_step * batch_size * count + number, np.iinfo(np.int64).max, count)
    data = data.map(load, num_parallel_calls=workers, deterministic=True)
    return batches(data, batch_size)
