"""The fields of a training recipe: all that decides what a run computes, apart from the videos."""

import dataclasses
from dataclasses import dataclass, field

from keras_vid.models.variants import list_models
from keras_vid.utils.errors import InputError
from keras_vid.view import ASPECTS

CUSTOM = "folder"  # the data set of a recipe for one's own videos
INCEPTION = tuple(name for name in list_models() if name.endswith(("i3d", "s3d", "s3dg", "i2d")))
MODALITIES = {"rgb": "RGB frames", "flow": "optical flow"}
SMALL = "resnet14"  # a backbone of ours, which no paper trained


@dataclass(frozen=True)
class Recipe:
    """Everything that decides what a training run computes, apart from the videos. Each field is a flag.

    Attributes:
        modality: "rgb", or "flow": optical flow, read from the folders that `keras-vid flow` writes.
        channels: Of a frame; None: 3 for RGB; for flow 2 (x and y of one field), or 10 (five neighbouring fields) for
            networks that stand on an image network, as TSN's and TSM's flow streams have it.
        fps, stride: Of each second of a video `fps` frames are used (None: all), and of these every `stride`-th. A
            folder of pictures has no times: `fps` changes nothing there.
        options: Choices of the network's constructor, `--set NAME=VALUE`.
        frames: Of a clip. For StNet it is segments times `neighbours`.
        sample: "dense" frames in a row, "segments" (one frame of each part of the video), "super_images" (`neighbours`
            frames of each part), or "window" (TSM's dense sampling: frames spread over 64 neighbouring ones).
        short: Short side to which frames are scaled; `crop` then takes a `size` x `size` square: "random", "squash"
            (frames made square first), "corner" (TSN's corners and scales), or "sth" (256 x 340, then a corner crop).
        flip: Mirror half of the clips; classes whose names speak of a direction are never mirrored.
        colour: Brightness, contrast and saturation change by up to this share.
        mixup, cutmix: Strength of mixing each clip with another one of its batch, 0 for none.
        erasing: Share of the clips in which a random box is filled with grey.
        label_smoothing: Share of the target that is spread over all classes.
        class_weights: "balanced" (rare classes count more), one number a class, or None.
        lr: Learning rate for steps of `paper_batch` clips; a run with other steps scales it to theirs.
        first_rate, bias_rate, head_rate: The rates of the first convolution, of biases and of the classifier, as
            multiples of `lr`; a bias of the classifier has both its factors.
        length: How long, in `unit` "epochs" or "steps". Schedule "drops": the rate is multiplied by `drop` at each of
            `drops`; "cosine": it goes down to zero along a cosine.
        warmup: So many first steps or epochs the rate rises from zero.
        weight_decay: Added to the gradient, of kernels alone, as PyTorch and TensorFlow 1 do (and the papers did).
        batch: Clips of a step on each device.
        paper_batch: Clips of a step over all devices for which `lr`, and a length in steps, were chosen.
        scale_to_batch: Scale `lr`, and lengths in steps, to the clips of this run's steps. False: as written.
        bn: "train", "partial" (all but the first are frozen: TSN) or "frozen".
        weights: What to start from: a name in keras_vid.weights.load, a file, a run folder, or None.
        views: Clips of a video in testing (0: all frames of the video).
        crops: 1 in the middle, or 3 along the long side.
        view_choice: Where several clips of a video lie: "spread" evenly, "random" (drawn with `test_seed`), or "twice"
            (TSM's two: the middles of the parts and their beginnings).
        test_frames: Frames of a test clip, None as in training; with `views=0`, a shorter video is looped up to it.
        test_size: Side of the test crop, None as in training.
        source: Where the numbers are from.
    """

    model: str
    dataset: str = CUSTOM
    options: dict = field(default_factory=dict)
    modality: str = "rgb"
    channels: int | None = None
    fps: float | None = None
    stride: int = 1
    frames: int = 8
    sample: str = "segments"
    neighbours: int = 5
    size: int = 224
    short: int = 256
    crop: str = "corner"
    flip: bool = True
    colour: float = 0.0
    mixup: float = 0.0
    cutmix: float = 0.0
    erasing: float = 0.0
    label_smoothing: float = 0.0
    class_weights: str | tuple | None = None
    optimizer: str = "sgd"
    lr: float = 0.01
    first_rate: float = 1.0
    bias_rate: float = 1.0
    head_rate: float = 1.0
    momentum: float = 0.9
    weight_decay: float = 5e-4
    length: float = 50
    unit: str = "epochs"
    schedule: str = "drops"
    drops: tuple = (30, 40, 45)
    drop: float = 0.1
    warmup: float = 0
    batch: int = 8
    paper_batch: int = 64
    scale_to_batch: bool = True
    dropout: float | None = None
    clip_norm: float = 0.0
    bn: str = "train"
    bn_momentum: float = 0.9
    sync_bn: bool = False
    weights: str | None = None
    views: int = 1
    crops: int = 1
    view_choice: str = "spread"
    test_seed: int = 0
    test_frames: int | None = None
    test_size: int | None = None
    source: str = "ours"


def channels_of(row) -> int:
    """The channels of the frames that a recipe's network sees.

    >>> channels_of(Recipe("tsm_resnet14")), channels_of(Recipe("tsm_resnet14", modality="flow"))
    (3, 10)
    """
    if row.modality not in MODALITIES:
        raise InputError(f"--modality is {' or '.join(MODALITIES)}, not {row.modality!r}")
    if row.stride < 1 or (row.fps is not None and not row.fps > 0):
        raise InputError("--stride is at least 1, and --fps above 0")
    if row.modality == "rgb":
        if row.channels not in (None, 3):
            raise InputError(f"RGB has 3 channels, not {row.channels}; --modality flow has 2, 4, 6, ...")
        return 3
    channels = row.channels or (2 if row.model in INCEPTION else 10)
    if channels < 2 or channels % 2:
        raise InputError(f"flow has 2 channels for each field, x and y: 2, 4, ... 10, not {channels}")
    if row.colour:
        raise InputError("--colour changes the colours of RGB frames, and flow has none")
    return channels


def of_view(view, model, **fields) -> Recipe:
    """The recipe by which a test shows a network what its `ClipView` says.

    >>> from keras_vid.view import ClipView
    >>> of_view(ClipView(frames=8, height=112, width=112, group=1), "tsn_resnet14").sample
    'segments'
    """
    sample = {None: "dense", 1: "segments"}.get(view.group, "super_images")
    short = view.picture_size
    seen = {
        "modality": "rgb" if view.channels == 3 else "flow",
        "channels": view.channels,
        "frames": view.frames or view.trained_frames or 64,
        "sample": "dense" if view.dense else sample,
        "neighbours": view.group or 1,
        "fps": view.fps,
        "stride": view.stride,
        "size": view.side[0],
        "short": short if isinstance(short, int) else short[0],
        "crop": next((crop for crop, aspect in ASPECTS.items() if aspect == view.aspect), "random"),
    }
    return Recipe(model, **(seen | fields))


def from_json(fields: dict) -> Recipe:
    """A recipe out of what `args.json` holds: lists become tuples again, fields of other versions are left out.

    >>> from_json({"model": "tsm_resnet14", "drops": [20, 40]}).drops
    (20, 40)
    """
    known = {part.name for part in dataclasses.fields(Recipe)}
    return Recipe(**{key: _tuples(value) for key, value in fields.items() if key in known})


def _tuples(value):
    if isinstance(value, dict):
        return {key: _tuples(part) for key, part in value.items()}
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
