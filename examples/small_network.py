"""A small network of synthetic videos, trained in seconds: what the gallery looks at."""

import tempfile
from pathlib import Path

import keras
import numpy as np

import keras_vid
from keras_vid.video.synthetic import clip
from keras_vid.view import set_view

FRAMES, SIZE = 8, 32


def clips_of(classes, count, seed):
    """(clips, class numbers): `count` drawn clips of each class."""
    rows = [(clip(label, n, FRAMES, SIZE, seed)[0], k) for k, label in enumerate(classes) for n in range(count)]
    return np.stack([row[0] for row in rows]), np.array([row[1] for row in rows])


def small_network(name="tsm_resnet14", classes=("walking_right", "walking_left"), epochs=None):
    """A trained network, kept in the temporary folder for the next one who asks."""
    path = Path(tempfile.gettempdir(), f"keras_vid_gallery_{name}_{'_'.join(classes)}.keras")
    if path.is_file():
        model = keras_vid.load_model(path)
    else:
        keras.utils.set_random_seed(0)
        model = keras_vid.create(name, classes=len(classes), frames=FRAMES, size=SIZE, dropout=0.0)
        model.compile(keras.optimizers.Adam(1e-3), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        epochs = epochs or (4 if "red_shirt" in classes else 20)  # looks are learnt sooner than the order of frames
        model.fit(*clips_of(classes, 32, seed=0), batch_size=16, epochs=epochs, verbose=0)
        model.save(path)
    set_view(model, labels=tuple(classes))
    return model
