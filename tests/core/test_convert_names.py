"""Literal tensors of published layouts, by names typed in by hand: each value lands where the layer reads it."""

import pickle
import sys
import types
import zipfile

import numpy as np
import pytest

import keras_vid
from keras_vid.weights.convert import assign, layout_options, read_tensors
from keras_vid.weights.convert.inception import LAYOUTS, locate

NORM = {"weight": 2.0, "bias": 3.0, "running_mean": 5.0, "running_var": 7.0}
LAYOUT_NAMES = {  # how each source calls torchvision's conv1, its norm, a shifted convolution, a shortcut and the head
    "torchvision": {},
    "mit": {"layer1.0.conv1.weight": "layer1.0.conv1.net.weight"},
    "openmmlab": {
        "conv1.weight": "conv1.conv.weight",
        "bn1.": "conv1.bn.",
        "layer1.0.conv1.weight": "layer1.0.conv1.conv.net.weight",
        "layer1.0.bn2.": "layer1.0.conv2.bn.",
        "layer1.0.downsample.0.weight": "layer1.0.downsample.conv.weight",
        "layer1.0.downsample.1.": "layer1.0.downsample.bn.",
        "new_fc.": "cls_head.fc_cls.",
    },
}
PREFIX = {"torchvision": "", "mit": "module.base_model.", "openmmlab": "backbone."}


def renamed(name, layout):
    """A torchvision name of a ResNet-50 as MIT or OpenMMLab write it, rule by rule."""
    parts = name.split(".")
    if layout == "openmmlab":
        if parts[0] == "new_fc":
            return f"cls_head.fc_cls.{parts[1]}"
        norm = next((i for i, part in enumerate(parts) if part.startswith("bn")), None)
        conv = next((i for i, part in enumerate(parts) if part.startswith("conv")), None)
        if norm is not None:
            parts[norm : norm + 1] = [f"conv{parts[norm][2:]}", "bn"]
        elif conv is not None:
            parts.insert(conv + 1, "conv")
        elif "downsample" in parts:
            parts[-2] = "conv" if parts[-2] == "0" else "bn"
    shifted = name.startswith("layer") and ".conv1." in name and layout != "torchvision"
    if shifted:
        parts.insert(-1, "net")
    if layout == "mit" and parts[0] == "new_fc":
        return f"module.{'.'.join(parts)}"
    return PREFIX[layout] + ".".join(parts)


def resnet50():
    """Tensors of a ResNet-50 with three classes in torchvision's names and axis order; norms as in NORM."""
    tensors = {"new_fc.weight": np.zeros((3, 2048)), "new_fc.bias": np.array([1, 2, 3.0])}
    shapes = {"conv1": (64, 3, 7, 7)}
    width = 64
    for stage, blocks in enumerate((3, 4, 6, 3), 1):
        inner = 64 * 2 ** (stage - 1)
        for block in range(blocks):
            path = f"layer{stage}.{block}"
            shapes |= {f"{path}.conv1": (inner, width, 1, 1), f"{path}.conv2": (inner, inner, 3, 3)}
            shapes |= {f"{path}.conv3": (4 * inner, inner, 1, 1)}
            if block == 0:
                shapes[f"{path}.downsample.0"] = (4 * inner, width, 1, 1)
            width = 4 * inner
    for path, shape in shapes.items():
        value = np.zeros(shape, "float32")
        value[0, -1, -1, 0] = 11  # output 0, the last input, the last row, the first column
        tensors[f"{path}.weight"] = value
        norm = path.replace("conv", "bn") if "conv" in path else path.replace("downsample.0", "downsample.1")
        tensors |= {f"{norm}.{end}": np.full(shape[0], number, "float32") for end, number in NORM.items()}
    return tensors


@pytest.mark.parametrize("layout", ["torchvision", "mit", "openmmlab"])
def test_every_tensor_of_a_resnet_has_its_meaning(layout):
    tensors = {renamed(name, layout): value for name, value in resnet50().items()}
    for plain, named in LAYOUT_NAMES[layout].items():  # the rules above against names copied from the sources
        ends = [""] if not plain.endswith(".") else list(NORM) if "bn" in plain or "1." in plain[-3:] else ["bias"]
        assert all((PREFIX[layout] if "cls" not in named else "") + named + end in tensors for end in ends)
    model = keras_vid.create("tsm_resnet50", classes=3, frames=2, size=32)
    assert layout_options("torch resnet", tensors) == {"classes": 3}
    count, left = assign(model, tensors)
    assert (count, left) == (len(tensors), [])
    for name in ("conv1_bn", "conv2_block1_0_bn", "conv3_block2_1_bn", "conv4_block6_2_bn", "conv5_block3_3_bn"):
        norm = model.get_layer(name)
        found = [norm.gamma, norm.beta, norm.moving_mean, norm.moving_variance]
        assert [float(np.asarray(weight)[0]) for weight in found] == list(NORM.values()), name
    for name in ("conv1_conv", "conv2_block1_2_conv", "conv5_block1_0_conv"):
        kernel = np.asarray(model.get_layer(name).kernel)
        assert kernel[-1, 0, -1, 0] == 11 and np.count_nonzero(kernel) == 1
    assert np.asarray(model.get_layer("classifier").bias).tolist() == [1, 2, 3]


def test_torchvisions_s3d_norms_have_their_meaning():
    """Names as torchvision writes them, for one norm of each kind."""
    model = keras_vid.create("s3d", classes=3, style="torch")
    _, place, _ = LAYOUTS["torchvision"]
    tensors, meaning = {}, {"weight": 2.0, "bias": 3.0, "running_mean": 5.0, "running_var": 7.0}
    for weight in model.weights:
        if "seed" not in weight.path:
            name = place({}, *locate(weight.path))
            shape = weight.shape
            if len(shape) == 5 or name == "classifier.1.weight":
                shape = (*shape[::-1], 1, 1, 1)[:2] + ((1, 1, 1) if len(shape) != 5 else tuple(weight.shape[:3]))
                tensors[name] = np.zeros(shape, "float32")
            else:
                tensors[name] = np.full(shape, meaning[name.rsplit(".", 1)[1]], "float32")
    for name in ("features.0.0.1.weight", "features.0.1.1.running_var", "features.5.branch1.1.1.1.bias"):
        assert name in tensors
    assign(model, tensors)
    for layer in (
        "Conv2d_1a_7x7_spatial_bn",
        "Conv2d_1a_7x7_temporal_bn",
        "Mixed_3b_Branch_1_Conv2d_0b_3x3_temporal_bn",
    ):
        norm = model.get_layer(layer)
        found = [norm.gamma, norm.beta, norm.moving_mean, norm.moving_variance]
        assert [float(np.asarray(weight)[0]) for weight in found] == [2, 3, 5, 7]


class _State:
    """Pickles as an object of a class of `mmengine`, with a state, as OpenMMLab's files hold in `meta`."""

    def __init__(self):
        self.items = [1, 2]


def test_configuration_beside_the_weights_is_skipped_and_nothing_is_imported(tmp_path, monkeypatch):
    """A file in PyTorch's zip format with `meta` of a class that would run code when imported."""
    module = types.ModuleType("mmengine_of_this_test")
    _State.__module__, _State.__qualname__ = module.__name__, "HistoryBuffer"
    module.HistoryBuffer = _State
    monkeypatch.setitem(sys.modules, module.__name__, module)
    meta = pickle.dumps({"meta": _State(), "note": 1}, 2)
    monkeypatch.delitem(sys.modules, module.__name__)
    with zipfile.ZipFile(tmp_path / "x.pth", "w") as archive:
        archive.writestr("x/data.pkl", meta)
    with pytest.raises(ValueError, match="x.pth holds no tensors"):  # read to its end, and nothing of a weight in it
        read_tensors(tmp_path / "x.pth")
    assert module.__name__ not in sys.modules


def test_files_that_hold_something_else_are_named(tmp_path):
    with zipfile.ZipFile(tmp_path / "empty.pth", "w") as archive:
        archive.writestr("x/other", b"")
    with zipfile.ZipFile(tmp_path / "list.pth", "w") as archive:
        archive.writestr("x/data.pkl", pickle.dumps([1, 2], 2))
    with pytest.raises(ValueError, match="empty.pth.*holds no data.pkl"):
        read_tensors(tmp_path / "empty.pth")
    with pytest.raises(ValueError, match="list.pth holds a list"):
        read_tensors(tmp_path / "list.pth")
