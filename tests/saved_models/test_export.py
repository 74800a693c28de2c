"""What is exported answers like what was trained, wherever TensorFlow's core runs."""

import dataclasses
import functools
import hashlib
import json
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops
from keras_vid.saved_models import export as exporting
from keras_vid.saved_models.export import export, fix_shape
from keras_vid.saved_models.fold import fold
from keras_vid.saved_models.predictor import open_predictor
from keras_vid.training.data.views import test_transform as transform_of
from keras_vid.training.recipes import recipe
from networks import FAMILIES, mean_colours, scattered
from random_weights import scatter, settle
from tensorflow.core.protobuf import saved_model_pb2

import keras_vid
from keras_vid.cli import main
from keras_vid.inference.predict import random_clips
from keras_vid.view import ASPECTS, set_view, view_of

# All of them are kernels of TensorFlow's core, which every build of TF Serving contains.
CORE_OPS = set(
    """
    Add AddV2 AvgPool BiasAdd Cast ConcatV2 Const Conv2D Conv3D DecodeImage DepthwiseConv2dNative ExpandDims Fill
    FloorDiv FloorMod GatherV2 Identity Less LessEqual LogicalAnd MatMul BatchMatMulV2 Max MaxPool Maximum Mean Min
    Minimum Mul Neg NoOp Pack Pad PadV2 PartitionedCall Placeholder Prod Range ReadVariableOp RealDiv Relu Relu6 Reshape
    Round ScaleAndTranslate ResizeBilinear Shape Sigmoid Slice Softmax Split SplitV Squeeze StatefulPartitionedCall
    StaticRegexFullMatch StridedSlice Sub Sum TensorListFromTensor TensorListGetItem TensorListReserve TensorListSetItem
    TensorListStack Tile Transpose Unpack VarHandleOp While StatelessWhile ZerosLike
    """.split()
)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A small network and its export: `(model, path)`."""
    model = scattered("fast_s3d", size=48)
    folder = tmp_path_factory.mktemp("served") / "fast"
    return model, export(model, folder, labels=["run", "jump", "fall"], features=["Mixed_4b", "Conv2d_2c_3x3"])


def logits(model, clip):
    return ops.convert_to_numpy(model(clip, training=False))


@functools.cache
def loaded(path):
    return tf.saved_model.load(str(path))


def signature(path, name="serving_default"):
    return loaded(path).signatures[name]


def graph_of(path):
    saved = saved_model_pb2.SavedModel()
    saved.ParseFromString((path / "saved_model.pb").read_bytes())
    return saved.meta_graphs[0]


def served_ops(path):
    """The operations of a SavedModel's graph and functions, but those that only save and restore it."""
    graph = graph_of(path).graph_def
    nodes = [node for f in graph.library.function if "_traced_" not in f.signature.name for node in f.node_def]
    return nodes + [node for node in graph.node if node.op not in ("SaveV2", "RestoreV2", "MergeV2Checkpoints")]


def check_size(path):
    """The graph is at most a twentieth of the weights; of a small network, 700 kB."""
    size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    weights = json.loads((path / "metadata.json").read_text())["weights_bytes"]
    assert size < weights + max(0.05 * weights, 700_000)


def check_answers_hang_on_the_clip(path):
    assert json.loads((path / "metadata.json").read_text())["equivalence"]["clips_apart"] > 0.1


def check_graph(path):
    found = {node.op for node in served_ops(path)}
    saving = {"Const", "StringJoin", "ShardedFilename", "AssignVariableOp", "Select"}
    assert found - CORE_OPS - saving == set()
    assert not any("_XlaMustCompile" in node.attr for node in served_ops(path))


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.slow) for name in FAMILIES])
def test_one_of_each_family(name, tmp_path):
    path = export(scattered(name), tmp_path / name)  # which compares its answers
    check_size(path)
    check_answers_hang_on_the_clip(path)
    check_graph(path)


@pytest.mark.zoo
@pytest.mark.parametrize("name", keras_vid.list_models())
def test_every_network_by_name(name, tmp_path):
    options = {key: value for key, value in FAMILIES.get(name, {}).items() if key != "backbone"}
    options = options or {"size": 80 if "inception_resnet" in name else 32}
    if name.startswith("stnet"):
        options = {**options, "frames": 10}
    elif "3d" not in name and "2d" not in name[:3]:
        options = {**options, "frames": 4}
    path = export(scattered(name, **options), tmp_path / name)
    check_answers_hang_on_the_clip(path)
    check_graph(path)
    print(name, json.loads((path / "metadata.json").read_text())["equivalence"])


def test_a_core_op_is_registered_and_none_is_python():
    from tensorflow.python.framework import op_def_registry

    assert all(op_def_registry.get(name) for name in CORE_OPS)
    assert not any("Py" in name or "Xla" in name for name in CORE_OPS)


def test_answers_probabilities_and_names(served):
    model, path = served
    x = random_clips(model, count=3)
    answer = signature(path)(clip=tf.constant(x))
    np.testing.assert_allclose(answer["logits"], logits(model, x), atol=1e-4)
    np.testing.assert_allclose(answer["scores"].numpy().sum(1), 1, atol=1e-5)
    assert answer["labels"].numpy().tolist() == [[b"run", b"jump", b"fall"]] * 3
    longer = random_clips(model).repeat(2, axis=1)  # frames are free
    np.testing.assert_allclose(signature(path)(clip=tf.constant(longer))["logits"], logits(model, longer), atol=1e-4)


def test_encoded_frames_are_the_middle_of_the_picture(served):
    model, path = served
    short = round(48 * 256 / 224)
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (2, 16, short, short + 21, 3)).astype("uint8")
    frames = [[tf.io.encode_png(picture).numpy() for picture in clip] for clip in pictures]
    top, left = (short - 48) // 2, (short + 21 - 48) // 2
    middle = pictures[:, :, top : top + 48, left : left + 48]
    answer = signature(path, "encoded_frames")(frames=tf.constant(frames))
    np.testing.assert_allclose(answer["logits"], logits(model, middle), atol=1e-4)


def test_encoded_frames_of_any_size_are_answered_like_predict_sees_them(served):
    model, path = served
    rows, columns, time = np.arange(120)[:, None, None], np.arange(160)[:, None], np.arange(0, 160, 10)
    waves = np.stack([np.sin((rows * [1, 0, 1] + columns * [0, 1, 1] + t) / 30) for t in time])
    pictures = (127 + 120 * waves).astype("uint8")

    def answer(pictures):
        frames = tf.constant([[tf.io.encode_png(picture).numpy() for picture in pictures]])
        return signature(path, "encoded_frames")(frames=frames)["scores"].numpy()[0]

    labelled = dict(keras_vid.predict(model, pictures, labels=["0", "1", "2"]))
    expected = [labelled[str(i)] for i in range(3)]
    np.testing.assert_allclose(answer(pictures), expected, atol=0.02)  # two ways to scale
    assert np.abs(answer(pictures[:, :, 8:]) - expected).max() > 0.05  # but four columns aside would show


@pytest.mark.parametrize("crop", ["squash", "sth"])
def test_a_run_that_changed_the_shape_of_pictures_does_so_wherever_it_answers(crop, tmp_path):
    unchanged = mean_colours()
    (tmp_path / "run").mkdir()
    unchanged.save(tmp_path / "run/best.keras")
    dataclasses.replace(view_of(unchanged), aspect=ASPECTS[crop], labels=("0", "1", "2")).save(tmp_path / "run")
    model = keras_vid.load_model(tmp_path / "run")
    pictures = np.full((4, 120, 320, 3), 40, "uint8")
    pictures[:, :, 110:210, 1] = 250  # all that is left where the sides are cropped

    learnt = transform_of(recipe("tsm_resnet14/synthetic", crop=crop, short=55, size=48, frames=4, test_frames=4))
    expected = learnt(tf.constant(pictures), 0, (0, 0))[0][0].numpy().astype(float)
    seen = view_of(model).read(pictures)
    assert np.abs(seen - expected).mean() < 1.5  # two ways to scale
    path = export(model, tmp_path / "out")
    assert (open_predictor(str(path)).read(pictures) == seen).all()
    frames = tf.constant([[tf.io.encode_png(picture).numpy() for picture in pictures]])
    answer = signature(path, "encoded_frames")(frames=frames)["logits"].numpy()
    np.testing.assert_allclose(answer, logits(model, seen[None]), atol=0.05)
    assert np.abs(answer - logits(model, view_of(unchanged).read(pictures)[None])).max() > 0.5


def test_what_is_no_picture_is_named(served):
    with pytest.raises(tf.errors.InvalidArgumentError, match="each_of_frames_must_be_a_JPEG_or_PNG_file"):
        signature(served[1], "encoded_frames")(frames=tf.constant([[b"no picture"] * 16]))


def test_features_by_name(served):
    model, path = served
    x = random_clips(model)
    maps = signature(path, "features")(clip=tf.constant(x))
    assert sorted(maps) == ["Conv2d_2c_3x3", "Mixed_4b"]
    for name, expected in zip(maps, keras_vid.features(model, list(maps))(x, training=False)):
        np.testing.assert_allclose(maps[name], expected, atol=1e-4 * np.abs(expected).max())


def test_the_folder_describes_itself(served):
    model, path = served
    facts = json.loads((path / "metadata.json").read_text())
    assert facts["view"]["labels"] == ["run", "jump", "fall"] and facts["equivalence"]["largest_error"] < 1e-4
    assert facts["signatures"]["serving_default"]["inputs"] == {"clip": ["uint8", [None, None, 48, 48, 3]]}
    assert facts["signatures"]["encoded_frames"]["inputs"] == {"frames": ["string", [None, None]]}
    for name, checksum in facts["sha256"].items():
        assert hashlib.sha256((path / name).read_bytes()).hexdigest() == checksum
    check_size(path)
    check_answers_hang_on_the_clip(path)
    check_graph(path)


def test_warmup_requests_are_answered(served, tmp_path):
    """The hand-written records are what TF Serving's own messages read, where they are installed."""
    _, path = served
    records = [r.numpy() for r in tf.data.TFRecordDataset(str(path / "assets.extra" / "tf_serving_warmup_requests"))]
    assert len(records) == 2
    logs = pytest.importorskip("tensorflow_serving.apis.prediction_log_pb2")
    for record in records:
        request = logs.PredictionLog.FromString(record).predict_log.request
        assert request.model_spec.name == "fast"
        (entry,) = request.inputs.items()
        assert tf.make_ndarray(entry[1]).shape[:2] == (1, 64)
        signature(path, request.model_spec.signature_name)(**{entry[0]: tf.constant(tf.make_ndarray(entry[1])[:, :16])})


def test_tensorflows_c_library_runs_it(served, tmp_path):
    model, path = served
    x = random_clips(model, count=2)
    np.save(tmp_path / "clip.npy", x)
    ends = graph_of(path).signature_def["serving_default"]
    names = [ends.inputs["clip"].name, ends.outputs["logits"].name]
    script = [sys.executable, Path(__file__).with_name("c_api.py"), Path(tf.__file__).parent, path]
    subprocess.run([*script, *names, tmp_path / "clip.npy", tmp_path / "logits.npy"], check=True, cwd=tmp_path)
    np.testing.assert_allclose(np.load(tmp_path / "logits.npy"), logits(model, x), atol=1e-4)


@pytest.mark.slow
def test_saved_model_cli_shows_the_signatures(served):
    tool = [sys.executable, "-m", "tensorflow.python.tools.saved_model_cli"]
    out = subprocess.run(
        [*tool, "show", "--dir", served[1], "--all"], check=True, capture_output=True, text=True
    ).stdout
    for text in ("signature_def['serving_default']", "inputs['clip']", "(-1, -1, 48, 48, 3)", "outputs['labels']"):
        assert text in out


def shallow_3d():
    """Of two layers: rounded to bfloat16, a deep one of random weights answers something else."""
    x = clip = keras.Input((4, 16, 16, 3), name="clip")
    for filters in (64, 128):
        x = keras.layers.BatchNormalization()(keras.layers.Conv3D(filters, 3, padding="same")(x))
        x = keras.layers.ReLU()(x)
    x = keras.layers.Dense(3, name="classifier", dtype="float32")(keras.layers.GlobalAveragePooling3D()(x))
    model = scatter(keras.Model(clip, x, name="shallow"))
    return settle(model, random_clips(model, count=8, seed=2))


@pytest.mark.slow
@pytest.mark.parametrize("build", [shallow_3d, lambda: scattered("tsm_resnet14", frames=2, size=32)])
def test_bfloat16_is_half_as_large_and_says_how_far_it_is(build, tmp_path):
    model = build()
    path = export(model, tmp_path / "served", precision="bfloat16")
    facts = json.loads((path / "metadata.json").read_text())
    assert 1e-4 < facts["equivalence"]["largest_error"] < 0.1
    assert facts["weights_bytes"] < 0.51 * 4 * model.count_params()
    variables = (path / "variables" / "variables.data-00000-of-00001").stat().st_size
    assert variables < 1.01 * facts["weights_bytes"]


@pytest.mark.slow
def test_trained_in_mixed_precision_from_its_run_folder(tmp_path, capsys):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = scattered("fast_s3d")
    finally:
        keras.config.set_dtype_policy("float32")
    run = tmp_path / "run"
    run.mkdir()
    model.save(run / "last.keras")
    set_view(model, labels=("run", "jump", "fall"))
    view_of(model).save(run)
    arguments = ["export", str(run), "-o", str(tmp_path / "served"), "--frames", "16", "--size", "32", "--json"]
    assert main(arguments) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["path"].endswith("1") and facts["view"]["labels"] == ["run", "jump", "fall"]
    assert facts["signatures"]["serving_default"]["inputs"]["clip"][1] == [None, 16, 32, 32, 3]


def spoilt(monkeypatch, place, change):
    def fold_and_spoil(net, precision):
        other = fold(net, precision)
        layer = [layer for layer in other.layers if layer.weights][place]
        layer.set_weights([change(weight) for weight in layer.get_weights()])
        return other

    monkeypatch.setattr(exporting, "fold", fold_and_spoil)


@pytest.mark.parametrize(
    "place, change, said",
    [
        (0, lambda w: w * 1.01, "of its largest logit away from the network"),
        (-1, lambda w: w * 1.001, "of its largest logit away from the network"),
        (-1, lambda w: w * np.nan, "nan of its largest logit away"),
    ],
)
def test_a_wrong_export_is_refused_and_leaves_nothing(place, change, said, tmp_path, monkeypatch):
    spoilt(monkeypatch, place, change)
    with pytest.raises(ValueError, match=said):
        export(shallow_3d(), tmp_path)
    assert not list(tmp_path.iterdir())


def test_what_does_not_fit_is_said(tmp_path):
    model = keras_vid.create("fast_s3d", classes=3, size=32)
    with pytest.raises(ValueError, match="2 labels were given"):
        export(model, tmp_path, labels=["a", "b"])
    with pytest.raises(ValueError, match="'int4' is none of float32, bfloat16"):
        export(model, tmp_path, precision="int4")
    with pytest.raises(ValueError, match="no layer 'Mixed_9z'"):
        export(model, tmp_path, features=["Mixed_9z"])
    with pytest.raises(ValueError, match="takes clips of 32 rows, not of 64"):
        fix_shape(model, size=64)
    assert fix_shape(model) is model


def test_versions_count_up(tmp_path):
    assert export(mean_colours(), tmp_path).name == "1"
    (tmp_path / "7").mkdir()
    assert export(mean_colours(), tmp_path).name == "8"
