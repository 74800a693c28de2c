"""
A classifier of a folder of videos
==================================

``keras-vid train --data FOLDER``, in Python: features of a frozen network are read once, a small classifier is fitted,
and folds over the sources say how good it is.
"""

import tempfile

from keras_vid.training import fit_folder
from matplotlib import pyplot as plt

from keras_vid.video.synthetic import write_dataset

folder = tempfile.mkdtemp()
write_dataset(folder, clips=10, frames=12, size=64, classes=("red_shirt", "green_shirt", "walking_left"))
result = fit_folder(folder, model="tsm_resnet14", weights="none", frames=4, size=64, say=lambda line: None)
print(result.text())

# %%
# Each stage with its 95 % interval. The network has random weights, so that nothing is downloaded: with trained ones
# the features are better.

rows = result.table
top1 = [row["top1"] for row in rows]
below, above = [row["top1"] - row["low"] for row in rows], [row["high"] - row["top1"] for row in rows]
figure, axis = plt.subplots(figsize=(5, 3))
axis.errorbar([row["stage"] for row in rows], top1, [below, above], fmt="o", capsize=4)
axis.axhline(1 / 3, color="grey", linestyle="--", label="chance")
axis.set(ylim=(0, 1.05), ylabel="accuracy in folds")
axis.legend()
figure.tight_layout()
