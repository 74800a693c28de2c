"""
Recognise what happens
======================

A network, a video, the most probable labels. With weights from the table it is
``keras_vid.create("i3d", weights="kinetics400")``; here it is a small one that knows two.
"""

from matplotlib import pyplot as plt
from small_network import small_network

import keras_vid
from keras_vid.video.synthetic import clip

classes = ("red_shirt", "green_shirt")
model = small_network(classes=classes)
video, _ = clip("green_shirt", number=3, frames=8, size=32, seed=1)
found = keras_vid.predict(model, video, top=2)
print(found)

# %%
# The clip, and what the network says of it.

figure, axes = plt.subplots(1, 5, figsize=(10, 2.4), width_ratios=[1, 1, 1, 1, 2])
for place, axis in zip((0, 2, 5, 7), axes):
    axis.imshow(video[place])
    axis.axis("off")
axes[-1].barh([label for label, _ in found][::-1], [score for _, score in found][::-1])
axes[-1].set(xlim=(0, 1), xlabel="probability")
figure.tight_layout()
