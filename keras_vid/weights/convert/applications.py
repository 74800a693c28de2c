"""Weight files of keras.applications, put into the video networks that are made of its image networks."""

from pathlib import Path

from keras_vid.backbones import image_net
from keras_vid.backbones.bridges import BACKBONES, CAFFE, resnet
from keras_vid.utils.errors import InputError, MissingFile
from keras_vid.weights.convert.resnet import fit_stem


def assign(model, path, backbone):
    """Load an image network's `.h5` file without its classifier, and give the video network every weight by name.

    Args:
        backbone: The image network that the video network is made of.

    What only video has (temporal convolutions, modelling blocks, the classifier) keeps its start.
    """
    if not Path(path).is_file():
        raise MissingFile(f"{path} does not exist")
    if backbone is None or BACKBONES[backbone][0] is resnet:
        raise InputError(f"{path}: {model.name} is made of no keras.applications network: give a .pth or .safetensors")
    net = image_net(backbone)
    try:
        net.load_weights(path)
    except Exception as error:
        reason = str(error).strip().splitlines()[0]
        raise InputError(f"{path} is not {backbone} without its classifier (`notop`): {reason}") from error
    if BACKBONES[backbone][1] is CAFFE:  # trained on blue, green, red
        stem = next(layer for layer in net.layers if layer.weights)
        kernel, bias = stem.get_weights()
        stem.set_weights([kernel[:, :, ::-1], bias])
    carry(net, model)


def carry(net, model):
    """Every weight of an image network into the video network made of it; its first layer may see other channels."""
    twins = {layer.name.removesuffix("_hybrid"): layer for layer in model.layers if layer.weights}
    for layer in net.layers:
        arrays = layer.get_weights()
        twin = twins.get(layer.name)
        if arrays and hasattr(twin, "adopt"):
            twin.adopt(*arrays)
        elif arrays:
            twin.set_weights([fit_stem(array, tuple(weight.shape)) for array, weight in zip(arrays, twin.weights)])
