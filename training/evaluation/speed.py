"""Clips a second of an input pipeline and of a training step."""

import functools
import time

import numpy as np


def open_input(args, channels=3):
    """The input that `keras-vid bench input` times: (tf.data.Dataset, number of labels, a line about it)."""
    from keras_vid.training.data import augment
    from keras_vid.training.data.load import load_dataset, prepared_data
    from keras_vid.training.data.pipeline import clips
    from keras_vid.training.data.records import dense, records, segments

    from keras_vid.video import sample
    from keras_vid.view import ClipView

    def transform(clip, label, seed):
        seeds = augment.split(seed, 2)
        clip, label = augment.flip(augment.corner_crop(clip, args.size, seeds[0]), label, seeds[1], flow=channels != 3)
        return clip, label

    short = args.size * 8 // 7
    if args.dataset == "prepared":

        def choose(count, seed):
            return dense(count, args.frames, 1, seed) if args.sample == "dense" else segments(count, args.frames, seed)

        dataset = prepared_data(args.root, args.modality)
        data = records(args.root, choose, transform, args.batch_size, channels=channels)
        return data, len(dataset.labels), f"{args.root}: {len(dataset.items):,} prepared clips"
    dataset = load_dataset(args.dataset, args.root, args.split, args.lists)
    indices = functools.partial(getattr(sample, args.sample), frames=args.frames)
    data = clips(
        dataset,
        indices,
        transform,
        args.batch_size,
        short=short,
        workers=args.workers,
        view=ClipView(channels=channels),
    )
    return data, len(dataset.labels), dataset.report()


def input_speed(data, steps, batch_size):
    """Clips a second, after the batches that wait in the prefetch buffer."""
    batches = iter(data)
    for _ in range(3):
        next(batches)
    begin = time.perf_counter()
    for _ in range(steps):
        next(batches)
    return steps * batch_size / (time.perf_counter() - begin)


def step_speed(name, classes, shape, steps, options=None):
    """Clips a second that one network trains on when the input costs nothing; `shape` is (batch, frames, side)."""
    import keras

    from keras_vid import create

    batch_size, frames, size = shape
    model = create(name, classes=classes, **(options or {}))
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    frames = model.input_shape[1] or frames
    clip = np.zeros((batch_size, frames, size, size, model.input_shape[-1]), np.uint8)
    labels = np.zeros(batch_size, np.int32)
    model.train_on_batch(clip, labels)
    begin = time.perf_counter()
    for _ in range(steps):
        model.train_on_batch(clip, labels)
    return steps * batch_size / (time.perf_counter() - begin)


def verdict(input_rate, step_rate):
    """What holds the run back: they run side by side, so the slower one.

    >>> verdict(20, 10), verdict(8, 10), verdict(10.5, 10)
    ('step', 'input', 'step, with the input close behind')
    """
    if input_rate < step_rate:
        return "input"
    return "step, with the input close behind" if input_rate < 1.2 * step_rate else "step"
