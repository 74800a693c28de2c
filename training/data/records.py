"""Prepared data back in: TFRecords of JPEG frames to batches, in graph ops alone, so that it runs anywhere.

The graph holds no Python, so a tf.data service can run it on other machines.
"""

import tensorflow as tf
from keras_vid.training.data.augment import as_written, split
from keras_vid.training.data.pipeline import batches
from keras_vid.training.data.remote import enable, read_manifest

from keras_vid.utils.errors import InputError


def dense(count, frames, stride, seed=None):
    """Graph form of keras_vid.video.sample.dense: a random start where there is a seed, else the middle.

    >>> dense(10, 4, 1).numpy().tolist(), dense(3, 5, 1).numpy().tolist()
    ([3, 4, 5, 6], [0, 1, 2, 0, 1])
    """
    room = tf.maximum(count - ((frames - 1) * stride + 1), 0)
    start = room // 2 if seed is None else tf.random.stateless_uniform((), seed, maxval=room + 1, dtype=tf.int32)
    return (start + tf.range(frames) * stride) % count


def segments(count, frames, seed=None):
    """Graph form of keras_vid.video.sample.segments: TSN's one frame of each part.

    >>> segments(10, 4).numpy().tolist(), segments(3, 8).numpy().tolist()
    ([1, 3, 6, 8], [0, 0, 0, 1, 1, 2, 2, 2])
    """
    places = tf.range(frames)
    if seed is None:
        return (2 * places + 1) * count // (2 * frames)
    part = count // frames
    draw = tf.random.stateless_uniform((frames,), seed)
    return places * part + tf.cast(draw * tf.cast(part, tf.float32), tf.int32)


def window(count, frames, size=64, seed=None):
    """Graph form of keras_vid.video.sample.dense_window: frames spread over a window, wrapping around at the end.

    >>> window(100, 8).numpy().tolist(), window(20, 4).numpy().tolist()
    ([0, 8, 16, 24, 32, 40, 48, 56], [0, 16, 12, 8])
    """
    places = tf.maximum(count - size, 1)
    start = 0 if seed is None else tf.random.stateless_uniform((), seed, maxval=places, dtype=tf.int32)
    return (start + tf.range(frames) * max(size // frames, 1)) % count


def super_images(count, segments, frames, seed=None):
    """Graph form of keras_vid.video.sample.super_images: `frames` neighbouring ones in each part.

    >>> super_images(20, 2, 3).numpy().tolist(), super_images(3, 4, 2).numpy().tolist()
    ([3, 4, 5, 13, 14, 15], [0, 1, 1, 2, 2, 0, 0, 1])
    """
    part, places = count // segments, tf.range(segments)
    room = tf.maximum(part - frames, 0)
    if seed is None:
        inside = tf.fill((segments,), room // 2)
    else:
        inside = tf.random.stateless_uniform((segments,), seed, maxval=room + 1, dtype=tf.int32)
    starts = places * tf.maximum(part, 1) + inside
    return tf.reshape(starts[:, None] + tf.range(frames), (-1,)) % count


def records(
    folder,
    choose,
    transform,
    batch_size=8,
    *,
    training=True,
    seed=0,
    shard=(0, 1),
    start_step=0,
    buffer=1024,
    channels=3,
):
    """Batches (uint8 clips, int32 labels) of the prepared data in `folder` (a path, or s3:// gs:// hdfs://).

    Args:
        choose: (count, seed) -> frame numbers, in graph ops: `lambda count, seed: dense(count, 64, 1, seed)`. In
            testing the seed is None. Only the frames chosen are decoded.
        transform: As of keras_vid.training.data.pipeline.clips.
        shard: (number, count) of this worker.
        start_step: The first step to make: what was seen before is skipped without decoding it.
        buffer: Clips in the shuffle buffer.
        channels: Of a frame: 3 of RGB records; of flow 2 for each of the neighbouring fields that are stacked.
    """
    folder = enable(folder).rstrip("/")
    manifest = read_manifest(folder)
    if manifest["plan"].get("form") == "clips":
        raise InputError(f"{folder} holds MP4 clips, not records: give {folder}/list.csv in its place")
    names = tf.constant([f"{folder}/{file['name']}" for file in manifest["files"] if file["clips"]])
    number, count = shard
    if training:
        data = tf.data.Dataset.from_tensor_slices(names)
        data = data.shuffle(len(manifest["files"]), seed=seed, reshuffle_each_iteration=True)
        data = data.interleave(tf.data.TFRecordDataset, cycle_length=8, num_parallel_calls=4, deterministic=True)
        # repeat comes after shuffle: each epoch whole, in an order of its own
        data = data.shuffle(buffer, seed=seed, reshuffle_each_iteration=True).repeat()
        data = data.shard(count, number)
    else:
        data = tf.data.TFRecordDataset(names).shard(count, number)
    data = data.enumerate().skip(start_step * batch_size)

    def example(i, serialized):
        draw = split(tf.stack([tf.cast(seed, tf.int64), i * count + number]), 2)
        clip, label = decode(serialized, choose, draw[0] if training else None, channels)
        return transform(clip, label, draw[1])

    data = data.map(example, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    return batches(data, batch_size, training)


@as_written
def decode(serialized, choose, seed=None, channels=3):
    """(uint8 clip, int32 label) of one record; only the frames chosen are decoded."""
    context, sequences = tf.io.parse_single_sequence_example(
        serialized,
        {"clip/label/index": tf.io.FixedLenFeature((), tf.int64)},
        {"image/encoded": tf.io.FixedLenSequenceFeature((), tf.string)},
    )
    images = sequences["image/encoded"]
    if channels == 3:
        clip = _pictures(tf.gather(images, choose(tf.shape(images)[0], seed)), 3)
    else:
        clip = _stacks(images, choose, seed, channels)
    clip.set_shape((None, None, None, channels))
    return clip, tf.cast(context["clip/label/index"], tf.int32)


def _pictures(images, channels):
    return tf.map_fn(lambda image: tf.io.decode_jpeg(image, channels), images, fn_output_signature=tf.uint8)


def _stacks(images, choose, seed, channels):
    """Frames of flow as keras_vid.video.images.read_flow stacks them: frame i has the fields i, i + 1, ..., and where a
    video has too few, its last one again."""
    fields, stored = channels // 2, tf.shape(images)[0] // 2
    frames = choose(tf.maximum(stored - fields + 1, 1), seed)
    chosen = tf.minimum(tf.cast(frames, tf.int32)[:, None] + tf.range(fields), stored - 1)  # frames, fields
    places = tf.reshape(2 * chosen[..., None] + tf.range(2), (-1,))  # x before y
    planes = _pictures(tf.gather(images, places), 1)[..., 0]
    shape = tf.shape(planes)
    return tf.transpose(tf.reshape(planes, (-1, channels, shape[1], shape[2])), (0, 2, 3, 1))
