"""
Does a network see time?
========================

Clips of a person walking right are clips of walking left played backwards. A network that sees the order of frames
turns its mind when a clip is reversed; TSN, which averages frames, cannot.
"""

import numpy as np
from matplotlib import pyplot as plt
from small_network import clips_of, small_network

classes = ("walking_right", "walking_left")
clips, labels = clips_of(classes, 20, seed=1)
ways = {
    "forwards": clips,
    "backwards": clips[:, ::-1],
    "one frame, frozen": np.repeat(clips[:, 4:5], clips.shape[1], axis=1),
}
accuracy = {}
for name in ("tsm_resnet14", "tsn_resnet14"):
    model = small_network(name, classes)
    guesses = {way: model.predict(shown, verbose=0).argmax(axis=1) for way, shown in ways.items()}
    accuracy[name] = [(guess == labels).mean() for guess in guesses.values()]
    print(name, dict(zip(ways, accuracy[name])))

# %%
# The command does the same to a run: ``keras-vid evaluate RUN --reverse``, ``--freeze``, ``--shuffle``.

figure, axis = plt.subplots(figsize=(6, 3))
for offset, (name, values) in zip((-0.2, 0.2), accuracy.items()):
    axis.bar(np.arange(3) + offset, values, width=0.38, label=name)
axis.axhline(0.5, color="grey", linestyle="--", linewidth=1)
axis.set_xticks(range(3), list(ways))
axis.set(ylim=(0, 1.05), ylabel="accuracy")
axis.legend()
figure.tight_layout()
