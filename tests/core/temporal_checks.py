"""Properties that every layer and network with a sense of time must have."""

import keras
import numpy as np
from keras import ops
from random_weights import scatter, settle_norms


def check_temporal_layer(layer, reach, frames=5, shape=(6, 6, 16)):
    """Poke one frame of the first clip: the second clip never feels it, nor a frame farther than `reach`.

    Args:
        layer: Anything that maps folded frames to folded frames.
        reach: `(before, after)`: how many frames before and after the poked one feel it.
    """
    before, after = (reach, reach) if isinstance(reach, int) else reach
    x = np.random.default_rng(0).normal(size=(2 * frames, *shape)).astype("float32")
    still = ops.convert_to_numpy(layer(ops.convert_to_tensor(x)))
    assert np.isfinite(still).all()
    for poked in range(frames):
        y = x.copy()
        y[poked] += 1.0
        moved = np.abs(ops.convert_to_numpy(layer(ops.convert_to_tensor(y))) - still).reshape(2, frames, -1).max(-1)
        felt = [t for t in range(frames) if moved[0, t] > 1e-6]
        expected = [t for t in range(frames) if poked - before <= t <= poked + after]
        assert felt == expected, f"frame {poked} was felt at {felt}, not at {expected}"
        assert moved[1].max() == 0, "the second clip felt the first"


def clips(model, count=2, seed=0):
    """Random clips, 0..255, of the shape a network takes."""
    return np.random.default_rng(seed).uniform(0, 255, (count, *model.input.shape[1:])).astype("float32")


def logits(model, clip):
    return ops.convert_to_numpy(model(clip, training=False))


def check_clips_apart(model):
    """Another second clip leaves the first one's answer as it was."""
    first, second = clips(model), clips(model)
    second[1] = clips(model, 1, seed=1)
    a, b = logits(model, first), logits(model, second)
    scale = np.abs(a).max()  # an untrained MobileNetV2 answers with 1e-13
    np.testing.assert_allclose(a[0] / scale, b[0] / scale, rtol=1e-5, atol=1e-5)
    assert np.abs(a[1] - b[1]).max() > 1e-3 * scale


def check_frame_order_matters(model, matters=True):
    """A clip played backwards gets another answer (or, for a network blind to order, the same)."""
    clip = clips(model)
    a, b = logits(model, clip), logits(model, clip[:, ::-1])
    changed = np.abs(a - b).max() / np.abs(a).max()
    assert changed > 1e-3 if matters else changed < 1e-4, f"logits changed by {changed:.2g}"


def check_gradients(model):
    """Every trainable weight moves in one step of plain gradient descent."""
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    jax = keras.backend.backend() == "jax"  # others would trace and compile for long what they run once
    model.compile(keras.optimizers.SGD(1.0), loss, jit_compile=jax, run_eagerly=not jax)
    before = [ops.convert_to_numpy(w) for w in model.trainable_weights]
    model.train_on_batch(clips(model), np.arange(2) % model.output.shape[-1])
    still = [
        weight.path
        for weight, old in zip(model.trainable_weights, before)
        if np.array_equal(ops.convert_to_numpy(weight), old)
    ]
    assert not still, f"{len(still)} weights got no gradient: {still[:5]}"


def check_round_trip(model, folder):
    """Saved and loaded, a network answers the same. It gets new weights: those it starts with would hide a loss."""
    path, clip = folder / f"{model.name}.keras", clips(model)
    settle_norms(scatter(model), clip)
    model.save(path)
    loaded = keras.models.load_model(path, compile=False)
    expected = logits(model, clip)
    scale = np.abs(expected).max()
    assert np.ptp(expected, axis=0).max() > 0.01 * scale  # an answer that hangs on nothing would prove nothing
    np.testing.assert_allclose(logits(loaded, clip) / scale, expected / scale, rtol=1e-5, atol=1e-5)


def check_mixed_precision(build):
    """Under a mixed policy the answers stay float32 and finite, and every layer between computes in bfloat16."""
    old = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = build()
    finally:
        keras.config.set_dtype_policy(old)
    answer = model(clips(model), training=False)
    assert keras.backend.standardize_dtype(answer.dtype) == "float32"
    assert np.isfinite(ops.convert_to_numpy(answer)).all()
    inner = [layer for layer in model.layers[1:] if layer.weights and layer.name not in ("classifier", "logits")]
    wide = [layer.name for layer in inner if layer.output.dtype != "bfloat16"]
    assert not wide, f"computed in float32: {wide[:5]}"
