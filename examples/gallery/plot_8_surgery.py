"""
Surgery: EfficientNet sees time
===============================

Any flat Keras image network becomes a video network. Temporal shifts go in front of each expanding convolution of
EfficientNetB0, and the network then tells a clip from the same clip backwards.
"""

import keras
import numpy as np
from matplotlib import pyplot as plt

import keras_vid
from keras_vid.layers import TemporalShift, consensus
from keras_vid.surgery import insert
from keras_vid.video.synthetic import clip

keras.utils.set_random_seed(0)
video, _ = clip("walking_right", number=1, frames=4, size=64)
both = np.stack([video, video[::-1]])


def network(with_shifts):
    net = keras.applications.EfficientNetB0(weights=None, include_top=False, input_shape=(64, 64, 3), pooling="avg")
    names = [layer.name for layer in net.layers if layer.name.endswith("_expand_conv")] if with_shifts else []
    frames = insert(net, frames=4, before={name: TemporalShift(4, name=f"{name}_shift") for name in names})
    return keras.Model(frames.input, consensus(frames.output, frames=4, classes=0))


distances = {}
for name, shifted in (("EfficientNetB0 on frames", False), ("with temporal shifts", True)):
    model = network(shifted)
    forwards, backwards = model.predict(both, verbose=0)
    distances[name] = float(np.abs(forwards - backwards).max() / np.abs(forwards).max())
    print(f"{name}: {keras_vid.macs(model) / 1e9:.3f} GMACs, {model.count_params():,} parameters")

# %%
# The largest difference between the features of a clip and of its reverse: nothing without shifts. Shifts cost no
# multiply-adds and no parameters.

figure, axis = plt.subplots(figsize=(6, 2.2))
axis.barh(list(distances), list(distances.values()))
axis.set(xlabel="relative difference, forwards against backwards")
figure.tight_layout()
