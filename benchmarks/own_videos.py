"""Small data by folds over sources, several seeds from one pass over the videos; and the time of that pass by others.

    python benchmarks/own_videos.py fights.csv --frames 64 --size 224            seeds 0, 1 and 2
    python benchmarks/own_videos.py fights.csv --compare --clips 40              against OpenCV + torchvision + sklearn

The comparison reads the same clips twice: `features_of` into an empty folder, and torchvision's S3D with random weights
on frames that OpenCV decodes, one clip at a time, then scikit-learn. It needs `torch`, `torchvision` and `cv2`.
"""

import argparse
import dataclasses
import json
import os
import tempfile
import time

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as the command line does: see keras_vid/cli.py


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--group-by")
    parser.add_argument("--frames", type=int)
    parser.add_argument("--size", type=int)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--stages", default="probe")
    parser.add_argument("--mirrored", action=argparse.BooleanOptionalAction)
    parser.add_argument("--control", action="store_true")
    parser.add_argument("--compare", action="store_true", help="time one pass against torchvision and OpenCV")
    parser.add_argument("--clips", type=int, default=40, help="of --compare")
    args = parser.parse_args()
    if args.compare:
        print(json.dumps(compare(args)))
        return
    for row in seeds(args):
        print(json.dumps(row), flush=True)


def seeds(args):
    """A row a stage: the mean over seeds, the mean of the intervals' ends, and the reported number."""
    from keras_vid.training import fit_folder

    results = []
    for seed in range(args.seeds):
        choices = {"frames": args.frames, "size": args.size, "mirrored": args.mirrored, "control": args.control}
        choices |= {"stages": tuple(args.stages.split(",")), "folds": args.folds}
        results.append(fit_folder(args.data, group_by=args.group_by, seed=seed, **choices))
    for rows in zip(*(result.table for result in results)):
        mean = {key: round(float(np.mean([row[key] for row in rows])), 4) for key in ("top1", "low", "high")}
        yield {"stage": rows[0]["stage"], **mean, "each": [round(row["top1"], 4) for row in rows]}
    reported = [result.numbers for result in results]
    low, high = np.mean([row["top1_interval"] for row in reported], axis=0).round(4).tolist()
    mean = {"top1": round(float(np.mean([row["top1"] for row in reported])), 4), "low": low, "high": high}
    yield {"stage": "reported", **mean, "seconds": [round(result.seconds, 1) for result in results]}


def compare(args):
    """Seconds of both for the same clips, frames and size, with what was learned from the features included."""
    from keras_vid.training.small.choose import Choices, load_network
    from keras_vid.training.small.features import Reading, features_of, view_for
    from keras_vid.training.small.look import own_data
    from keras_vid.training.small.probe import fit_probe

    from keras_vid.inference.groups import groups_of

    frames, size = args.frames or 48, args.size or 160
    dataset, _ = own_data(args.data, args.group_by)
    dataset.items = dataset.items[:: max(len(dataset.items) // args.clips, 1)][: args.clips]
    network = load_network(Choices(model="s3d", weights="none"), frames, size)
    start = time.monotonic()
    view = dataclasses.replace(view_for(network), frames=frames)
    found = features_of(dataset, network, Reading(view), folder=tempfile.mkdtemp())
    items = [dataset.items[place] for place in found.places]
    fit_probe(found.vectors, [item.label for item in items], groups_of(items), len(dataset.labels))
    ours = time.monotonic() - start
    return {"clips": len(items), "ours": round(ours, 1), "others": round(usual(dataset.items, frames, size), 1)}


def usual(items, frames, size):
    """What one would write instead: OpenCV, torchvision's S3D, scikit-learn."""
    import cv2
    import torch
    import torchvision
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    start = time.monotonic()
    network = torchvision.models.video.s3d(weights=None).eval()
    network.classifier = torch.nn.Identity()
    rows = []
    for item in items:
        video, pictures = cv2.VideoCapture(item.path), []
        while (read := video.read())[0]:
            pictures.append(cv2.resize(read[1], (size, size))[:, :, ::-1])
        first = max(len(pictures) - frames, 0) // 2
        pictures = [pictures[(first + i) % len(pictures)] for i in range(frames)]
        clip = torch.from_numpy(np.stack(pictures).transpose(3, 0, 1, 2).copy()).float()[None] / 127.5 - 1
        with torch.inference_mode():
            rows.append(network(clip).flatten().numpy())
    make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=1000)).fit(rows, [i.label for i in items])
    return time.monotonic() - start


if __name__ == "__main__":
    main()
