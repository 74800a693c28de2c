"""Ours against i3d_jax, a public port of DeepMind's I3D, under copied random weights (`make test-jax` installs it)."""

import pickle

import numpy as np
import pytest

jax = pytest.importorskip("jax")
i3d_jax = pytest.importorskip("i3d_jax.i3d")

import keras_vid


def test_i3d_gives_the_same_logits(tmp_path):
    net = i3d_jax.InceptionI3d()
    clip = np.random.default_rng(0).integers(0, 256, (1, 17, 224, 224, 3)).astype("uint8")
    inputs = clip.astype("float32") / 127.5 - 1
    rng = np.random.default_rng(1)
    shapes = jax.eval_shape(net.init, jax.random.PRNGKey(0), inputs)
    tree = jax.tree_util.tree_map_with_path(lambda where, leaf: random(rng, where[-1].key, leaf.shape), dict(shapes))
    path = tmp_path / "i3d.ckpt"
    path.write_bytes(pickle.dumps(tree))
    expected = np.asarray(jax.jit(net.apply)(tree, inputs)[0])  # and the endpoints
    model = keras_vid.create("i3d", weights=str(path))
    ours = model.predict(clip, verbose=0)
    assert np.abs(expected).max() > 1e-2
    np.testing.assert_allclose(ours, expected, atol=1e-4)


def random(rng, kind, shape):
    """Values under which the signal neither dies nor explodes, and no layer is a no-op."""
    if kind == "kernel":
        value = rng.normal(0, (2 / np.prod(shape[:-1])) ** 0.5, shape)
    else:
        value = rng.uniform(0.5, 1.5, shape) if kind == "var" else rng.normal(0, 0.1, shape)
    return value.astype("float32")
