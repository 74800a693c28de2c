"""Where one clip's time goes in the exported network: TensorFlow's operations beside OpenVINO's.

    PYTHONPATH=. python benchmarks/engine_profile.py --networks tsn_resnet50 sth_resnet50 stnet_resnet50

Both run the same weights, on one clip of 224 x 224, in turns. Times of operations are those of the engines' own
profilers, medians of the rounds; where both agree on the kind, the difference is what one engine does better.
"""

import argparse
import collections
import os
import statistics
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as the command line does: see keras_vid/cli.py

import numpy as np
import openvino
import tensorflow as tf
from export_cpu import NETWORKS  # the script beside this one
from keras_vid.saved_models.engines import openvino as engine
from keras_vid.saved_models.export import export
from step_profile import kind, profile

import keras_vid


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", nargs="+", default=["tsn_resnet50"], choices=NETWORKS)
    parser.add_argument("--rounds", type=int, default=7)
    args = parser.parse_args()
    for name in args.networks:
        with tempfile.TemporaryDirectory() as folder:
            _print(name, *measure(name, folder, args.rounds))


def measure(name, folder, rounds):
    """({engine: seconds of each round}, {kind: ms} of TensorFlow, the same of OpenVINO)."""
    frames = NETWORKS[name]
    clip = np.random.default_rng(0).integers(0, 256, (1, frames, 224, 224, 3), np.uint8)
    path = export(keras_vid.create(name, frames=frames, size=224), folder, openvino=True)
    loaded, tensor = tf.saved_model.load(str(path)), tf.constant(clip)
    request = Request(path / engine.FILE, clip)
    engines = {"TensorFlow": lambda: loaded.signatures["serving_default"](clip=tensor)["logits"].numpy()}
    engines["OpenVINO"] = request
    walls, kinds = {called: [] for called in engines}, collections.defaultdict(list)
    for number in range(rounds + 2):
        for called, answer in engines.items():
            began = time.perf_counter()
            answer()
            if number > 1:  # two to warm up
                walls[called].append(time.perf_counter() - began)
        for found, took in request.kinds().items():
            kinds[found].append(took)
    openvino_kinds = {found: statistics.median(rows) for found, rows in kinds.items()}
    return walls, profile(engines["TensorFlow"], rounds), openvino_kinds


class Request:
    """One inference by OpenVINO, and the times of its operations."""

    def __init__(self, file, clip):
        core = openvino.Core()
        model = core.read_model(str(file))
        model.reshape(list(clip.shape))
        hints = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY", "PERF_COUNT": True}
        self.request, self.clip = core.compile_model(model, "CPU", hints).create_infer_request(), clip

    def __call__(self):
        self.request.infer([self.clip])

    def kinds(self):
        took = collections.Counter()
        for info in self.request.profiling_info:
            took[kind(info.node_type)] += info.real_time.total_seconds() * 1e3
        return took


def _print(name, walls, tensorflow, openvino):
    print(f"\n| {name}, ms | TensorFlow, oneDNN | OpenVINO |\n|---|---|---|")
    for row in sorted({*tensorflow, *openvino}, key=lambda row: -max(tensorflow.get(row, 0), openvino.get(row, 0))):
        if max(tensorflow.get(row, 0), openvino.get(row, 0)) >= 0.5:
            print(f"| {row} | {tensorflow.get(row, 0):.1f} | {openvino.get(row, 0):.1f} |")
    totals = [f"{statistics.median(took) * 1e3:.1f}" for took in walls.values()]
    print("| **the whole clip** | " + " | ".join(totals) + " |")


if __name__ == "__main__":
    main()
