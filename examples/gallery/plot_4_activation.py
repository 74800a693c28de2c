"""
Where and when: class activation over a video
=============================================

``keras-vid explain MODEL VIDEO -o seen.gif``, in Python. Every place's share of the logit is a number: the mean of the
map and the bias are the logit.
"""

import numpy as np
from matplotlib import pyplot as plt
from small_network import small_network

from keras_vid.explain import activations
from keras_vid.video.synthetic import clip

model = small_network(classes=("red_shirt", "green_shirt"))
video, _ = clip("red_shirt", number=2, frames=8, size=32, seed=1)
(seen,) = activations(model, video, label="red_shirt")
print(f"{seen.label}: {seen.probability:.0%}")
print(f"mean of the map and bias {seen.map.mean() + seen.bias:.3f}, logit {seen.logit:.3f}")

# %%
# Red is where the class comes from.

figure, axes = plt.subplots(2, 4, figsize=(9, 4.6))
maps, bound = seen.on_frames(), np.abs(seen.map).max()
for place, (above, below) in zip((0, 2, 5, 7), axes.T):
    above.imshow(seen.clip[place])
    below.imshow(seen.clip[place].mean(axis=-1), cmap="gray")
    below.imshow(maps[place], cmap="RdBu_r", vmin=-bound, vmax=bound, alpha=0.55)
    above.set_title(f"frame {place}")
    above.axis("off")
    below.axis("off")
figure.tight_layout()
