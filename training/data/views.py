"""Which frames and which part of the picture: from a recipe to the functions that the input is made of."""

import functools

import tensorflow as tf
from keras_vid.training.data import augment

from keras_vid.utils.errors import InputError
from keras_vid.video import sample
from keras_vid.view import ASPECTS

ORDERS = ("forward", "reverse", "shuffle", "freeze")
WINDOW = 300  # frames of a whole video that go through the network at once: 10 seconds of Kinetics
LONGEST = 3000  # frames of a whole video that are decoded: 0.8 GB at 256 x 340


def train_indices(recipe):
    """count, rng -> frame numbers of one training clip."""
    return _indices(recipe, recipe.frames)


def _indices(recipe, frames):
    if recipe.sample == "super_images":
        segments = frames // recipe.neighbours
        return functools.partial(sample.super_images, segments=segments, frames=recipe.neighbours)
    if recipe.sample not in ("dense", "segments"):
        raise InputError(f"--sample is dense, segments or super_images, not {recipe.sample!r}")
    return functools.partial(getattr(sample, recipe.sample), frames=frames)


def records_choice(recipe):
    """(count, seed) -> frame numbers in graph ops, for prepared data."""
    from keras_vid.training.data import records

    if recipe.sample == "dense":
        return lambda count, seed: records.dense(count, recipe.frames, 1, seed)
    if recipe.sample == "segments":
        return lambda count, seed: records.segments(count, recipe.frames, seed)
    raise InputError("super-images are read from videos, not from prepared data")


def train_transform(recipe, swap=None):
    """(clip, label, seed) -> (clip, label) with the recipe's crop and flip.

    Args:
        swap: The label of each class in a mirror, -1 for none: keras_vid.training.data.labels.flip_swap.
    """

    def transform(clip, label, seed):
        seeds = augment.split(seed, 2)
        clip = _train_crop(recipe, clip, seeds[0])
        return augment.flip(clip, label, seeds[1], swap) if recipe.flip else (clip, label)

    return transform


def _train_crop(recipe, clip, seed):
    if recipe.crop == "random":
        return augment.random_crop(clip, recipe.size, seed)
    if recipe.crop == "squash":
        return augment.random_crop(augment.resize(clip, *_picture(recipe)), recipe.size, seed)
    if recipe.crop == "corner":
        return augment.corner_crop(clip, recipe.size, seed)
    if recipe.crop == "sth":
        return augment.sth_crop(clip, recipe.size, seed, _picture(recipe))
    raise InputError(f"--crop is random, squash, corner or sth, not {recipe.crop!r}")


def _picture(recipe):
    """The rows and columns of every picture before the crop, where the recipe changes its shape."""
    return recipe.short, round(recipe.short * ASPECTS[recipe.crop])


def test_frames(recipe):
    """Frames of a test clip, or None where a clip is a whole video of its own length."""
    if recipe.views == 0:
        return None
    return recipe.test_frames or recipe.frames


def test_indices(recipe):
    """count -> frame numbers of all of a video's clips, one after another."""
    frames = test_frames(recipe)
    if frames is None:
        return functools.partial(_whole, longest=recipe.test_frames)
    if recipe.views == 1:
        return _indices(recipe, frames)
    if recipe.sample == "dense":
        many = functools.partial(sample.clips, views=recipe.views, frames=frames)
    elif recipe.sample == "segments":
        many = functools.partial(sample.segment_views, views=recipe.views, frames=frames)
    else:
        raise InputError("super-images are tested on one view: give --test-frames for more segments")
    return functools.partial(_flat, many)


def _whole(count, rng=None, longest=None):
    """All frames, or the middle ones of a very long video; with `longest` a shorter video is looped to it, and a longer
    one gives its middle."""
    return sample.everything(count, longest or min(count, LONGEST))


def _flat(many, count, rng=None):
    return [i for view in many(count) for i in view]


def test_transform(recipe, order="forward", size=None):
    """(frames of all clips, label, seed) -> (views, label), views (V, T, size, size, C), crops of a clip together."""
    if order not in ORDERS:
        raise InputError(f"the order of frames is one of {', '.join(ORDERS)}, not {order!r}")
    size = size or recipe.test_size or recipe.size

    def transform(clip, label, seed):
        if recipe.crop in ASPECTS:
            clip = augment.resize(clip, *_picture(recipe))
        crops = augment.three_crops(clip, size) if recipe.crops == 3 else augment.centre_crop(clip, size)[None]
        views = max(recipe.views, 1)
        shape = tf.shape(crops)
        crops = tf.reshape(crops, (shape[0], views, shape[1] // views, size, size, clip.shape[-1]))
        crops = tf.reshape(tf.transpose(crops, (1, 0, 2, 3, 4, 5)), (-1, shape[1] // views, size, size, clip.shape[-1]))
        return tf.ensure_shape(_ordered(crops, order, seed), (None, test_frames(recipe), size, size, None)), label

    return transform


def _ordered(clips, order, seed):
    """The frames of clips (V, T, ...) backwards, in a random order, or all the middle one."""
    if order == "reverse":
        return tf.reverse(clips, [1])
    count = tf.shape(clips)[1]
    if order == "shuffle":
        return tf.gather(clips, tf.argsort(tf.random.stateless_uniform((count,), seed)), axis=1)
    if order == "freeze":
        return tf.repeat(clips[:, count // 2 : count // 2 + 1], count, axis=1)
    return clips


def protocol(recipe, order="forward", average="softmax"):
    """What a test looked at, in words: a number means nothing without it.

    >>> from keras_vid.training.recipes import recipe
    >>> protocol(recipe("stm_resnet50/ucf101"))
    '10 clips of 8 frames (segments) x 3 crops of 224, mean of softmax'
    """
    size = recipe.test_size or recipe.size
    if recipe.views == 0:
        cut = f"looped or cut to {recipe.test_frames}" if recipe.test_frames else f"at most the middle {LONGEST:,}"
        what = f"all frames, {cut}" + (f", in windows of {WINDOW}" if (recipe.test_frames or LONGEST) > WINDOW else "")
    else:
        what = f"{recipe.views} clip{'s' * (recipe.views > 1)} of {test_frames(recipe)} frames ({recipe.sample})"
    what += f" x {recipe.crops} crops of {size}" if recipe.crops > 1 else f", centre crop {size}"
    many = recipe.views * recipe.crops > 1
    return what + (f", mean of {average}" if many else "") + ("" if order == "forward" else f", frames: {order}")
