"""A video in, its most probable labels out."""

import numpy as np

from keras_vid.video import VideoError, count_frames, probe, read, sample

WHOLE_VIDEO = 250  # frames; what the S3D paper evaluates on, and as many as fit a small machine
SIDE = 224  # of a clip, where a network leaves it open
ASPECTS = {"squash": 1, "sth": 340 / 256}  # width over height that a recipe's `crop` makes of every picture


def predict(model, source, top=5, frames=None, labels=None, fps=None):
    """The most probable labels of a video, as `[(label, probability), ...]`.

    Args:
        model: A network with trained weights, a run folder or a `.keras` file.
        source: A video file, a folder of images, or an array (T, H, W, 3) of RGB 0..255.
        top: How many labels.
        frames: How many frames to look at, from the middle of the video, for a network that leaves it open: a number,
            `"all"`, or None for up to 250. A network with a fixed number of frames decides itself.
        labels: Names of the classes; by default those that came with the weights.
        fps: Frames a second at which the video is looked at (25 for DeepMind's I3D); None: each of its own.

    >>> import numpy, keras_vid
    >>> model = keras_vid.create("s3d", classes=2, size=32)
    >>> answers = predict(model, numpy.zeros((16, 32, 32, 3), "uint8"), labels=["jump", "run"])
    >>> sorted(label for label, _ in answers)
    ['jump', 'run']
    """
    model, names = named(model, labels)
    clip = read_clip(model, source, frames, fps)
    return answer(model, clip, names, top, _called(source))


def named(model, labels=None):
    """The network (loaded, if it was named) and the names of its classes."""
    if isinstance(model, str):
        from keras_vid.zoo import load_model

        model = load_model(model)
    classes = model.output_shape[-1]
    names = list(labels or getattr(model, "labels", None) or [f"class {i}" for i in range(classes)])
    if len(names) != classes:
        raise ValueError(f"{len(names)} labels were given, but {model.name} tells {classes} classes apart")
    return model, names


def answer(model, clip, names, top, called):
    """The labels of one clip (T, H, W, 3) that was made for the network; `called` is its name in errors."""
    try:
        model.compute_output_shape((1, *clip.shape))
    except ValueError as error:
        raise VideoError(f"{called}: {len(clip)} frames are too few for {model.name} ({error})") from error
    return ranked(softmax(model.predict_on_batch(clip[None])[0]), names, top)  # compiled: up to ten times a plain call


def softmax(logits):
    scores = np.exp(np.asarray(logits, "float64") - np.max(logits))
    return scores / scores.sum()


def ranked(scores, names, top):
    """
    >>> ranked([0.1, 0.7, 0.2], ["run", "jump", "fall"], top=2)
    [('jump', 0.7), ('fall', 0.2)]
    """
    best = np.argsort(-np.asarray(scores), kind="stable")[:top]
    return [(names[i], float(scores[i])) for i in best]


def read_clip(model, source, frames=None, fps=None):
    """The frames of a video that the network wants to see, (T, H, W, 3) uint8, resized and cropped from the middle."""
    fixed, height, width = model.input_shape[1:4]
    check_frames(fixed, frames, model.name)
    aspect = getattr(model, "aspect", None)
    clip = read_uncropped(source, (fixed, height, width), group(model), frames, fps, aspect)
    return centre_crop(clip, height, width)


def check_frames(fixed, frames, called):
    """Refuse another number of frames than a network is made for; `called` is its name."""
    if fixed and frames not in (None, fixed):
        raise ValueError(f"{called} looks at {fixed} frames of a video, not at {frames}")


def read_uncropped(source, shape, group=None, frames=None, fps=None, aspect=None):
    """The frames that a network of clips of `shape` (T, H, W), None where open, of this `group` and of pictures of this
    `aspect` wants to see."""
    fixed, height, width = shape
    times = probe(source)["times"] if fps else None  # None, too, where there is no clock
    shown = sample.at_fps_times(times, fps) if times else range(count_frames(source))
    count = len(shown)
    if fixed and group:
        indices = spread(count, fixed, group)
    else:
        wanted = fixed or (count if frames == "all" else min(count, WHOLE_VIDEO) if frames is None else int(frames))
        if wanted > count:
            rate = f" at {fps:g} a second" if times else ""
            raise VideoError(f"{_called(source)} has {count} frames{rate}, too few for the {wanted} asked for")
        first = (count - wanted) // 2
        indices = range(first, first + wanted)
    return read(source, [shown[i] for i in indices], size=picture_size(height, width, aspect))


def picture_size(height, width, aspect=None):
    """What a video's pictures are scaled to before the crop: a short side, or (height, width) where the network learnt
    from pictures of one aspect (width over height), whatever their own.

    >>> picture_size(224, 224), picture_size(112, 112, aspect=1), picture_size(224, 224, aspect=340 / 256)
    (256, (128, 128), (256, 340))
    """
    short = round(min(height or SIDE, width or SIDE) * 256 / 224)
    return short if aspect is None else (short, round(short * aspect))


def centre_crop(clip, height, width):
    height, width = height or SIDE, width or SIDE
    top, left = (clip.shape[-3] - height) // 2, (clip.shape[-2] - width) // 2
    return clip[..., top : top + height, left : left + width, :]


def random_clips(model, count=2, seed=0):
    """Random uint8 clips that fit a network, noise and standing blocks by turns; 16 frames of 96 x 96 where it is free.

    Noise alone would be answered alike, whichever it is: a network sees its mean.
    """
    _, frames, height, width, channels = model.input_shape
    frames, height, width = frames or 16, height or 96, width or 96
    clips = np.random.default_rng(seed).integers(0, 256, (count, frames, height, width, channels), "uint8")
    blocks = clips[1::2, ::4, ::8, ::8].repeat(4, 1).repeat(8, 2).repeat(8, 3)
    clips[1::2] = blocks[:, :frames, :height, :width]
    return clips


def group(model):
    """How many neighbouring frames a network sees together, of frames that are spread over the video: 1, or what it
    takes as a super-image. None for a network that convolves over neighbouring frames (3D)."""
    if any(type(layer).__name__ == "Conv3D" for layer in model.layers):
        return None
    return max((layer.length for layer in model.layers if type(layer).__name__ == "SuperImage"), default=1)


def spread(count, frames, group):
    """One frame of each part of the video (TSN), or a group of neighbouring ones of each."""
    return sample.segments(count, frames) if group == 1 else sample.super_images(count, frames // group, group)


def _called(source):
    return "the array" if hasattr(source, "shape") else str(source)
