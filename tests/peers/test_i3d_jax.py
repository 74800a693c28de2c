"""Ours against i3d_jax, a public port of DeepMind's I3D, under copied random weights (`make test-jax` installs it)."""

import pickle

import numpy as np
import pytest

jax = pytest.importorskip("jax")
i3d_jax = pytest.importorskip("i3d_jax.i3d")

from keras import ops

import keras_vid


def test_i3d_gives_the_same_logits(tmp_path):
    net = i3d_jax.InceptionI3d()
    clip = np.random.default_rng(0).integers(0, 256, (1, 17, 224, 224, 3)).astype("uint8")
    inputs = clip.astype("float32") / 127.5 - 1
    rng = np.random.default_rng(1)
    tree = jax.tree_util.tree_map(np.asarray, dict(net.init(jax.random.PRNGKey(0), inputs)))
    tree = jax.tree_util.tree_map_with_path(
        lambda path, x: rng.uniform(0.5, 1.5, x.shape).astype("float32") if path[-1].key == "var" else x, tree
    )
    path = tmp_path / "i3d.ckpt"
    path.write_bytes(pickle.dumps(tree))
    expected = np.asarray(net.apply(tree, inputs)[0])  # and the endpoints
    model = keras_vid.create("i3d", weights=str(path))
    ours = ops.convert_to_numpy(model(clip, training=False))
    assert np.abs(expected).max() > 1e-2
    np.testing.assert_allclose(ours, expected, atol=1e-4)
