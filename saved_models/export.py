"""A trained network as a SavedModel for TF Serving, checked against the network that it was made of."""

import contextlib
import dataclasses
import hashlib
import json
import shutil
from pathlib import Path

import keras
import tensorflow as tf
from keras_vid.saved_models import check, signatures, warmup
from keras_vid.saved_models.fold import fold
from keras_vid.saved_models.forms import faster
from keras_vid.saved_models.layout import METADATA

import keras_vid
from keras_vid.utils.errors import InputError
from keras_vid.utils.files import room_for
from keras_vid.utils.late import never_drawn, no_garbage_collection
from keras_vid.utils.locks import held
from keras_vid.view import set_view, view_of

PRECISIONS = ("float32", "bfloat16", "int8")


def export(
    model, folder, labels=None, precision="float32", features=(), openvino=False, calibration=None, any_processor=False
):
    """Write the network's next version under `folder`, and return the version's path.

    Args:
        model: A trained functional network of clips; `fix_shape` fixes what it leaves open.
        folder: The model's folder, as TF Serving wants it: `folder/1`, `folder/2`, ...
        labels: Names of the classes; by default those that came with the weights, or `class 0`, ...
        precision: "float32" or "bfloat16", of the weights and of what is computed with them; "int8" is of the OpenVINO
            file, and leaves the SavedModel in float32.
        features: Names of endpoints that the signature `features` returns; without any there is no such signature.
        openvino: Write the network for OpenVINO, too (`model.xml` and `model.bin` in the same folder).
        calibration: For int8, what `keras_vid.saved_models.engines.clips.read_clips` returns.
        any_processor: int8 for processors without VNNI, too: as if this one had none.

    >>> import keras_vid, tempfile
    >>> path = export(keras_vid.create("fast_s3d", classes=2, size=32), tempfile.mkdtemp(), labels=["run", "jump"])
    >>> sorted(tf.saved_model.load(str(path)).signatures)
    ['encoded_frames', 'serving_default', 'view']
    """
    if precision not in PRECISIONS:
        raise InputError(f"precision {precision!r} is none of {', '.join(PRECISIONS)}")
    if precision == "int8" and not calibration:
        raise InputError("int8 wants clips to calibrate with (--calibrate DATA)")
    if openvino and precision == "bfloat16":
        raise InputError(
            "the OpenVINO file is written in float32 or int8: leave --precision bfloat16 or --openvino out"
        )
    names = tuple(view_of(model).names(model.output_shape[-1], labels, model.name))
    model.view = dataclasses.replace(view_of(model), labels=names)
    with next_version(folder) as (target, partial):
        _write_version(model, partial, "float32" if precision == "int8" else precision, features, target.parent.name)
        if openvino or precision == "int8":
            _add_openvino(model, partial, calibration if precision == "int8" else None, any_processor)
    return target


@contextlib.contextmanager
def next_version(folder):
    """Yield the path of a model's next version, `folder/N`, and one to write to, which takes that name at the end."""
    folder = Path(folder)
    with held(folder):
        version = 1 + max((int(path.name) for path in folder.iterdir() if path.name.isdigit()), default=0)
        target, partial = folder / str(version), folder / f".{version}.part"
        shutil.rmtree(partial, ignore_errors=True)
        try:
            with room_for(target):
                yield target, partial
                partial.rename(target)
        finally:
            shutil.rmtree(partial, ignore_errors=True)


@no_garbage_collection()
def _write_version(model, path, precision, features, name):
    view = view_of(model)
    net = faster(fold(_with_features(model, features), precision))
    functions = _write(net, view, features, path)
    serve = tf.saved_model.load(str(path)).signatures["serving_default"]
    equivalence = check.check(model, lambda clips: serve(clip=tf.constant(clips))["logits"], precision)
    warmup.write(path, name, functions)
    facts = {"precision": precision, "equivalence": equivalence, "view": dataclasses.asdict(view)}
    _describe(path, net, functions, facts)


def _add_openvino(model, path, calibration, any_processor):
    """The OpenVINO file beside a SavedModel, and what metadata.json says of it."""
    from keras_vid.saved_models.engines import calibrate, openvino

    network = openvino.convert(model)
    facts = {"precision": "float32", "equivalence": openvino.check_network(model, network)}
    if calibration:
        network, quantization = calibrate.quantize(network, calibration, model.name, any_processor)
        facts = {**facts, "precision": "int8", "quantization": quantization}
    openvino.write(network, path / openvino.FILE, model.name, view_of(model), **facts)
    about = path / METADATA
    metadata = json.loads(about.read_text(encoding="utf-8"))
    metadata["openvino"] = facts
    metadata["sha256"] |= _checksums(path, [path / openvino.FILE, (path / openvino.FILE).with_suffix(".bin")])
    about.write_text(json.dumps(metadata, indent=1) + "\n", encoding="utf-8")


def fix_shape(model, frames=None, size=None):
    """The network for clips of a fixed length and side; what it already fixes can only be confirmed.

    >>> fix_shape(keras_vid.create("fast_s3d", classes=2), frames=16, size=64).input_shape
    (None, 16, 64, 64, 3)
    """
    shape = list(model.input_shape)
    height, width = size if isinstance(size, (tuple, list)) else (size, size)
    for axis, asked, what in ((1, frames, "frames"), (2, height, "rows"), (3, width, "columns")):
        if asked is not None and shape[axis] not in (None, asked):
            raise InputError(f"{model.name} takes clips of {shape[axis]} {what}, not of {asked}")
        shape[axis] = asked or shape[axis]
    if tuple(shape) == tuple(model.input_shape):
        return model
    with never_drawn():
        fixed = keras.models.clone_model(model, input_tensors=keras.Input(shape[1:], name="clip"))
    fixed.set_weights(model.get_weights())
    set_view(fixed, **{name: getattr(view_of(model), name) for name in ("labels", "aspect", "fps", "stride")})
    return fixed


def _with_features(model, features):
    if not features:
        return model
    maps = keras_vid.features(model, list(features)).outputs
    return keras.Model(model.input, [model.output, *maps], name=model.name)


def _write(net, view, features, path):
    module, functions = signatures.build(net, view, features)
    tf.saved_model.save(module, str(path), functions)
    return functions


def _describe(path, net, functions, facts):
    """metadata.json: what this SavedModel is, what it was checked for, and the SHA-256 of its files."""
    files = sorted(file for file in path.rglob("*") if file.is_file())
    description = {
        "network": net.name,
        "keras_vid": keras_vid.__version__,
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        **facts,
        "weights_bytes": sum(weight.value.dtype.size * weight.shape.num_elements() for weight in net.variables),
        "signatures": {name: _shapes(function) for name, function in functions.items()},
        "sha256": _checksums(path, files),
    }
    (path / METADATA).write_text(json.dumps(description, indent=1) + "\n", encoding="utf-8")


def _checksums(path, files):
    return {str(file.relative_to(path)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def _shapes(function):
    inputs = function.structured_input_signature[0]
    return {
        "inputs": {spec.name: [spec.dtype.name, spec.shape.as_list()] for spec in inputs},
        "outputs": {name: [x.dtype.name, x.shape.as_list()] for name, x in function.structured_outputs.items()},
    }
