"""The features of each frame of each clip, in one file."""

import sys
from pathlib import Path

import keras
import numpy as np
from keras_vid.training.data.datasets import Dataset
from keras_vid.training.small.choose import Choices, load_network
from keras_vid.training.small.depths import fixed, is_map
from keras_vid.training.small.features import read_clip, view_for
from keras_vid.training.small.look import own_data

from keras_vid.inference.ahead import ahead
from keras_vid.inference.groups import groups_of
from keras_vid.layers.frames import Unfold
from keras_vid.utils.errors import InputError, MissingFile
from keras_vid.utils.files import atomic


def frame_network(network) -> keras.Model:
    """The network up to the mean over space of its last map: clips to feature sequences (B, T, C).

    The network must be made for clips of one length and size.

    >>> import keras_vid
    >>> frame_network(keras_vid.create("tsn_resnet14", classes=2, frames=4, size=64)).output_shape
    (None, 4, 1024)
    """
    maps = [layer for layer in network.layers if is_map(layer) and layer.name != "logits"]
    x = maps[-1].output
    if len(x.shape) == 5:
        x = keras.ops.mean(x, axis=(2, 3))  # B, T, C
    else:
        times = next(layer.frames for layer in reversed(network.layers) if isinstance(layer, Unfold))
        x = Unfold(times, name="times")(keras.ops.mean(x, axis=(1, 2)))
    return keras.Model(network.input, x, name=network.name)


def write_features(data, path, *, model="i3d", weights=None, frames=None, size=None, workers=None) -> tuple:
    """Read every clip of a folder or CSV file and write an .npz file; returns the shape (clips, T, C).

    The file holds `features` (clips, T, C), `paths`, `labels` and `groups`. Clips that cannot be read are named on
    standard error and left out.
    """
    dataset, test = own_data(data)
    if test:
        dataset = Dataset(dataset.name, [*dataset.items, *test.items], dataset.labels)
    network = load_network(Choices(model=model, weights=weights), frames, size)
    view = view_for(network, **{k: v for k, v in (("frames", frames), ("height", size), ("width", size)) if v})
    look = frame_network(fixed(network, view))
    items, sequences = [], []
    for item, clip in ahead(dataset.items, lambda item: read_clip(item, view), workers):
        try:
            sequences.append(look.predict_on_batch(clip()[None])[0].astype("float32"))
        except (ValueError, OSError) as error:
            print(f"left out: {item.path}: {error}", file=sys.stderr)
            continue
        items.append(item)
    if not items:
        raise InputError(f"{data}: no clip could be read")
    features = np.stack(sequences)
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    names = {"paths": [str(item.path) for item in items], "labels": [dataset.labels[item.label] for item in items]}
    with atomic(path) as part:
        np.savez(part, features=features, groups=groups_of(items).astype(str), **names)
    return features.shape


def read_features(path):
    """(features (N, T, C), names of labels, groups) of a file."""
    if not Path(path).is_file():
        raise MissingFile(f"{path}: no such file; keras-vid sequence features writes one")
    try:
        with np.load(path, allow_pickle=False) as file:
            features, labels, groups = (file[name] for name in ("features", "labels", "groups"))
    except OSError:
        raise
    except Exception as error:
        raise InputError(f"{path} is not a file of `keras-vid sequence features`: {error}") from error
    if features.ndim != 3:
        raise InputError(f"{path}: features of shape {features.shape}, and sequences are (clips, frames, channels)")
    return features, labels, groups
