"""
What happens when in a long video
=================================

Windows slide over a video, and each moment gets a label. ``keras-vid timeline VIDEO -o OUT.mp4`` writes subtitles,
tables or a labelled copy; memory does not grow with the video.
"""

import numpy as np
from matplotlib import pyplot as plt
from small_network import small_network

import keras_vid
from keras_vid.video.synthetic import clip

model = small_network(classes=("red_shirt", "green_shirt"))
order = ["red_shirt", "green_shirt", "red_shirt", "green_shirt"]
video = np.concatenate([clip(label, number, 50, 32, seed=1)[0] for number, label in enumerate(order)])
segments = list(keras_vid.timeline(model, video, window=8))
for part in segments:
    print(f"{part.start:5.2f} to {part.end:5.2f} s  {part.label}  {part.score:.0%}")

# %%
# Found (above) and true (below), over eight seconds.

figure, axis = plt.subplots(figsize=(8, 1.8))
colours = {"red_shirt": "tab:red", "green_shirt": "tab:green"}
axis.broken_barh([(p.start, p.end - p.start) for p in segments], (1, 0.8), color=[colours[p.label] for p in segments])
axis.broken_barh([(2 * k, 2) for k in range(4)], (0, 0.8), color=[colours[label] for label in order])
axis.set(yticks=[0.4, 1.4], yticklabels=["true", "found"], xlabel="seconds")
figure.tight_layout()
