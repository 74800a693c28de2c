"""
Boxes on a video, and their frame-mAP
=====================================

Ground truth of a synthetic video, detections that are shifted by some pixels, and what frame-mAP makes of
them.
"""

import numpy as np
from keras_vid.detection.data import table
from keras_vid.detection.draw import draw
from keras_vid.detection.evaluation.frame_map import frame_map
from matplotlib import pyplot as plt

from keras_vid.video.synthetic import clip

video, boxes = clip("walking_right", number=1, frames=8, size=96)
numbers, names = np.arange(8), ["walking_right"] * 8
truth = table.make(["video"] * 8, numbers, names, boxes, classes=["walking_right"])
shifts = range(0, 16, 2)
scores = {}
for shift in shifts:
    found = table.make(["video"] * 8, numbers, names, boxes + shift, score=np.ones(8), classes=["walking_right"])
    scores[shift] = frame_map(truth, found)["map"]
print(scores)

# %%
# White: the truth; coloured: detections that are off by eight pixels.

figure, axes = plt.subplots(1, 4, figsize=(11, 3), width_ratios=[1, 1, 1, 1.6])
for place, axis in zip((0, 4, 7), axes):
    pair = np.stack([boxes[place], boxes[place] + 8])
    axis.imshow(draw(video[place], pair, ["", "walking"], [-1, 0]))
    axis.axis("off")
axes[-1].plot(shifts, list(scores.values()), marker="o")
axes[-1].set(xlabel="pixels off", ylabel="frame-mAP at IoU 0.5", ylim=(-0.05, 1.05))
figure.tight_layout()
