"""Which frames and which part of the picture: from a recipe to the functions that the input is made of."""

import functools

import numpy as np
import tensorflow as tf
from keras_vid.training.data import augment
from keras_vid.training.recipes.fields import channels_of

from keras_vid.utils.errors import InputError
from keras_vid.video import sample
from keras_vid.view import ASPECTS, ClipView

SAMPLES = ("dense", "segments", "super_images", "window")
VIEW_CHOICES = ("spread", "random", "twice")
ORDERS = ("forward", "reverse", "shuffle", "freeze")
WINDOW = 300  # frames of a whole video that go through the network at once: 10 seconds of Kinetics
LONGEST = 3000  # frames of a whole video that are decoded: 0.8 GB at 256 x 340


def look(recipe) -> ClipView:
    """The channels, the frame rate and the stride at which a recipe's videos are read."""
    return ClipView(channels=channels_of(recipe), fps=recipe.fps, stride=recipe.stride)


def train_indices(recipe):
    """count, rng -> frame numbers of one training clip."""
    return _indices(recipe, recipe.frames)


def _indices(recipe, frames):
    if recipe.sample == "super_images":
        segments = frames // recipe.neighbours
        return functools.partial(sample.super_images, segments=segments, frames=recipe.neighbours)
    if recipe.sample == "window":
        return functools.partial(sample.dense_window, frames=frames)
    if recipe.sample not in SAMPLES:
        raise InputError(f"--sample is {', '.join(SAMPLES)}, not {recipe.sample!r}")
    return functools.partial(getattr(sample, recipe.sample), frames=frames)


def records_choice(recipe):
    """(count, seed) -> frame numbers in graph ops, for prepared data."""
    from keras_vid.training.data import records

    frames, neighbours = recipe.frames, recipe.neighbours
    choices = {
        "dense": lambda count, seed: records.dense(count, frames, 1, seed),
        "segments": lambda count, seed: records.segments(count, frames, seed),
        "super_images": lambda count, seed: records.super_images(count, frames // neighbours, neighbours, seed),
        "window": lambda count, seed: records.window(count, frames, seed=seed),
    }
    if recipe.sample not in choices:
        raise InputError(f"--sample is {', '.join(SAMPLES)}, not {recipe.sample!r}")
    return choices[recipe.sample]


def train_transform(recipe, swap=None):
    """(clip, label, seed) -> (clip, label) with the recipe's crop, flip, colours and erased boxes.

    Args:
        swap: The label of each class in a mirror, -1 for none: keras_vid.training.data.labels.flip_swap.
    """

    @augment.as_written
    def transform(clip, label, seed):
        seeds = augment.split(seed, 4)
        clip = _train_crop(recipe, clip, seeds[0])
        if recipe.flip:
            clip, label = augment.flip(clip, label, seeds[1], swap, recipe.modality == "flow")
        if recipe.colour:
            clip = augment.colour_jitter(clip, seeds[2], recipe.colour, recipe.colour, recipe.colour)
        if recipe.erasing:
            clip = augment.erase(clip, seeds[3], recipe.erasing)
        return clip, label

    return transform


def mixes(recipe):
    """Whether the clips of a batch are mixed: labels are then shares of all classes, (B, K)."""
    return bool(recipe.mixup or recipe.cutmix)


def mixed(batches, recipe, classes, seed=0, start=0):
    """Batches (clips, labels) with the recipe's mixing of clips; where both kinds are asked for, each has every other
    batch or so. What a batch becomes depends on the seed and its number alone, `start` for the first."""
    if not mixes(recipe):
        return batches

    @augment.as_written
    def mix(number, batch):
        clips, labels = batch[0], tf.one_hot(batch[1], classes)
        seeds = augment.split(tf.stack([tf.cast(seed, tf.int64), number]), 2)
        by_mixup = recipe.mixup and (lambda: augment.mixup(clips, labels, seeds[0], recipe.mixup))
        by_cutmix = recipe.cutmix and (lambda: augment.cutmix(clips, labels, seeds[0], recipe.cutmix))
        if not (by_mixup and by_cutmix):
            return (by_mixup or by_cutmix)()
        return tf.cond(tf.random.stateless_uniform((), seeds[1]) < 0.5, by_mixup, by_cutmix)

    return batches.enumerate(start).map(mix)


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
    if recipe.view_choice not in VIEW_CHOICES:
        raise InputError(f"--view-choice is {', '.join(VIEW_CHOICES)}, not {recipe.view_choice!r}")
    if recipe.view_choice == "twice" and (recipe.sample, recipe.views) != ("segments", 2):
        raise InputError("--view-choice twice is two views of segments: the middles of the parts and their beginnings")
    choices = {"dense": sample.clips, "segments": sample.segment_views, "window": sample.dense_windows}
    if recipe.sample not in choices:
        raise InputError("super-images are tested on one view: give --test-frames for more segments")
    if recipe.view_choice == "twice":
        many = functools.partial(sample.segments_twice, frames=frames)
    else:
        many = functools.partial(choices[recipe.sample], views=recipe.views, frames=frames)
    if recipe.view_choice != "random":
        return functools.partial(_flat, many)
    if recipe.sample == "window":
        raise InputError("--view-choice random is for dense clips and for segments; windows are spread")
    return functools.partial(_flat_random, many, recipe.test_seed)


def _whole(count, rng=None, longest=None):
    """All frames, or the middle ones of a very long video; with `longest` a shorter video is looped to it, and a longer
    one gives its middle."""
    return sample.everything(count, longest or min(count, LONGEST))


def _flat(many, count, rng=None):
    return [i for view in many(count) for i in view]


def _flat_random(many, seed, count, rng=None):
    """Random clips, the same at every test with the seed."""
    return [i for view in many(count, rng=np.random.default_rng([seed, count])) for i in view]


def test_transform(recipe, order="forward", size=None):
    """(frames of all clips, label, seed) -> (views, label), views (V, T, size, size, C), crops of a clip together."""
    if order not in ORDERS:
        raise InputError(f"the order of frames is one of {', '.join(ORDERS)}, not {order!r}")
    size = size or recipe.test_size or recipe.size

    @augment.as_written
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
    """What a test used, in words: a number means nothing without it.

    >>> from keras_vid.training.recipes import recipe
    >>> protocol(recipe("stm_resnet50/ucf101"))
    '10 clips of 16 frames (segments, random) x 3 crops of 224, mean of softmax'
    """
    size = recipe.test_size or recipe.size
    if recipe.views == 0:
        cut = f"looped or cut to {recipe.test_frames}" if recipe.test_frames else f"at most the middle {LONGEST:,}"
        what = f"all frames, {cut}" + (f", in windows of {WINDOW}" if (recipe.test_frames or LONGEST) > WINDOW else "")
    else:
        chosen = recipe.sample + (f", {recipe.view_choice}" if recipe.view_choice != "spread" else "")
        what = f"{recipe.views} clip{'s' * (recipe.views > 1)} of {test_frames(recipe)} frames ({chosen})"
    what += f" x {recipe.crops} crops of {size}" if recipe.crops > 1 else f", centre crop {size}"
    what += f", at {recipe.fps:g} frames a second" if recipe.fps else ""
    what += f", every frame of {recipe.stride}" if recipe.stride > 1 else ""
    what += f", optical flow of {channels_of(recipe)} channels" if recipe.modality == "flow" else ""
    many = recipe.views * recipe.crops > 1
    return what + (f", mean of {average}" if many else "") + ("" if order == "forward" else f", frames: {order}")
