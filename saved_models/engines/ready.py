"""Ready files: a network with its weights as OpenVINO reads it, kept under KERAS_VID_HOME, so that the next command
needs neither to build it nor to import Keras and TensorFlow.

A ready file is of one version of this library and of one state of its source: a run whose best.keras has changed, or
weights that were fetched anew, are made ready anew, and the old file goes.
"""

import hashlib
import json
from pathlib import Path

import keras_vid
from keras_vid.models.variants import VARIANTS
from keras_vid.view import FILE as VIEW_FILE
from keras_vid.weights.fetch import home
from keras_vid.weights.table import WEIGHTS

NETWORKS = ("best.keras", "last.keras")


def path_of(source, weights=None):
    """Where the ready file of a network by name, a run folder or a `.keras` file is kept, or would be; None of what is
    not kept: networks in memory, and names without weights."""
    if not isinstance(source, (str, Path)):
        return None
    if source in VARIANTS:
        if weights is None:
            return None
        files = [] if (source, weights) in WEIGHTS else [Path(weights)]
        named = [source, weights, repr(WEIGHTS.get((source, weights)))]
    else:
        path = Path(source).resolve()
        files = [path / name for name in (*NETWORKS, VIEW_FILE)] if path.is_dir() else [path, path.parent / VIEW_FILE]
        if not any(file.suffix == ".keras" and file.is_file() for file in files):
            return None
        named = [str(path)]
    state = [keras_vid.__version__, *_stamps([*files, *_sources()])]
    stem = f"{Path(source).stem}-{_digest(named)}"
    return home() / "ready" / f"{stem}-{_digest(state)}.xml"


def write(path, model):
    """Make a Keras network ready: write the file, checked against the network, and remove those of its older states.
    Returns the path."""
    from keras_vid.saved_models.engines import openvino

    from keras_vid.view import view_of

    network = openvino.convert(model)
    equivalence = openvino.check_network(model, network)
    path.parent.mkdir(parents=True, exist_ok=True)
    openvino.write(network, path, model.name, view_of(model), precision="float32", equivalence=equivalence)
    for old in path.parent.glob(f"{path.stem.rpartition('-')[0]}-*"):
        if old.stem != path.stem:
            old.unlink(missing_ok=True)
    return path


def _sources():
    """The files of the library that decide what a network computes."""
    root = Path(keras_vid.__file__).parent
    return [path for part in ("layers", "models", "surgery", "weights") for path in sorted((root / part).rglob("*.py"))]


def _stamps(files):
    return [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in files if file.is_file()]


def _digest(value):
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:12]
