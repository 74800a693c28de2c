"""What each family learns on real videos, from scratch: silhouettes of people never seen, and fights by their source.

Weizmann: ten actions of six people, trained on four and tested on two, three times, so that everyone is tested once.
Fights: fight or not, the videos of every fifth source held out. Each network is tested on the frames as they are and on
one frozen frame. Prints a Markdown table.

PYTHONPATH=. KERAS_VID_DATA=... python benchmarks/real_videos.py [-o FOLDER] [--data weizmann] [NETWORK ...]
"""

import argparse
import csv
import os
import tempfile
from pathlib import Path

import numpy as np
from keras_vid.training.evaluation.finish import finish
from keras_vid.training.evaluation.predictions import Predictions
from keras_vid.training.recipes import recipe
from keras_vid.training.run.train import Options, train
from weizmann import write_weizmann

NETWORKS = "tsn_resnet14 tsm_resnet14 stm_resnet14 sth_resnet14 stnet_resnet14 s3dg".split()


def weizmann(data, folder):
    """[(train.csv, val.csv)] for three pairs of people, after writing the silhouettes as videos."""
    rows = write_weizmann(data, folder)
    people = np.array([person for _, _, person in rows])
    for pair in range(3):
        held = np.isin(people, np.unique(people)[2 * pair : 2 * pair + 2])
        yield lists(folder, pair, [row[:2] for row in rows], held)


def fights(data, folder):
    """One split: every fifth group is held out."""
    with open(data / "fights/labels.csv", newline="") as file:
        table = list(csv.DictReader(file))
    groups = sorted({row["group"] for row in table})
    held = np.array([groups.index(row["group"]) % 5 == 4 for row in table])
    yield lists(folder, 0, [(str((data / "fights" / row["path"]).resolve()), row["label"]) for row in table], held)


def lists(folder, number, rows, held):
    names = []
    for part, chosen in (("train", ~held), ("val", held)):
        path = folder / f"{part}{number}.csv"
        with open(path, "w", newline="") as file:
            csv.writer(file).writerows([("path", "label"), *(row for row, yes in zip(rows, chosen) if yes)])
        names.append(path)
    return names


SETS = {"weizmann": (weizmann, 40), "fights": (fights, 10)}  # epochs
BATCH = 8  # more would leave many of the 40 training clips out of an epoch


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("networks", nargs="*", default=NETWORKS)
    parser.add_argument("--data", choices=SETS, action="append")
    parser.add_argument("--epochs", type=float)
    parser.add_argument("-o", "--output", type=Path, default=Path(tempfile.gettempdir()) / "real_videos")
    args = parser.parse_args()
    print("| videos | network | right | one frozen frame | test clips |", flush=True)
    print("|---|---|---|---|---|", flush=True)
    for name in args.data or SETS:
        make, epochs = SETS[name]
        folder = args.output / name
        folder.mkdir(parents=True, exist_ok=True)
        splits = list(make(Path(os.environ["KERAS_VID_DATA"]), folder))
        for network in args.networks:
            right = {"forward": [], "freeze": []}
            for number, (training, testing) in enumerate(splits):
                run = folder / f"{network}_{number}"
                if not (run / "last.keras").is_file():
                    row = recipe(
                        f"{network}/synthetic",
                        length=args.epochs or epochs,
                        batch=BATCH,
                        flip=name == "fights",
                        dropout=0.5,
                    )
                    train(row, Options(str(training), val_data=str(testing)), run)
                for order, found in right.items():
                    finish(run, order)
                    table = Predictions.load(run / f"predictions{'' if order == 'forward' else '_freeze'}.npz")
                    found += (table.scores.argmax(axis=1) == table.truth).tolist()
            shares = " | ".join(f"{np.mean(found):.0%}" for found in right.values())
            print(f"| {name} | {network} | {shares} | {len(right['forward'])} |", flush=True)


if __name__ == "__main__":
    main()
