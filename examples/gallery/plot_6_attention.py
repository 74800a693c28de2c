"""
Time against image: STH's attention
===================================

Each hybrid convolution of STH weighs what comes from time against what comes from the frame. ``keras-vid figure
attention`` draws it for networks and videos of yours.
"""

from matplotlib import pyplot as plt
from small_network import clips_of, small_network

from keras_vid.explain.figures.attention import attention

classes = ("walking_right", "walking_left")
network = small_network("sth_resnet14", classes, epochs=8)
rows = attention([("STH", network, clips_of(classes, 4, seed=1)[0])])

# %%
# Shares by layer of a network that was trained for seconds; time and image add up to 2.

figure, axis = plt.subplots(figsize=(6, 3))
axis.plot([row[1] for row in rows], [row[3] for row in rows], marker="o", label="time")
axis.plot([row[1] for row in rows], [row[4] for row in rows], marker="o", label="image")
axis.axhline(1, color="grey", linestyle="--", linewidth=1)
axis.set(xlabel="layer", ylabel="share of 2")
axis.legend()
figure.tight_layout()
