"""Where the time of a training step goes, and what two replicas cost.

    PYTHONPATH=. python benchmarks/step_profile.py [--networks s3d tsm_resnet50] [--precision float32] [--steps 5]

The first table comes from TensorFlow's profiler: seconds of processor time of the operations of a step, added up by
kind. The second is one step on the same clips as a whole on one device, and as two halves on two logical devices of the
same two cores (MirroredStrategy), in turns: what is slower there is splitting, adding up gradients, and working on
smaller batches. BatchNorm's statistics are those of the halves.
"""

import argparse
import collections
import os
import statistics
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

import keras
import numpy as np
import tensorflow as tf
from keras_vid.training.run import distribution as strategies
from keras_vid.training.run.batch_norm import fuse_batch_norm
from keras_vid.training.run.optimizer import SGD
from keras_vid.training.run.trainer import Trainer
from step_time import CASES  # the script beside this one

import keras_vid

KINDS = {  # an operation's kind is the first whose words its name holds
    "convolution": ("conv",),
    "BatchNorm": ("batchnorm",),
    "optimizer": ("resourceapply", "assignvariable", "assignadd", "assignsub"),
    "ReLU": ("relu",),
    "pooling": ("pool",),
    "matrix product": ("matmul",),
    "padding, shifting, joining": ("pad", "concat", "slice", "split", "transpose", "pack", "gather"),
    "reduction": ("sum", "mean", "max", "l2loss"),
    "element by element": ("add", "mul", "sub", "div", "cast", "select", "rsqrt", "square", "sqrt", "fused"),
}
AROUND = ("Process", "Run")  # what the operations run in


def kind(operation):
    name = operation.lower()
    return next((kind for kind, words in KINDS.items() if any(word in name for word in words)), "other")


def profile(step, steps):
    """{kind: milliseconds of a step} from the profiler's trace."""
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    with tempfile.TemporaryDirectory() as folder:
        with tf.profiler.experimental.Profile(folder):
            for _ in range(steps):
                step()
        path = next(Path(folder).rglob("*.xplane.pb"))
        space = xplane_pb2.XSpace.FromString(path.read_bytes())
    took = collections.Counter()
    for plane in space.planes:
        names = {number: entry.name for number, entry in plane.event_metadata.items()}
        for line in plane.lines:
            for event in line.events:
                _, colon, operation = names[event.metadata_id].rpartition(":")
                if colon and operation.isidentifier() and operation not in AROUND:
                    took[kind(operation)] += event.duration_ps / 1e9 / steps
    return took


def stepper(name, precision, strategy):
    clips, frames, side = CASES[name]
    keras.config.set_dtype_policy("mixed_bfloat16" if precision == "bfloat16" else "float32")
    clip = np.random.default_rng(0).integers(0, 256, (clips, frames, side, side, 3), np.uint8)
    with strategy.scope():
        net = keras_vid.create(name, classes=400, size=side, frames=None if name == "s3d" else frames)
        fuse_batch_norm(net)
        shapes = keras.KerasTensor((1, frames, side, side, 3), "uint8"), keras.KerasTensor((1,), "int32")
        model = Trainer(net, shapes)
        model.compile(SGD(0.01, 1e-4, 0.9), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    data = tf.data.Dataset.from_tensors((clip, np.arange(clips, dtype=np.int32))).unbatch().repeat()
    parts = strategy.num_replicas_in_sync
    data = data.batch(clips // parts)
    if parts > 1:
        data = strategy.distribute_datasets_from_function(lambda context: data)
    batches = iter(data)
    model._maybe_symbolic_build()
    model.make_train_function()
    for _ in range(2):
        model.train_function(batches)
    return lambda: model.train_function(batches)["loss"].numpy()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", nargs="+", default=list(CASES), choices=CASES)
    parser.add_argument("--precision", default="float32", choices=("float32", "bfloat16"))
    parser.add_argument("--steps", type=int, default=5)
    args = parser.parse_args()
    two = strategies.choose("mirrored", 2)
    for name in args.networks:
        one_step = stepper(name, args.precision, tf.distribute.OneDeviceStrategy("CPU:0"))
        two_steps = stepper(name, args.precision, two)
        took = profile(one_step, args.steps)
        total = sum(took.values())
        print(f"\n| {name}, {args.precision} | ms of processor time a step | share |\n|---|---|---|")
        for row, milliseconds in took.most_common():
            print(f"| {row} | {milliseconds:.0f} | {milliseconds / total:.0%} |")
        times = {"one device": [], "two replicas": []}
        for _ in range(args.steps):
            for row, step in zip(times, (one_step, two_steps)):
                begin = time.perf_counter()
                step()
                times[row].append(time.perf_counter() - begin)
        whole, halves = (statistics.median(row) for row in times.values())
        print(f"\n{name}: a step {whole:.3f} s on one device, {halves:.3f} s on two ({halves / whole:.2f} times)")


if __name__ == "__main__":
    main()
