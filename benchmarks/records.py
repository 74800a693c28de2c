"""Prepared data to clips: keras_vid's graph decoder, the Model Garden's, and what more processes bring.

    PYTHONPATH=. python benchmarks/records.py [--clips 48] [--repeats 5] [--processes 1 2]

Real JPEG records are made of synthetic videos (240 x 240, as `keras-vid prepare` writes them). Each reader takes a
centre crop of 16 frames of 224 x 224; readers take turns. The Model Garden's decoder is used where tf-models-official
is installed. Then the same shards are read by several processes at once, each its share.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf
from keras_vid.training.data import augment
from keras_vid.training.data.load import load_dataset
from keras_vid.training.data.prepare import prepare
from keras_vid.training.data.records import dense, records

from keras_vid.video import synthetic

FRAMES, SIZE = 16, 224


def ours(folder, shard=(0, 1)):
    """Decodes the frames chosen, and no other."""

    def transform(clip, label, seed):
        return augment.centre_crop(clip, SIZE), label

    return records(folder, lambda n, seed: dense(n, FRAMES, 1, seed), transform, 8, training=False, shard=shard)


def garden(folder):
    """The Model Garden's video decoder and its processing, in a pipeline as parallel as ours."""
    from official.vision.dataloaders import video_input

    decoder = video_input.Decoder()

    def clip(record):
        decoded = decoder.decode(record)
        frames = video_input.process_image(
            decoded["image/encoded"], False, num_frames=FRAMES, stride=1, min_resize=240, crop_size=SIZE
        )
        return frames, decoded["clip/label/index"]

    data = tf.data.TFRecordDataset(sorted(str(path) for path in Path(folder).glob("*.tfrecord")))
    return data.map(clip, num_parallel_calls=tf.data.AUTOTUNE).batch(8).prefetch(2)


def seconds(data):
    """Of one pass over all clips."""
    start = time.perf_counter()
    for _ in data:
        pass
    return time.perf_counter() - start


def readers():
    yield "keras_vid", ours
    try:
        import official.vision.dataloaders.video_input  # noqa: F401
    except ImportError as error:
        print(f"Model Garden: not run ({str(error).splitlines()[0]})")
        return
    yield "Model Garden", garden


def share(folder, number, count, passes):
    """A process of several: its share of the clips, as often as asked, after one pass to warm up."""
    data = ours(folder, (number, count))
    seconds(data)
    print("ready", flush=True)
    sys.stdin.readline()
    for _ in range(passes):
        seconds(data)


def together(folder, count, passes):
    """Seconds that `count` processes need for all clips, `passes` times, once all of them are ready."""
    command = [sys.executable, __file__, "--folder", folder, "--passes", str(passes)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    processes = [subprocess.Popen([*command, "--share", str(i), str(count)], **pipes) for i in range(count)]
    for process in processes:
        process.stdout.readline()
    start = time.perf_counter()
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        process.wait()
    return time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, default=48)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--processes", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    parser.add_argument("--passes", type=int, default=3, help=argparse.SUPPRESS)
    parser.add_argument("--share", type=int, nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.share:
        return share(args.folder, *args.share, args.passes)
    with tempfile.TemporaryDirectory() as scratch:
        kinds = synthetic.CLASSES[:4]
        videos, folder = Path(scratch) / "in", f"{scratch}/out"
        synthetic.write_dataset(videos, clips=-(-args.clips // len(kinds)), frames=48, size=240, classes=kinds)
        manifest = prepare(load_dataset("folder", videos), folder, short=240, shards=8, workers=1)
        print(f"{manifest['clips']} clips of {manifest['frames']} frames, {manifest['bytes'] / 1e6:.1f} MB")
        pipelines = {name: make(folder) for name, make in readers()}
        times = {name: [] for name in pipelines}
        for _ in range(args.repeats + 1):  # the first turn warms up
            for name, data in pipelines.items():
                times[name].append(seconds(data))
        for name, values in times.items():
            print(f"{name}: {manifest['clips'] / statistics.median(values[1:]):.1f} clips/s")
        for count in args.processes:
            rate = args.passes * manifest["clips"] / together(folder, count, args.passes)
            print(f"{count} processes: {rate:.1f} clips/s", flush=True)


if __name__ == "__main__":
    main()
