"""One forward pass of TSM, STM and STH over one of TSN on the same ResNet-50, as ratios from one run.

    PYTHONPATH=. python benchmarks/cost_over_tsn.py [--frames 8] [--size 224] [--repeats 12] [--precision fp32 bf16]

Every network is folded as export folds it (no BatchNorm, no dropout), with its weights stored in the precision that it
computes in. Networks take turns; the median and the fastest run of each are put over TSN's.

docs/speed.md has what was measured.
"""

import argparse
import os
import statistics
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

import tensorflow as tf
from keras_vid.saved_models.fold import fold

from keras_vid import create

NETWORKS = {
    "TSN": ("tsn_resnet50", {}),
    "TSM": ("tsm_resnet50", {}),
    "STM": ("stm_resnet50", {}),
    "STM, motion alone": ("stm_resnet50", {"modules": ("cmm",)}),
    "STM, mixing alone": ("stm_resnet50", {"modules": ("cstm",)}),
    "STH": ("sth_resnet50", {"attention": False}),
    "STH with attention": ("sth_resnet50", {}),
}
PRECISIONS = {"fp32": "float32", "bf16": "bfloat16"}


def measure(functions, clip, repeats):
    """Seconds of every run of each function, in turns."""
    times = {name: [] for name in functions}
    for function in functions.values():
        function(clip)
    for _ in range(repeats):
        for name, function in functions.items():
            start = time.perf_counter()
            function(clip)
            times[name].append(time.perf_counter() - start)
    return times


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=8)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--repeats", type=int, default=12)
    parser.add_argument("--precision", nargs="*", default=list(PRECISIONS), choices=PRECISIONS)
    parser.add_argument("--networks", nargs="*", default=list(NETWORKS), choices=NETWORKS)
    args = parser.parse_args()
    tf.get_logger().setLevel("ERROR")  # it takes many functions of one line for one that is traced many times
    clip = tf.random.uniform((1, args.frames, args.size, args.size, 3), 0, 255)
    for precision in args.precision:
        functions = {}
        for name in dict.fromkeys(["TSN", *args.networks]):
            network, options = NETWORKS[name]
            model = create(network, classes=174, frames=args.frames, size=args.size, **options)
            model = fold(model, PRECISIONS[precision])
            functions[name] = tf.function(lambda x, model=model: model(x, training=False))
        times = measure(functions, clip, args.repeats)
        print(f"{precision}: {args.frames} x {args.size} x {args.size}, {args.repeats} runs, over TSN: median, fastest")
        for name, values in times.items():
            ratios = [pick(values) / pick(times["TSN"]) for pick in (statistics.median, min)]
            print(f"  {name:20} {ratios[0]:.2f}  {ratios[1]:.2f}   ({min(values):.3f} s)", flush=True)


if __name__ == "__main__":
    main()
