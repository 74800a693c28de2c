"""Who sees time? Train networks on the synthetic videos and test them forwards, backwards and frozen.

Six of the eight classes are pairs that hold the same frames in opposite order: without the order, half of them is what
can be had. Two classes are told by any frame. Prints a Markdown table.

PYTHONPATH=. python benchmarks/order_of_frames.py [-o FOLDER] [--epochs 15] [NETWORK ...]
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
from keras_vid.training.evaluation.finish import finish
from keras_vid.training.evaluation.predictions import Predictions
from keras_vid.training.recipes import recipe
from keras_vid.training.run.train import Options, train

from keras_vid.video import synthetic

NETWORKS = "tsn_resnet14 i2d tsm_resnet14 stm_resnet14 sth_resnet14 stnet_resnet14 s3dg".split()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("networks", nargs="*", default=NETWORKS)
    parser.add_argument("-o", "--output", type=Path, default=Path(tempfile.gettempdir()) / "order_of_frames")
    parser.add_argument("--epochs", type=float, default=15)
    parser.add_argument("--clips", type=int, default=30, help="training clips of each class")
    args = parser.parse_args()
    data = args.output / "data"
    for part, clips, seed in (("train", args.clips, 0), ("val", 10, 1)):
        if not (data / part / "labels.csv").is_file():
            synthetic.write_dataset(data / part, clips=clips, frames=16, size=64, seed=seed)
    print("| network | parameters | pairs, forwards | backwards | frozen | looks | minutes |", flush=True)
    print("|---|---|---|---|---|---|---|", flush=True)
    for name in args.networks:
        run = args.output / name
        if not (run / "last.keras").is_file():
            train(recipe(f"{name}/synthetic", length=args.epochs), Options(str(data)), run)
        print(row(name, run), flush=True)


def row(name, run):
    shares = []
    for order in ("forward", "reverse", "freeze"):
        finish(run, order)
        end = "" if order == "forward" else f"_{order}"
        table = Predictions.load(run / f"predictions{end}.npz")
        right = table.scores.argmax(axis=1) == table.truth
        paired = np.isin([table.labels[i] for i in table.truth], sum(synthetic.TEMPORAL_PAIRS, ()))
        shares.append(right[paired].mean())
        if order == "forward":
            looks = right[~paired].mean()
    import json

    from keras_vid.training.run.folder import read_log

    parameters = json.loads((run / "args.json").read_text())["parameters"]
    minutes = sum(float(line["seconds"]) for line in read_log(run / "log.csv")) / 60
    cells = [name, f"{parameters:,}", *(f"{share:.0%}" for share in [*shares, looks]), f"{minutes:.0f}"]
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    main()
