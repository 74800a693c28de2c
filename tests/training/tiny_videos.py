"""Videos of a moment and a network of two convolutions, for tests of what is learned from one's own videos."""

import csv

import keras
import numpy as np
from keras import layers

from keras_vid.video import write


def write_clips(folder, labels, frames=6, seed=0):
    """One video each: dark ones for the first label in the alphabet, brighter ones for the others."""
    rng = np.random.default_rng(seed)
    order = sorted(set(labels))
    for number, label in enumerate(labels):
        (folder / label).mkdir(parents=True, exist_ok=True)
        level = 60 + 120 * order.index(label)
        pictures = np.clip(rng.normal(level, 25, (frames, 32, 40, 3)), 0, 255).astype("uint8")
        write(folder / label / f"{number:02d}.mp4", pictures, 10)
    return folder


def write_table(path, rows, columns):
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([columns, *rows])
    return path


def tiny_network(path, classes=3):
    keras.utils.set_random_seed(0)
    clip = keras.Input((4, 24, 24, 3), name="clip")
    x = layers.Rescaling(1 / 255)(clip)
    x = layers.Conv3D(8, 3, (1, 2, 2), "same", activation="relu", name="low")(x)
    x = layers.Conv3D(8, 3, (1, 2, 2), "same", use_bias=False, name="middle")(x)
    x = layers.BatchNormalization(name="norm")(x)
    x = layers.ReLU(name="high")(x)
    x = layers.GlobalAveragePooling3D()(x)
    keras.Model(clip, layers.Dense(classes, name="logits")(x), name="tiny").save(path)
    return str(path)
