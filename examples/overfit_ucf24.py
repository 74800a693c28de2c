"""Seven real videos of UCF101-24, learnt by heart: even frames train, odd frames test, from Kinetics I3D weights.

    KERAS_VID_DATA=... python examples/overfit_ucf24.py FOLDER

$KERAS_VID_DATA/ucf24 holds the videos and annotations.json. The folder gets `train.csv`, `test.csv` and the run.
"""

import json
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # several times faster where TensorFlow leaves it off

from keras_vid.detection.data import box_files, boxes, table
from keras_vid.detection.data.inputs import Clips
from keras_vid.detection.evaluation.frame_map import frame_map
from keras_vid.detection.predict import detect_set
from keras_vid.detection.recipes import recipe
from keras_vid.detection.train import train
from keras_vid.training.run.train import Options

WIDE, HIGH = 340 / 320, 256 / 240  # the videos are larger than the pictures that were annotated


def main(folder):
    data = Path(os.environ["KERAS_VID_DATA"])
    rows = annotated(data / "ucf24" / "annotations.json")
    paths = {row[0]: str(data / row[0]) for row in rows}
    halves = []
    for part, rest in (("train", 0), ("test", 1)):
        video, frame, label, box = zip(*(row for row in rows if row[1] % 2 == rest))
        half = table.make(video, frame, label, box, classes=sorted({row[2] for row in rows}))
        Path(folder).mkdir(parents=True, exist_ok=True)
        box_files.write_boxes(half, Path(folder) / f"{part}.csv")
        halves.append(half)
        print(f"{part}: {len(half)} boxes")
    detector = train(recipe("small"), (halves[0], paths), Path(folder) / "run", options=Options(resume=True))
    clips = Clips(paths, detector.settings)
    found = detect_set(detector, halves[1], clips)
    box_files.write_boxes(found, Path(folder) / "detections.npz")
    result = frame_map(halves[1], found)
    for name, ap in result["ap"].items():
        print(f"{name:16} {ap:.4f}")
    print(f"{'frame-mAP@0.5':16} {result['map']:.4f}")


def annotated(path):
    """(video, frame, label, box in the video's own pixels) of every box of the seven videos."""
    rows = []
    for about in json.loads(path.read_text()).values():
        if not about["path"].startswith("ucf24/"):
            continue
        for tube in about["tubes"]:
            corners = boxes.from_xywh(tube["boxes_xywh_320x240"]) * [WIDE, HIGH, WIDE, HIGH]
            frames = range(tube["start_frame"], tube["end_frame"])
            rows += [(about["path"], frame, about["label"], box) for frame, box in zip(frames, corners)]
    return rows


if __name__ == "__main__":
    main(sys.argv[1])
