"""Augmentation of one clip, in TensorFlow graph ops: uint8 in, uint8 out, one draw for all frames.

A clip is (T, H, W, C). Every random function takes a `seed`, two integers, and returns the same for the same seed:
that makes an input pipeline reproducible and resumable. `split(seed, n)` makes several seeds of one.
"""

import tensorflow as tf

TSN_SCALES = (1.0, 0.875, 0.75, 0.66)
# For functions of graph ops alone: TensorFlow does not rewrite their source, which takes the better part of a second.
as_written = tf.autograph.experimental.do_not_convert


def split(seed, count):
    """`count` independent seeds out of one.

    >>> split([1, 2], 3).shape
    TensorShape([3, 2])
    """
    return tf.random.split(tf.cast(seed, tf.int32), count)


def resize(clip, height, width):
    """Bilinear with anti-aliasing where it shrinks; still uint8."""
    out = tf.image.resize(clip, (height, width), antialias=True)
    return tf.cast(tf.clip_by_value(tf.round(out), 0, 255), tf.uint8)


def resize_short(clip, short):
    """The short side becomes `short`, the aspect ratio stays.

    >>> resize_short(tf.zeros((2, 48, 64, 3), tf.uint8), 24).shape
    TensorShape([2, 24, 32, 3])
    """
    sides = tf.cast(tf.shape(clip)[1:3], tf.float32)
    sides = tf.cast(tf.round(sides * (short / tf.reduce_min(sides))), tf.int32)
    return resize(clip, sides[0], sides[1])


def crop(clip, top, left, height, width):
    return clip[:, top : top + height, left : left + width]


def _at_least(clip, size):
    """A clip with a side below `size` grows until it fits."""
    short = tf.reduce_min(tf.shape(clip)[1:3])
    return tf.cond(short < size, lambda: resize_short(clip, size), lambda: clip)


def random_crop(clip, size, seed):
    """A square of `size` pixels at one random place."""
    clip = _at_least(clip, size)
    room = tf.shape(clip)[1:3] - size
    position = tf.random.stateless_uniform((2,), seed)
    top, left = tf.unstack(tf.cast(position * tf.cast(room + 1, tf.float32), tf.int32))
    return _fixed(crop(clip, top, left, size, size), size)


def centre_crop(clip, size):
    """The square of `size` pixels in the middle.

    >>> centre_crop(tf.zeros((2, 48, 64, 3), tf.uint8), 32).shape
    TensorShape([2, 32, 32, 3])
    """
    clip = _at_least(clip, size)
    room = (tf.shape(clip)[1:3] - size) // 2
    return _fixed(crop(clip, room[0], room[1], size, size), size)


def three_crops(clip, size):
    """Squares at both ends and in the middle of the long side, (3, T, size, size, C): testing with three views.

    The short side is brought to `size` first, so that the three cover the picture.

    >>> three_crops(tf.zeros((2, 48, 64, 3), tf.uint8), 48).shape
    TensorShape([3, 2, 48, 48, 3])
    """
    clip = resize_short(clip, size)
    room = tf.shape(clip)[1:3] - size
    return tf.stack([_fixed(crop(clip, room[0] * i // 2, room[1] * i // 2, size, size), size) for i in range(3)])


def corner_crop(clip, size, seed, scales=TSN_SCALES, distort=1):
    """TSN's crop: sides are two of `scales` of the short side, at most `distort` steps apart; the place is a corner,
    the centre or one of eight places between; the result is resized to `size`.

    https://arxiv.org/abs/1608.00859
    """
    clip = tf.convert_to_tensor(clip)
    pairs = [(a, b) for i, a in enumerate(scales) for j, b in enumerate(scales) if abs(i - j) <= distort]
    first, second = tf.unstack(split(seed, 2))
    sides = tf.shape(clip)[1:3]
    short = tf.cast(tf.reduce_min(sides), tf.float32)
    chosen = tf.random.stateless_uniform((), first, maxval=len(pairs), dtype=tf.int32)
    height, width = tf.unstack(tf.cast(short * tf.gather(tf.constant(pairs), chosen), tf.int32))
    # In quarters of the free room: five corners and centre, then the other places of TSN's code.
    corners = [(0, 0), (0, 4), (4, 0), (4, 4), (2, 2), (2, 0), (2, 4), (4, 2), (0, 2), (1, 1), (1, 3), (3, 1), (3, 3)]
    corner = tf.gather(corners, tf.random.stateless_uniform((), second, maxval=len(corners), dtype=tf.int32))
    top, left = tf.unstack((sides - tf.stack([height, width])) * corner // 4)
    return _fixed(resize(crop(clip, top, left, height, width), size, size), size)


def sth_crop(clip, size, seed, base=(256, 340)):
    """STH's crop: every picture becomes 256 x 340 whatever its shape, then a corner crop, resized to `size`.

    https://arxiv.org/abs/2003.08042, 4.2
    """
    return corner_crop(resize(clip, *base), size, seed)


def flip(clip, label, seed, swap=None, flow=False):
    """Mirror the clip left to right, or not, at even odds: (clip, label).

    Args:
        swap: What a mirrored label becomes. None: labels stay. A list with the new number of each class, -1 for
            classes that have no mirror image and are never flipped. keras_vid.training.data.labels.flip_swap makes it.
        flow: Whether the clip is stored flow, x in every other channel: in a mirror x is 255 - x.

    >>> clip = tf.constant([[[[100, 7], [200, 9]]]], tf.uint8)  # two pixels
    >>> sorted({tuple(flip(clip, 0, [seed, 0], flow=True)[0].numpy().ravel().tolist()) for seed in range(20)})
    [(55, 9, 155, 7), (100, 7, 200, 9)]
    """
    label = tf.convert_to_tensor(label)
    yes = tf.random.stateless_uniform((), seed) < 0.5
    mirrored = label
    if swap is not None:
        mirrored = tf.gather(tf.constant(swap, label.dtype), label)
        yes = yes & (mirrored >= 0)
    mirror = tf.reverse(clip, [2])
    if flow:
        is_x = tf.range(tf.shape(clip)[-1]) % 2 == 0
        mirror = tf.where(is_x, 255 - mirror, mirror)
    return tf.where(yes, mirror, clip), tf.where(yes, mirrored, label)


def colour_jitter(clip, seed, brightness=0.2, contrast=0.2, saturation=0.2):
    """Brightness, contrast and saturation each multiplied by 1 plus or minus up to so much."""
    amounts = tf.constant([brightness, contrast, saturation], tf.float32)
    draw = tf.random.stateless_uniform((3,), seed, minval=-1.0)
    light, contrasted, coloured = tf.unstack(1 + draw * amounts)
    x = tf.cast(clip, tf.float32) * light
    grey = tf.reduce_sum(x * [0.299, 0.587, 0.114], axis=-1, keepdims=True)
    x = grey + (x - grey) * coloured
    mean = tf.reduce_mean(grey)
    x = mean + (x - mean) * contrasted
    return tf.cast(tf.clip_by_value(tf.round(x), 0, 255), tf.uint8)


def erase(clip, seed, share=0.25, low=0.02, high=0.3):
    """In a `share` of the clips a box of `low` to `high` of the picture becomes grey, the same in all frames.

    https://arxiv.org/abs/1708.04896

    >>> erased = erase(tf.zeros((2, 40, 40, 3), tf.uint8), [1, 2], share=1.0)
    >>> bool(tf.reduce_any(erased == 127)), bool(tf.reduce_all(erased[0] == erased[1]))
    (True, True)
    """
    draw = tf.random.stateless_uniform((5,), seed)
    sides = tf.cast(tf.shape(clip)[1:3], tf.float32)
    area = (low + (high - low) * draw[1]) * sides[0] * sides[1]
    ratio = tf.exp((2 * draw[2] - 1) * tf.math.log(3.0))
    box = tf.minimum(tf.sqrt(area * tf.stack([ratio, 1 / ratio])), sides)
    first = (sides - box) * draw[3:5]
    rows, columns = (tf.range(sides[i]) for i in (0, 1))
    inside = ((rows >= first[0]) & (rows < first[0] + box[0]))[:, None]
    inside &= (columns >= first[1]) & (columns < first[1] + box[1])
    return tf.where(inside[None, :, :, None] & (draw[0] < share), tf.constant(127, clip.dtype), clip)


def mixup(clips, labels, seed, alpha=0.2):
    """Each clip of a batch, blended with its neighbour: (uint8 clips, blended one-hot labels). One draw a batch."""
    keep = _beta(seed, alpha)
    x = tf.cast(clips, tf.float32)
    x = keep * x + (1 - keep) * tf.roll(x, 1, axis=0)
    return tf.cast(tf.round(x), tf.uint8), keep * labels + (1 - keep) * tf.roll(labels, 1, axis=0)


def cutmix(clips, labels, seed, alpha=1.0):
    """A box of each clip, through all frames, comes from its neighbour; labels one-hot. One draw a batch."""
    first, second = tf.unstack(split(seed, 2))
    sides = tf.cast(tf.shape(clips)[2:4], tf.float32)
    box = sides * tf.sqrt(1 - _beta(first, alpha))
    centre = sides * tf.random.stateless_uniform((2,), second)
    low = tf.cast(tf.maximum(centre - box / 2, 0), tf.int32)
    high = tf.cast(tf.minimum(centre + box / 2, sides), tf.int32)
    rows, columns = (tf.range(tf.shape(clips)[2 + i]) for i in (0, 1))
    inside = ((rows >= low[0]) & (rows < high[0]))[:, None] & ((columns >= low[1]) & (columns < high[1]))
    keep = 1 - tf.reduce_mean(tf.cast(inside, tf.float32))
    clips = tf.where(inside[None, None, :, :, None], tf.roll(clips, 1, axis=0), clips)
    return clips, keep * labels + (1 - keep) * tf.roll(labels, 1, axis=0)


def _beta(seed, alpha):
    a, b = tf.unstack(tf.random.stateless_gamma((2,), seed, alpha))
    return tf.math.divide_no_nan(a, a + b)


def _fixed(clip, size):
    """Tell the graph the height and width, which slicing lost."""
    return tf.ensure_shape(clip, (clip.shape[0], size, size, clip.shape[-1]))
