"""The Inception family: counts to the digit, what each network sees of time, and what still video must give."""

import keras
import numpy as np
import pytest
from keras import ops

import keras_vid
from keras_vid.explain.macs import layer_macs, parameters
from keras_vid.models.inception3d import ENDPOINTS, LAYOUT
from keras_vid.models.inception_styles import STYLES
from keras_vid.utils.late import shapes_only

FAMILY = keras_vid.list_models("*i3d") + keras_vid.list_models("*s3d") + ["i2d", "s3dg"]

# (name, options, parameters, GMACs at 64x224x224) of public implementations, counted from their code.
COUNTS = [
    ("i3d", {}, 12_689_984, 111.153),
    ("i3d", {"bn_scale": True}, 12_697_264, 111.153),
    ("i3d", {"classes": 0}, 12_279_984, 111.150),
    ("i2d", {}, 6_009_904, 36.891),
    ("s3d", {}, 8_320_048, 71.916),
    ("s3d", {"style": "torch"}, 8_320_048, None),
    ("s3d", {"style": "slim"}, 8_299_520, 64.184),
    ("s3d", {"style": "slim", "stem_kernel": 7}, 8_337_152, 79.289),
    ("s3dg", {"style": "slim"}, 9_518_848, 64.185),
    ("s3dg", {"style": "slim", "stem_kernel": 7}, 9_556_480, 79.291),
    ("s3dg", {"style": "howto100m"}, 9_535_072, 64.185),
    ("s3dg", {"style": "garden"}, 12_136_240, 64.187),
    ("s3dg", {"style": "garden", "gating": "branch"}, 9_524_528, 64.185),
    ("s3dg", {"style": "garden", "gating": "branch_and_cell"}, 13_324_192, 64.189),
    ("s3dg", {"gating": "branch"}, 9_545_056, 71.918),
    ("s3dg", {}, 9_085_744, 71.917),
    ("s3d", {"temporal_branches": 4}, 9_708_048, 75.917),
    ("s3d", {"temporal_branches": 4, "stem": "3d"}, 9_735_696, 83.290),
    ("s3d", {"temporal_branches": 4, "stem": "3d", "stem_kernel": 3}, 9_698_064, 68.184),
    ("s3dg", {"temporal_branches": 4}, 10_937_216, 75.918),
    ("fast_s3d", {}, 6_859_696, 37.223),
    ("fast_s3d", {"stem": "3d", "stem_kernel": 3}, 6_878_512, 44.776),
    ("fast_s3d", {"stem": "3d"}, 6_916_144, 59.882),
    ("fast_s3d", {"transition": "Mixed_4b"}, 7_988_912, 40.754),
    ("fast_s3d", {"transition": "Mixed_4b", "temporal_branches": 4}, 9_299_536, 42.828),
]


@pytest.mark.slow
@pytest.mark.parametrize("name, options, count, gmacs", COUNTS, ids=lambda value: str(value))
@shapes_only()
def test_parameters_and_macs_equal_the_public_implementations(name, options, count, gmacs):
    model = keras_vid.create(name, **options)
    assert parameters(model) == count
    if gmacs:
        # a global head classifies once, the windowed one seven times: 6 x 1024 x 400 = 0.0025 G
        tolerance = 0.003 if options.get("style") in ("howto100m", "garden") else 0.0006
        assert keras_vid.macs(model, frames=64, size=224) / 1e9 == pytest.approx(gmacs, abs=tolerance)


@shapes_only()
def test_macs_by_stage_equal_those_counted_by_hand():
    stages = "26.435 .411 33.294 9.672 20.989 2.310 2.832 3.457 4.250 5.636 .773 1.091".split()
    rows = layer_macs(keras_vid.create("i3d"), 64, 224)
    units = [unit for unit in LAYOUT if not unit.startswith("MaxPool")]
    for unit, expected in zip(units, stages, strict=True):
        total = sum(count for name, _, count in rows if name.startswith(unit))
        assert total / 1e9 == pytest.approx(float(expected), abs=0.0006), unit


@shapes_only()
def test_conventions_count_what_they_say():
    model = keras_vid.create("s3d", classes=3)
    plain, with_bn, flops = (keras_vid.macs(model, 16, 64, c) for c in ("conv", "conv_bn", "flops"))
    elements = sum(np.prod(shape) for name, shape, _ in layer_macs(model, 16, 64) if name.endswith("_bn"))
    assert (with_bn - plain, flops) == (2 * elements, 2 * plain)


@pytest.mark.parametrize("name", FAMILY)
@shapes_only()
def test_endpoints_have_the_papers_names_and_shapes(name):
    model = keras_vid.create(name, classes=3)
    maps = keras_vid.features(model, ENDPOINTS).compute_output_shape((1, 64, 224, 224, 3))
    shapes = dict(zip(ENDPOINTS, maps, strict=True))
    assert shapes["Conv2d_1a_7x7"] == (1, 32, 112, 112, 64)
    assert shapes["Mixed_3c"] == (1, 32, 28, 28, 480)
    assert shapes["Mixed_4e"] == (1, 16, 14, 14, 528)
    assert shapes["Mixed_5c"] == (1, 8, 7, 7, 1024)


@pytest.mark.parametrize("style", STYLES)
def test_styles_answer_on_clips_of_several_sizes(style):
    model = keras_vid.create("s3dg", classes=3, style=style)
    for shape in [(16, 32, 48), (15, 33, 33)]:
        answer = model(np.zeros((1, *shape, 3), "uint8"), training=False)
        assert answer.shape == (1, 3) and np.isfinite(ops.convert_to_numpy(answer)).all()


def untrained(name, **options):
    """A network whose convolutions see time, unlike the identity that they start as."""
    model = keras_vid.create(name, classes=3, **options)
    rng = np.random.default_rng(1)
    for weight in model.weights:
        if "temporal_conv/kernel" in weight.path:
            weight.assign(rng.normal(0, (2 / np.prod(weight.shape[:-1])) ** 0.5, weight.shape).astype("float32"))
    return model


def clip(frames, size=32, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (1, frames, size, size, 3)).astype("uint8")


@pytest.mark.parametrize("name, sees", [("i2d", False), ("i3d", True), ("s3d", True)])
def test_frame_order_is_seen_by_3d_networks_alone(name, sees):
    """On 17 frames every stride is symmetric in time, so a 2D network's maps of the reversed clip are reversed maps."""
    maps = keras_vid.features(untrained(name), "Mixed_4f")
    forward = ops.convert_to_numpy(maps(clip(17), training=False))
    backward = ops.convert_to_numpy(maps(clip(17)[:, ::-1], training=False))
    difference = np.abs(forward - backward[:, ::-1]).max() / np.abs(forward).max()
    assert (difference > 1e-3) == sees


@pytest.mark.parametrize("name", ["s3d", "fast_s3d", "bottom_heavy_s3d"])
def test_separable_networks_start_as_their_2d_twin(name):
    """Every temporal kernel starts as an identity, and BatchNorm (variance 1, epsilon 1e-3) all but so."""
    model, twin = keras_vid.create(name, classes=3), keras_vid.create("i2d", classes=3)
    ours = {w.path.replace("_spatial", ""): w for w in model.weights if "temporal" not in w.path}
    for weight in twin.weights:
        if "seed" not in weight.path:
            weight.assign(ours[weight.path])
    for weight in model.weights:
        if "temporal_bn/moving_variance" in weight.path:
            weight.assign(np.full(weight.shape, 1 - 1e-3, "float32"))
    answers = [ops.convert_to_numpy(m(clip(17), training=False)) for m in (model, twin)]
    np.testing.assert_allclose(*answers, rtol=1e-4, atol=1e-5)


@shapes_only()
def test_the_transition_splits_the_network_in_two_complements():
    top, bottom = (keras_vid.create(f"{half}_heavy_s3d", transition="Mixed_4d") for half in ("top", "bottom"))
    temporal = [{w.path for w in m.weights if "temporal_conv" in w.path} for m in (top, bottom)]
    whole = {w.path for w in keras_vid.create("s3d").weights if "temporal_conv" in w.path}
    assert temporal[0] | temporal[1] == whole and not temporal[0] & temporal[1]
    assert all(path >= "Mixed_4d" for path in temporal[0]) and all(path < "Mixed_4d" for path in temporal[1])


def test_clips_of_a_batch_do_not_feel_each_other():
    model = untrained("s3dg")
    one, two = clip(16), clip(16, seed=1)
    alone = ops.convert_to_numpy(model(one, training=False))
    together = ops.convert_to_numpy(model(np.concatenate([one, two]), training=False))
    np.testing.assert_allclose(alone[0], together[0], rtol=1e-4, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("name", FAMILY)
def test_keras_file_round_trip(name, tmp_path):
    model = untrained(name)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    answers = [ops.convert_to_numpy(m(clip(16), training=False)) for m in (model, again)]
    np.testing.assert_allclose(*answers, rtol=1e-5, atol=1e-6)


def test_logits_are_float32_under_mixed_precision():
    policy = keras.mixed_precision.dtype_policy()
    keras.mixed_precision.set_dtype_policy("mixed_bfloat16")
    try:
        model = keras_vid.create("s3dg", classes=3)
    finally:
        keras.mixed_precision.set_dtype_policy(policy)
    assert keras.backend.standardize_dtype(model(clip(16), training=False).dtype) == "float32"
    assert keras.backend.standardize_dtype(model.get_layer("Mixed_4e").compute_dtype) == "bfloat16"


def test_flow_clips_have_two_channels():
    model = keras_vid.create("i3d", classes=3, channels=2)
    assert model(np.full((1, 16, 32, 32, 2), 128, "uint8"), training=False).shape == (1, 3)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: keras_vid.create("s4d"), "no network is called 's4d'"),
        (lambda: keras_vid.create("s3d", colour=1), "this network has no option 'colour': the options are stem, "),
        (lambda: keras_vid.create("s3d", style="caffe"), "style 'caffe' is none of"),
        (lambda: keras_vid.create("s3d", padding="odd"), "padding='odd' is none of"),
        (lambda: keras_vid.create("fast_s3d", transition="Mixed_9z"), "transition 'Mixed_9z' is none of"),
        (lambda: keras_vid.features(keras_vid.create("s3d"), "Mixed_9z"), "has no layer 'Mixed_9z'"),
    ],
)
def test_wrong_options_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
