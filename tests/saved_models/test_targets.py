"""Other engines answer like the network; what is missing is said."""

import sys

import pytest
from keras_vid.saved_models.targets import to_litert, to_onnx
from networks import scattered

# what their converters warn of themselves
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


def small(name):
    return scattered(name, **{"size": 32} if name == "fast_s3d" else {})


@pytest.mark.slow
@pytest.mark.parametrize("name", ["fast_s3d", "sth_mobilenet_v2"])
def test_onnx(name, tmp_path):
    pytest.importorskip("tf2onnx")
    assert to_onnx(small(name), tmp_path / "a" / "net.onnx") < 1e-4


@pytest.mark.slow
@pytest.mark.parametrize("name", ["fast_s3d", "tsm_mobilenet_v2"])
def test_litert(name, tmp_path):
    pytest.importorskip("ai_edge_litert")
    assert to_litert(small(name), tmp_path / "net.tflite") < 1e-4


@pytest.mark.slow
def test_litert_in_a_third_of_the_size(tmp_path):
    pytest.importorskip("ai_edge_litert")
    model = scattered("tsn_resnet14", frames=2, size=32)
    assert 1e-4 < to_litert(model, tmp_path / "net.tflite", int8=True) < 0.1
    assert (tmp_path / "net.tflite").stat().st_size < 0.33 * 4 * model.count_params()


@pytest.mark.parametrize(
    "write, module, extra", [(to_onnx, "tf2onnx", "onnx"), (to_litert, "ai_edge_litert", "litert")]
)
def test_what_is_missing_is_said(write, module, extra, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setitem(sys.modules, f"{module}.interpreter", None)
    with pytest.raises(ImportError, match=rf"keras_vid\[{extra}\]"):
        write(None, tmp_path / "file")
