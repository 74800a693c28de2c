"""Feature gates by hand: what their mean is taken over, and where they stand."""

import numpy as np
import pytest
from keras import ops

import keras_vid
from keras_vid.layers.gating import FeatureGating
from keras_vid.utils.late import shapes_only

AXES = {"space_time": (1, 2, 3), "space": (2, 3), "time": (1,)}


@pytest.mark.parametrize("over", AXES)
def test_a_gate_by_hand(over):
    """y = x sigmoid(W mean(x) + b), the mean over time and space, over space alone, or over time alone."""
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 5, 6)).astype("float32")
    layer = FeatureGating(over=over)
    layer.build(x.shape)
    weight, bias = (
        np.random.default_rng(n).normal(size=v.shape).astype("float32") for n, v in enumerate(layer.weights)
    )
    layer.set_weights([weight, bias])
    mean = x.mean(axis=AXES[over], keepdims=True)
    by_hand = x / (1 + np.exp(-(mean @ weight + bias)))
    np.testing.assert_allclose(ops.convert_to_numpy(layer(x)), by_hand, rtol=1e-4, atol=1e-5)
    vectors = {"space_time": 1, "space": 3, "time": 4 * 5}
    assert layer.macs((1, *x.shape[1:]), (1, *x.shape[1:])) == vectors[over] * 36


@shapes_only()
def test_where_gates_stand_and_how_wide_a_network_is():
    def gates(**options):
        model = keras_vid.create("s3d", classes=5, **options)
        return model, [layer for layer in model.layers if isinstance(layer, FeatureGating)]

    plain, none = gates()
    _, one = gates(gating="embedding")
    assert not none and [layer.name for layer in one] == ["embedding_gate"]
    _, many = gates(gating="temporal", gate_over="space")
    assert len(many) == 20 and {layer.over for layer in many} == {"space"}
    narrow, _ = gates(width=0.5)
    assert narrow.get_layer("Mixed_5c").output.shape[-1] == 512
    assert 0.2 < narrow.count_params() / plain.count_params() < 0.3
    with pytest.raises(ValueError, match="'space_time', 'space', 'time'"):
        keras_vid.create("s3d", gate_over="channels")
