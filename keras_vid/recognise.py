"""A video in, its most probable labels out."""

import numpy as np

from keras_vid.video import VideoError, count_frames, read, sample

WHOLE_VIDEO = 250  # frames; what the S3D paper evaluates on, and as many as fit a small machine


def predict(model, source, top=5, frames=None, labels=None):
    """The most probable labels of a video, as `[(label, probability), ...]`.

    Args:
        model: A network with trained weights, a run folder or a `.keras` file.
        source: A video file, a folder of images, or an array (T, H, W, 3) of RGB 0..255.
        top: How many labels.
        frames: How many frames to look at, from the middle of the video, for a network that leaves it open: a number,
            `"all"`, or None for up to 250. A network with a fixed number of frames decides itself.
        labels: Names of the classes; by default those that came with the weights.

    >>> import numpy, keras_vid
    >>> model = keras_vid.create("s3d", classes=2, size=32)
    >>> answers = predict(model, numpy.zeros((16, 32, 32, 3), "uint8"), labels=["jump", "run"])
    >>> sorted(label for label, _ in answers)
    ['jump', 'run']
    """
    if isinstance(model, str):
        from keras_vid.zoo import load_model

        model = load_model(model)
    names = _names(model, labels)
    clip = read_clip(model, source, frames)
    _check_length(model, clip, source)
    logits = np.asarray(_to_numpy(model(clip[None], training=False)), "float64")[0]
    scores = np.exp(logits - logits.max())
    scores /= scores.sum()
    best = np.argsort(-scores, kind="stable")[:top]
    return [(names[i], float(scores[i])) for i in best]


def read_clip(model, source, frames=None):
    """The frames of a video that the network wants to see, (T, H, W, 3) uint8, resized and cropped from the middle."""
    _, fixed, height, width, _ = model.input_shape
    height, width = height or 224, width or 224
    count = count_frames(source)
    if fixed and frames not in (None, fixed):
        raise ValueError(f"{model.name} looks at {fixed} frames of a video, not at {frames}")
    if fixed and not sees_time_densely(model):
        indices = _spread(model, count, fixed)
    else:
        wanted = fixed or (count if frames == "all" else min(count, WHOLE_VIDEO) if frames is None else int(frames))
        if wanted > count:
            raise VideoError(f"{_called(source)} has {count} frames, too few for the {wanted} asked for")
        first = (count - wanted) // 2
        indices = range(first, first + wanted)
    return _centre_crop(read(source, indices, size=round(min(height, width) * 256 / 224)), height, width)


def sees_time_densely(model):
    """Whether a network convolves over neighbouring frames (3D), rather than look at frames spread over the video."""
    return any(type(layer).__name__ == "Conv3D" for layer in model.layers)


def _spread(model, count, frames):
    """One frame of each part of the video (TSN), or a few neighbouring ones where the network wants super-images."""
    length = max((layer.length for layer in model.layers if type(layer).__name__ == "SuperImage"), default=1)
    return sample.segments(count, frames) if length == 1 else sample.super_images(count, frames // length, length)


def _names(model, labels):
    classes = model.output_shape[-1]
    names = list(labels or getattr(model, "labels", None) or [f"class {i}" for i in range(classes)])
    if len(names) != classes:
        raise ValueError(f"{len(names)} labels were given, but {model.name} tells {classes} classes apart")
    return names


def _check_length(model, clip, source):
    try:
        model.compute_output_shape((1, *clip.shape))
    except ValueError as error:
        raise VideoError(f"{_called(source)}: {len(clip)} frames are too few for {model.name} ({error})") from error


def _centre_crop(clip, height, width):
    top, left = (clip.shape[1] - height) // 2, (clip.shape[2] - width) // 2
    return clip[:, top : top + height, left : left + width]


def _called(source):
    return "the array" if hasattr(source, "shape") else str(source)


def _to_numpy(tensor):
    from keras import ops

    return ops.convert_to_numpy(tensor)
