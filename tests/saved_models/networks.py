"""Small networks with weights that hide nothing, for the tests of what ships."""

import keras
from keras import layers
from random_weights import scatter, settle

import keras_vid
from keras_vid.inference.predict import random_clips

SIDE = 48  # of clips for a network that takes any

# One of each family, at the smallest clip that reaches all of its layers.
FAMILIES = {
    "s3dg": {"size": 32},
    "i3d": {"size": 32},
    "tsn_vgg16": {"frames": 2, "size": 32},
    "c2d_resnet50": {"frames": 4, "size": 32, "backbone": "resnet14"},
    "tsm_mobilenet_v2": {"frames": 2, "size": 32},
    "r2plus1d_sequential_resnet14": {"frames": 2, "size": 32},
    "r2plus1d_parallel_resnet14": {"frames": 2, "size": 32},
    "stnet_mobilenet_v2": {"frames": 10, "size": 32},
    "stm_resnet14": {"frames": 2, "size": 32},
    "sth_resnet14": {"frames": 2, "size": 32},
    "sth_mobilenet_v2": {"frames": 2, "size": 32},
}


def scattered(name, **options):
    """A network by name whose weights hide nothing; families have their own small clips."""
    model = scatter(keras_vid.create(name, **{"classes": 3, **FAMILIES.get(name, {}), **options}))
    return settle(model, random_clips(model, count=8, seed=2)[:, :, :SIDE, :SIDE])


def mean_colours(frames=4, size=48):
    """A network that answers with the mean red, green and blue of the pictures that it is shown."""
    clip = keras.Input((frames, size, size, 3), name="clip")
    return keras.Model(clip, layers.GlobalAveragePooling3D()(layers.Rescaling(0.02)(clip)), name="colours")
