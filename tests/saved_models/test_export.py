"""What is exported answers like what was trained, in a process that does not know keras_vid."""

import subprocess
import sys

import numpy as np
import pytest
from keras import layers, ops

import keras_vid
from saved_models import export as exporting
from saved_models.export import export
from saved_models.fold import fold


def scattered(name, **options):
    """A network whose BatchNorms all do something."""
    model = keras_vid.create(name, classes=3, **options)
    rng = np.random.default_rng(0)
    for weight in model.weights:
        kind = weight.path.rsplit("/", 1)[-1]
        if kind == "moving_variance":
            weight.assign(rng.uniform(0.5, 1.5, weight.shape).astype("float32"))
        elif kind == "gamma":  # small, or residual networks grow until rounding shows
            weight.assign(rng.uniform(0.2, 0.5, weight.shape).astype("float32"))
        elif kind in ("beta", "moving_mean", "bias"):
            weight.assign(rng.normal(0, 0.1, weight.shape).astype("float32"))
    return model


def clip(model, count=1):
    _, frames, height, width, channels = model.input_shape
    shape = (count, frames or 16, height or 64, width or 64, channels)
    return np.random.default_rng(1).integers(0, 256, shape).astype("uint8")


NETWORKS = [("s3dg", {}), ("i3d", {}), ("tsm_mobilenet_v2", {"frames": 2, "size": 64})]
OTHERS = [("stm_resnet50", {"frames": 2, "size": 64}), ("sth_resnet50", {"frames": 2, "size": 64})]


@pytest.mark.parametrize("name, options", NETWORKS + [pytest.param(*row, marks=pytest.mark.slow) for row in OTHERS])
def test_folding_changes_no_answer(name, options):
    model = scattered(name, **options)
    folded = fold(model)
    count = sum(isinstance(layer, layers.BatchNormalization) for layer in folded.layers)
    assert count < sum(isinstance(layer, layers.BatchNormalization) for layer in model.layers) / 2
    answers = [ops.convert_to_numpy(net(clip(model), training=False)) for net in (model, folded)]
    np.testing.assert_allclose(answers[1], answers[0], atol=1e-4 * max(1, np.abs(answers[0]).max()))


def test_a_batchnorm_whose_convolution_is_used_twice_stays():
    import keras

    image = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 1, name="conv")(image)
    model = keras.Model(image, layers.Add()([layers.BatchNormalization(name="bn")(x), x]))
    assert fold(model).get_layer("bn")


def test_served_without_keras_vid_and_by_version(tmp_path):
    model = scattered("fast_s3d", size=32)
    path = export(model, tmp_path / "served", labels=["run", "jump", "fall"])
    assert path.name == "1" and export(model, tmp_path / "served").name == "2"
    x = clip(model, count=3)
    np.savez(tmp_path / "clip.npz", clip=x, logits=ops.convert_to_numpy(model(x, training=False)))
    code = (
        "import sys, numpy as np, tensorflow as tf\n"
        f"data = np.load({str(tmp_path / 'clip.npz')!r})\n"
        f"serve = tf.saved_model.load({str(path)!r}).signatures['serving_default']\n"
        "answer = serve(clip=tf.constant(data['clip']))\n"
        "np.testing.assert_allclose(answer['logits'], data['logits'], atol=1e-4)\n"
        "np.testing.assert_allclose(answer['scores'].numpy().sum(1), 1, atol=1e-5)\n"
        "assert answer['labels'].numpy().tolist() == [[b'run', b'jump', b'fall']] * 3\n"
        "assert 'keras_vid' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)


def test_an_export_that_answers_otherwise_is_refused_and_leaves_nothing(tmp_path, monkeypatch):
    model = scattered("fast_s3d", size=32)

    def spoilt(net):
        other = fold(net)
        other.get_layer("classifier").set_weights([w + 1 for w in other.get_layer("classifier").get_weights()])
        return other

    monkeypatch.setattr(exporting, "fold", spoilt)
    with pytest.raises(ValueError, match="it was not written"):
        export(model, tmp_path)
    assert not list(tmp_path.iterdir())


def test_labels_must_fit(tmp_path):
    with pytest.raises(ValueError, match="2 labels were given"):
        export(keras_vid.create("fast_s3d", classes=3, size=32), tmp_path, labels=["a", "b"])
