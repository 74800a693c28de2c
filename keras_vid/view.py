"""What a network is shown of a video: how many frames, which ones, at which rate, size and shape.

A `ClipView` is made of a Keras network (`view_of`), of a run folder or of a SavedModel's metadata (`ClipView.load`), is
stored with each of them as JSON, and is all that is needed to turn a video into the clip that the network expects.
"""

import dataclasses
import json
from pathlib import Path

import numpy as np

from keras_vid.utils.errors import InputError, MissingFile, VideoError
from keras_vid.utils.files import as_json, write_whole
from keras_vid.video import probe, read, sample
from keras_vid.video.reading import count_to_damage, table_times

WHOLE_VIDEO = 250  # frames; what the S3D paper evaluates on, and as many as fit a small machine
SIDE = 224  # of a clip, where a network leaves it open
ASPECTS = {"squash": 1, "sth": 340 / 256}  # width over height that a recipe's `crop` makes of every picture
FILE = "view.json"  # its name in a run folder, and beside a .keras file


@dataclasses.dataclass(frozen=True)
class ClipView:
    """What a network is shown of a video, and what its classes are called.

    Attributes:
        frames, height, width: Of a clip; None where the network leaves it open.
        channels: 3 for RGB, 2 for flow (x and y), 10 for five flow fields (folders of `keras-vid flow`).
        group: How many neighbouring frames are seen together, of frames that are spread over the video: 1, or the
            frames of a super-image. None: all frames of a clip are neighbours (networks of 3D convolutions).
        aspect: Width over height that every picture is scaled to before the crop; None keeps its own.
        fps: Frames that are read of each second of the video; None: every frame of the video. Pictures have no clock.
        stride: Only every `stride`-th frame is read.
        dense: Whether the frames are neighbours although the network could take them from all over the video.
        loop: Whether a video that is shorter than a clip starts over, as in training, or is refused.
        trained_frames: Frames of the clips that the network learnt from, where it takes any number; None: not known.
        labels: Names of the classes, in the order of the logits; None: not known.

    >>> ClipView(frames=8, height=112, width=112, group=1).indices(80)
    [5, 15, 25, 35, 45, 55, 65, 75]
    """

    frames: int | None = None
    height: int | None = None
    width: int | None = None
    channels: int = 3
    group: int | None = None
    aspect: float | None = None
    fps: float | None = None
    stride: int = 1
    dense: bool = False
    loop: bool = False
    trained_frames: int | None = None
    labels: tuple[str, ...] | None = None

    @property
    def side(self) -> tuple[int, int]:
        """(height, width) of a clip."""
        return self.height or SIDE, self.width or SIDE

    @property
    def picture_size(self):
        """What a video's pictures are scaled to before the crop: a short side, or (height, width) where the network
        learnt from pictures of one aspect.

        >>> ClipView(height=112, width=112).picture_size, ClipView(height=112, width=112, aspect=1).picture_size
        (128, (128, 128))
        """
        short = round(min(self.side) * 256 / 224)
        return short if self.aspect is None else (short, round(short * self.aspect))

    def read(self, source, frames=None) -> np.ndarray:
        """The clip (T, H, W, C) of a video file, a folder of images or an array (T, H, W, C), uint8.

        Args:
            frames: How many to look at, from the middle of the video, where the view leaves it open: a number, `"all"`,
                or None for up to 250.
        """
        return self.read_with_note(source, frames)[0]

    def read_with_note(self, source, frames=None, threads=None) -> tuple[np.ndarray, str | None]:
        """The same clip, and what its viewer should know: that only the frames before a damage were seen.

        Args:
            threads: As of `keras_vid.video.read`: 1 where many videos are read at a time.
        """
        pictures, note = self.read_uncropped(source, frames, threads)
        return self.crop(pictures), note

    def read_uncropped(self, source, frames=None, threads=None) -> tuple[np.ndarray, str | None]:
        """The same frames, scaled but not cropped, and the same note."""
        self.check_frames(frames, "the network")
        how = {"size": self.picture_size, "channels": self.channels, "threads": threads}
        times = table_times(source) if self.channels == 3 else None
        if times is not None:
            try:
                return read(source, self._chosen(source, len(times), times, frames), **how), None
            except VideoError:  # damaged, or too short: decoding it from its first frame on tells
                pass
        count, times, damaged = self._decoded(source)
        return read(source, self._chosen(source, count, times, frames, damaged), **how), damaged

    def _decoded(self, source):
        """(frames that decode, their seconds where they count, the note of a damaged video)"""
        times = None
        if self.fps and self.channels == 3:
            info = probe(source)
            times, count, claimed = info["times"], info["frames"], info["claimed"]  # no times where there is no clock
        else:
            count, claimed = count_to_damage(source, self.channels)
        if claimed is None:
            return count, times, None
        of = f" of {claimed}" if claimed > count else ""
        return count, times, f"damaged: only the first {count}{of} frames decode"

    def _chosen(self, source, count, times, frames, damaged=None):
        """The numbers of the frames that are read, of `count` that are shown at `times` where these are known."""
        at_rate = self.fps and times
        shown = (sample.at_fps_times(times, self.fps) if at_rate else range(count))[:: self.stride]
        try:
            return [shown[i] for i in self.indices(len(shown), frames)]
        except InputError as error:
            rate = f" at {self.fps:g} a second" if at_rate else ""
            reason = f" ({damaged})" if damaged else ""
            raise VideoError(f"{called(source)} has {len(shown)} frames{rate}{reason}, {error}") from error

    def indices(self, count, frames=None) -> list[int]:
        """Which of a video's `count` frames are read."""
        if self.frames and self.group and not self.dense:
            return list(self.spread(count))
        wanted = self.frames
        if not wanted:
            wanted = count if frames == "all" else min(count, WHOLE_VIDEO) if frames is None else int(frames)
        if wanted > count and self.loop:
            return sample.dense(count, wanted)
        if wanted > count:
            raise InputError(f"too few for the {wanted} asked for")
        first = (count - wanted) // 2
        return list(range(first, first + wanted))

    def spread(self, count):
        """One frame of each part of the video (TSN), or a group of neighbouring ones of each."""
        if self.group == 1:
            return sample.segments(count, self.frames)
        return sample.super_images(count, self.frames // self.group, self.group)

    def crop(self, clip):
        """The middle of the pictures of a clip (..., H, W, C)."""
        height, width = self.side
        top, left = (clip.shape[-3] - height) // 2, (clip.shape[-2] - width) // 2
        return clip[..., top : top + height, left : left + width, :]

    def check_frames(self, frames, name):
        """Refuse another number of frames than the network `name` is made for."""
        if self.frames and frames not in (None, self.frames):
            raise InputError(f"{name} takes {self.frames} frames of a video, not {frames}")

    def names(self, classes, labels=None, name="the network") -> list[str]:
        """Names of all classes: `labels` if given, else those that are known, else `class 0`, `class 1`, ..."""
        names = list(labels or self.labels or [f"class {i}" for i in range(classes)])
        if len(names) != classes:
            raise InputError(f"{len(names)} labels were given, but {name} has {classes} classes")
        return names

    def save(self, folder):
        """Write `view.json` into a folder."""
        write_whole(Path(folder) / FILE, as_json(dataclasses.asdict(self)))

    @classmethod
    def load(cls, folder) -> "ClipView":
        """Of a run folder, or of the folder of a `.keras` file."""
        path = Path(folder) / FILE
        if not path.is_file():
            raise MissingFile(f"{folder}: there is no {FILE}, so it is not known what its network is shown")
        try:
            return cls.from_dict(json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, TypeError, AttributeError, RecursionError) as error:
            raise InputError(f"{path} is damaged ({error}): restore it, or train again") from error

    @classmethod
    def from_dict(cls, values) -> "ClipView":
        labels = values.get("labels")
        if labels is not None and not (isinstance(labels, (list, tuple)) and all(isinstance(x, str) for x in labels)):
            raise InputError("its labels are not a list of names")
        for name in ("frames", "height", "width", "channels", "group", "stride", "fps", "aspect"):
            value = values.get(name)
            if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float)) or value <= 0):
                raise InputError(f"{name} is {value!r}, not a positive number")
        return cls(**{**values, "labels": tuple(labels) if labels else None})


def view_of(model) -> ClipView:
    """The view of a Keras network: what is known of it, with the shape of its input.

    >>> import keras_vid
    >>> view_of(keras_vid.create("tsn_resnet14", frames=4, size=64)).group
    1
    """
    _, frames, height, width, channels = model.input_shape
    known = getattr(model, "view", None) or ClipView()
    shape = {"frames": frames, "height": height, "width": width, "channels": channels}
    return dataclasses.replace(known, **shape, group=_group(model))


def set_view(model, **changes):
    """Remember of a network what its input does not tell: `labels`, `aspect`, `fps`, `stride`."""
    model.view = dataclasses.replace(view_of(model), **changes)


def _group(model):
    import keras

    from keras_vid.layers.super_image import SuperImage

    if any(isinstance(layer, keras.layers.Conv3D) for layer in model.layers):
        return None
    return max((layer.length for layer in model.layers if isinstance(layer, SuperImage)), default=1)


def too_few(view, clip, asked):
    """A warning where fewer frames were asked for than the network learnt from, or None.

    >>> too_few(ClipView(trained_frames=64), np.zeros((16, 8, 8, 3)), asked=16)
    'it learnt from clips of 64 frames, and may err with 16'
    """
    if asked is None or not view.trained_frames or len(clip) >= view.trained_frames:
        return None
    return f"it learnt from clips of {view.trained_frames} frames, and may err with {len(clip)}"


def called(source):
    """How errors name a video."""
    return "the array" if hasattr(source, "shape") else str(source)
