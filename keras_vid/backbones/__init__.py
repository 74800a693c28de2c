"""Image networks, the ground that the 2D family is built on."""

from keras_vid.backbones.bridges import BACKBONES, image_net, pixels

__all__ = ["BACKBONES", "image_net", "pixels"]
