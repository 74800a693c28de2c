"""
Accuracy against multiply-adds
==============================

The Kinetics-400 networks of the table of weights: what their sources report, against the multiply-adds of one clip,
which are counted here. Protocols differ (clips, crops, frames), so points that lie close are a tie.
"""

from matplotlib import pyplot as plt

import keras_vid
from keras_vid.weights import WEIGHTS

shown = [
    ("i3d", "kinetics400"),
    ("s3d", "kinetics400"),
    ("tsn_resnet50", "kinetics400"),
    ("tsm_resnet50", "kinetics400"),
]
points = []
for network, weights in shown:
    row = WEIGHTS[network, weights]
    points.append((network, keras_vid.macs(keras_vid.create(network)) / 1e9, row.accuracy))
    print(f"{network:14} {points[-1][1]:7.2f} GMACs a clip, top-1 {row.accuracy} ({row.protocol})")

# %%
# I3D and S3D see 64 frames in a clip, TSN and TSM eight.

figure, axis = plt.subplots(figsize=(6, 3.4))
for name, cost, accuracy in points:
    axis.scatter(cost, accuracy)
    axis.annotate(name, (cost, accuracy), xytext=(5, 4), textcoords="offset points")
axis.set(xlabel="GMACs a clip", ylabel="reported top-1 (%)", xlim=(20, 135), ylim=(66, 76))
figure.tight_layout()
