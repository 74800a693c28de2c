"""The Weizmann silhouettes as videos: 63 files and weizmann.csv (path, label and, as group, the person).

python benchmarks/weizmann.py $KERAS_VID_DATA weizmann
"""

import csv
import sys
from pathlib import Path

import numpy as np

from keras_vid.video import write


def write_weizmann(data, folder):
    """[(file, action, person)], after writing what is not there yet."""
    with np.load(Path(data) / "weizmann/silhouettes.npz") as file:
        packed, lengths = file["frames"], file["lengths"]
        actions, people = file["actions"][file["label"]], file["subjects"][file["subject"]]
    folder.mkdir(parents=True, exist_ok=True)
    for i, end in enumerate(np.cumsum(lengths)):
        path = folder / f"{i:03d}.mp4"
        if not path.is_file():
            masks = np.unpackbits(packed[end - lengths[i] : end], axis=-1)[..., :180] * np.uint8(255)
            write(path, np.repeat(masks[..., None], 3, axis=-1))
    rows = [(f"{i:03d}.mp4", str(action), str(person)) for i, (action, person) in enumerate(zip(actions, people))]
    with open(folder / "weizmann.csv", "w", newline="") as file:
        csv.writer(file).writerows([("path", "label", "group"), *rows])
    return rows


if __name__ == "__main__":
    write_weizmann(sys.argv[1], Path(sys.argv[2]))
