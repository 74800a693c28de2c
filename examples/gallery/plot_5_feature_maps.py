"""
What the stages of a network see
================================

``keras_vid.features`` returns a network's maps by the paper's names. Here: the mean of the channels, stage by stage.
"""

from matplotlib import pyplot as plt
from small_network import small_network

import keras_vid
from keras_vid.video.synthetic import clip

model = small_network(classes=("walking_right", "walking_left"))
video, _ = clip("walking_right", number=1, frames=8, size=32, seed=1)
names = ["conv2", "conv3", "conv4"]
maps = keras_vid.features(model, names).predict(video[None], verbose=0)
print({name: values.shape for name, values in zip(names, maps)})

# %%
# Frames are folded into the batch, so a map is ``(B*T, H, W, C)``.

figure, axes = plt.subplots(4, 4, figsize=(7, 7))
for column, place in zip(axes.T, (0, 2, 5, 7)):
    column[0].imshow(video[place])
    column[0].set_title(f"frame {place}")
    for axis, name, values in zip(column[1:], names, maps):
        axis.imshow(values[place].mean(axis=-1), cmap="viridis")
        axis.set_xlabel(name)
    for axis in column:
        axis.set(xticks=[], yticks=[])
figure.tight_layout()
