"""One forward pass of STM and STH over one of TSN on the same ResNet-50, as ratios from one run.

    python benchmarks/cost_over_tsn.py [--frames 8] [--size 224] [--repeats 8]

BatchNorm is left out of all networks, as folding it into the convolutions would leave them (the numbers are then wrong,
the time is right; the biases that folding adds are not there). Networks take turns; the fastest run of each counts.

Measured with --size 160 --repeats 3 on 2 busy cores of a Xeon without AMX, TensorFlow 2.20, fp32: TSN 1.00; STM 1.06;
motion alone 1.04; mixing alone 0.98; STH 1.05; STH with attention 1.10. Other work ran meanwhile: read no third digit.
"""

import argparse
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import tensorflow as tf

from keras_vid.models.sth import STH
from keras_vid.models.stm import STM

NETWORKS = {
    "TSN": lambda **shape: STM(174, stages=(), **shape),
    "STM": lambda **shape: STM(174, **shape),
    "STM, motion alone": lambda **shape: STM(174, modules=("cmm",), **shape),
    "STM, mixing alone": lambda **shape: STM(174, modules=("cstm",), **shape),
    "STH": lambda **shape: STH(174, attention=False, **shape),
    "STH with attention": lambda **shape: STH(174, **shape),
}


def without_batch_norm(model):
    """A copy of a network that passes over its BatchNorms."""

    def call(layer, *args, **kwargs):
        return args[0] if isinstance(layer, keras.layers.BatchNormalization) else layer(*args, **kwargs)

    return keras.models.clone_model(model, call_function=call, clone_function=lambda x: x.from_config(x.get_config()))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=8)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--repeats", type=int, default=8)
    args = parser.parse_args()
    clip = tf.random.uniform((1, args.frames, args.size, args.size, 3), 0, 255)
    functions = {}
    for name, build in NETWORKS.items():
        model = without_batch_norm(build(frames=args.frames, size=args.size))
        functions[name] = tf.function(lambda x, model=model: model(x, training=False))
        functions[name](clip)
    times = {name: [] for name in functions}
    for _ in range(args.repeats):
        for name, function in functions.items():
            start = time.perf_counter()
            function(clip)
            times[name].append(time.perf_counter() - start)
    for name, values in times.items():
        print(f"{name:20} {min(values) / min(times['TSN']):.2f}   ({min(values):.3f} s)")


if __name__ == "__main__":
    main()
