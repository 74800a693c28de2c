"""A saved network in a fresh process, loaded by plain Keras after `import keras_vid`."""

import subprocess
import sys

import pytest

import keras_vid

PROGRAM = """
import {0}
import {1}
model = keras.saving.load_model("{2}")
print(model.name, sorted({{type(layer).__module__.split(".")[0] for layer in model.layers}}))
"""


@pytest.mark.slow
@pytest.mark.parametrize("order", [("keras_vid", "keras"), ("keras", "keras_vid")], ids="-".join)
def test_plain_keras_loads_our_networks(order, tmp_path):
    path = tmp_path / "best.keras"
    keras_vid.create("sth_resnet14", classes=3, frames=2, size=32).save(path)
    done = subprocess.run([sys.executable, "-c", PROGRAM.format(*order, path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-500:]
    assert done.stdout.split()[-3:] == ["sth_resnet14", "['keras',", "'keras_vid']"]


def test_importing_keras_vid_imports_no_keras():
    code = "import sys, keras_vid; sys.exit('keras' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_other_libraries_words_are_explained():
    for options, line in (
        ({"num_classes": 10}, "STM has no option 'num_classes': use classes="),
        ({"include_top": False}, "STM has no option 'include_top': use classes=0"),
        ({"fusoin": "sum"}, "STM has no option 'fusoin': use fusion="),
        ({"foo": 1}, "STM has no option 'foo': the options are classes, frames, .*fusion"),
    ):
        with pytest.raises(ValueError, match=line):
            keras_vid.create("stm_resnet14", **options)
    with pytest.raises(ValueError, match="no option 'num_classes': use classes="):
        keras_vid.create("s3d", num_classes=10)
