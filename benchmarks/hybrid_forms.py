"""What an STH convolution costs in each form it can be computed in, over the plain convolution that it replaces.

    python benchmarks/hybrid_forms.py [--frames 8] [--repeats 30] [--train]

Every form computes the same numbers (checked) from the same stored weights, on the four map sizes of ResNet-50 at 224
pixels. The forms take turns, and the fastest run of each counts. "net" weighs the sizes by how often ResNet-50 has
them. With --train a grouped convolution is left out: TensorFlow has no gradient for it on a CPU.

Measured on 2 busy cores of a Xeon without AMX, TensorFlow 2.20 ("net"): plain 1.00; dense, masked 1.33; dense with the
middle frame in the 3x3 1.29; dense plus grouped or per-group time 1.17; all per group 1.09. Forward and
backward (noisier): 1.30 to 1.38; 1.43 to 1.57; per-group time 1.12; all per group 1.11 to 1.17.
"""

import argparse
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf

from keras_vid.layers.frames import over_time
from keras_vid.layers.hybrid import HybridConv

SIZES = {(56, 64): 3, (28, 128): 4, (14, 256): 6, (7, 512): 3}  # (height, channels): convolutions in ResNet-50


def conv(x, kernel):
    return tf.nn.conv2d(x, kernel, 1, "SAME")


def forms(layer, frames, channels):
    """{name: function of a folded map}; weights are expanded once, outside."""
    spatial, temporal = layer.spatial_kernel.value, layer.temporal_kernel.value
    width = layer.slice
    dense, block = [], []
    for start, first, last in layer.groups():
        mine = spatial[..., first:last]
        zeros = tf.zeros((3, 3, width, last - first))
        dense.append(tf.concat([mine[:, :, :start], zeros, mine[:, :, start:]], 2))
        pads = [(0, 0), (0, 0), (start, channels - width - start), (0, 0)]
        block.append(tf.pad(temporal[..., first:last], pads))
    dense, block = tf.Variable(tf.concat(dense, 3)), tf.Variable(tf.concat(block, 3))
    plain = tf.Variable(tf.random.normal((3, 3, channels, channels)))
    slices = [tf.Variable(temporal[..., first:last]) for _, first, last in layer.groups()]
    grouped = tf.Variable(temporal)
    outer = tf.Variable(tf.concat([block[:1], block[2:]], 2)[0][None])  # the frames before and after, stacked
    centred = tf.Variable(dense + tf.pad(block[1:2], [(1, 1), (1, 1), (0, 0), (0, 0)]))

    def per_group_time(line):
        return tf.concat([conv(part, w) for part, w in zip(tf.split(line, len(slices), 3), slices)], 3)

    def neighbours(line):
        padded = tf.pad(line, [(0, 0), (1, 1), (0, 0), (0, 0)])
        return conv(tf.concat([padded[:, :-2], padded[:, 2:]], 3), outer)

    return {
        "plain 2D": lambda x: conv(x, plain),
        "dense, masked": lambda x: conv(x, dense) + over_time(lambda v: conv(v, block), x, frames),
        "dense, middle frame in 3x3": lambda x: conv(x, centred) + over_time(neighbours, x, frames),
        "dense + grouped time": lambda x: conv(x, dense) + over_time(lambda v: conv(v, grouped), x, frames),
        "dense + time per group": lambda x: conv(x, dense) + over_time(per_group_time, x, frames),
        "all per group (HybridConv)": layer,
    }


def measure(functions, x, repeats, train):
    """Seconds of each form: forward, or forward and backward."""

    def gradient(function):
        def step(x):
            with tf.GradientTape() as tape:
                tape.watch(x)
                loss = tf.reduce_sum(function(x) ** 2)
            return tape.gradient(loss, [x, *tape.watched_variables()])

        return step

    compiled = {name: tf.function(gradient(f) if train else f) for name, f in functions.items()}
    best = {}
    for _ in range(repeats + 2):  # the first two runs compile
        for name, function in compiled.items():
            start = time.perf_counter()
            function(x)
            best.setdefault(name, []).append(time.perf_counter() - start)
    return {name: min(times[2:]) for name, times in best.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=30)
    parser.add_argument("--proportion", type=float, default=1 / 4)
    parser.add_argument("--train", action="store_true", help="time forward and backward")
    args = parser.parse_args()
    total, rows = {}, {}
    for (size, channels), count in SIZES.items():
        x = tf.random.normal((args.frames, size, size, channels))
        layer = HybridConv(channels, frames=args.frames, proportion=args.proportion)
        expected = layer(x)
        functions = forms(layer, args.frames, channels)
        for name, function in functions.items():
            error = float(tf.reduce_max(tf.abs(function(x) - expected)))
            assert name == "plain 2D" or error < 1e-3, (name, error)
        if args.train:
            del functions["dense + grouped time"]
        seconds = measure(functions, x, args.repeats, args.train)
        for name, value in seconds.items():
            rows.setdefault(name, []).append(value / seconds["plain 2D"])
            total[name] = total.get(name, 0) + count * value
    print(f"{'form':28}" + "".join(f"{f'{c} x {s}px':>12}" for s, c in SIZES) + f"{'net':>8}")
    for name, ratios in rows.items():
        net = total[name] / total["plain 2D"]
        print(f"{name:28}" + "".join(f"{ratio:12.2f}" for ratio in ratios) + f"{net:8.2f}")


if __name__ == "__main__":
    main()
