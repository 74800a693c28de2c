"""Class activation: shares that add up to the logit, whatever the head; by gradients where no head is affine."""

import dataclasses
import json

import keras
import numpy as np
import pytest
from keras import layers, ops
from random_weights import scatter, settle

import keras_vid
from keras_vid import cli
from keras_vid.explain import activations
from keras_vid.explain.class_activation import Explainer, stretched
from keras_vid.explain.tail import Tail
from keras_vid.inference.predict import random_clips
from keras_vid.layers import consensus
from keras_vid.layers.head import WindowedMean
from keras_vid.surgery import insert
from keras_vid.utils.errors import InputError
from keras_vid.video import write

SMALL = {"classes": 3, "size": 64}
FAMILIES = {
    **{name: {**SMALL, "size": 32} for name in ("i3d", "s3d", "s3dg")},
    **{f"{name}_resnet14": {**SMALL, "frames": 4} for name in ("tsn", "tsm", "stm", "sth")},
    "r2plus1d_sequential_resnet14": {**SMALL, "frames": 4},
    "stnet_resnet14": {**SMALL, "frames": 10, "xception": False},
    "c2d_resnet50": {**SMALL, "frames": 4, "backbone": "resnet14"},
}
SLOW = ("c2d_resnet50", "s3dg", "r2plus1d_sequential_resnet14")


def trained(name, **options):
    """A network whose logits depend on the clip, and on the order of its frames where it can."""
    model = keras_vid.create(name, **options)
    return settle(scatter(model), random_clips(model, count=4, seed=2))


def video(model, frames=24, seed=5):
    _, _, height, width, _ = model.input_shape
    model = type("", (), {"input_shape": (None, frames, height, width, 3)})
    return random_clips(model, count=2, seed=seed)[1]


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else []) for name in FAMILIES]
)
def test_the_shares_of_all_places_add_up_to_the_logit(name):
    model = trained(name, **FAMILIES[name])
    every = activations(model, video(model), top=3)
    logits = model.predict_on_batch(every[0].clip[None])[0]
    assert {seen.label for seen in every} == {"class 0", "class 1", "class 2"}
    for seen in every:
        assert seen.exact and seen.logit == pytest.approx(logits[int(seen.label[-1])], abs=1e-4)
        assert seen.map.mean() + seen.bias == pytest.approx(seen.logit, abs=1e-3)
        assert seen.over_time().mean() + seen.bias == pytest.approx(seen.logit, abs=1e-3)
        assert np.ptp(seen.map) > 0.05  # a map that is alike everywhere would prove nothing


def test_of_a_mean_the_map_is_the_classifier_at_every_place():
    model = trained("tsm_resnet14", frames=4, **SMALL)
    seen = activations(model, video(model), label="class 1")[0]
    conv5 = keras_vid.features(model, "conv5").predict_on_batch(seen.clip[None])
    kernel, bias = model.get_layer("classifier").get_weights()
    np.testing.assert_allclose(seen.map, conv5 @ kernel[:, 1], rtol=1e-3, atol=1e-4)
    assert seen.bias == pytest.approx(bias[1], abs=1e-5)


def test_of_a_windowed_mean_the_first_and_last_feature_frame_count_half():
    model = trained("i3d", **FAMILIES["i3d"])
    seen = activations(model, video(model, frames=40), label="class 2")[0]
    last = keras_vid.features(model, "Mixed_5c").predict_on_batch(seen.clip[None])[0]
    kernel, _ = model.get_layer("classifier").get_weights()
    frames = len(last)
    weight = np.array([0.5, *[1.0] * (frames - 2), 0.5]) / (frames - 1) * frames
    by_hand = (last @ kernel[:, 2]) * weight[:, None, None]
    np.testing.assert_allclose(seen.map, by_hand, rtol=1e-3, atol=1e-3)


def test_of_a_map_wider_than_the_window_each_place_counts_as_often_as_windows_show_it():
    """By hand: the classifier's mean over every 2 x 7 x 7 window; the borders lie in fewer windows."""
    clip = keras.Input((4, 36, 40, 3), name="clip")
    x = layers.Conv3D(6, (1, 4, 4), strides=(1, 4, 4), activation="relu", name="conv")(clip)  # 4 x 9 x 10
    x = layers.Dense(3, name="classifier")(WindowedMean(7, name="head_pool")(x))
    model = scatter(keras.Model(clip, layers.GlobalAveragePooling1D(name="logits")(x)))
    (seen,) = activations(model, video(model), label="class 1")
    values = keras_vid.features(model, "conv").predict_on_batch(seen.clip[None])[0]
    kernel, _ = model.get_layer("classifier").get_weights()
    windows = np.zeros((4, 9, 10))
    for t in range(3):
        for row in range(3):
            for column in range(4):
                windows[t : t + 2, row : row + 7, column : column + 7] += 1
    share = windows / windows.sum()
    np.testing.assert_allclose(seen.map, (values @ kernel[:, 1]) * share * share.size, rtol=1e-3, atol=1e-3)
    assert seen.exact and seen.map.mean() + seen.bias == pytest.approx(seen.logit, abs=1e-3)


def test_two_classes_are_the_difference_of_their_maps():
    model = trained("tsm_resnet14", frames=4, **SMALL)
    explainer, clip = Explainer(model), video(model)
    one, two = explainer(clip, ["class 0", "class 2"])
    both = explainer(clip, "class 0", against="class 2")[0]
    np.testing.assert_allclose(both.map, one.map - two.map, atol=1e-4)
    assert both.logit == pytest.approx(one.logit - two.logit, abs=1e-4) and both.against == "class 2"


def flattened():
    """A network with hidden dense layers behind its last map."""
    image = keras.Input((32, 32, 3))
    x = layers.Conv2D(8, 5, strides=4, activation="relu", name="conv")(layers.Rescaling(1 / 127.5, -1)(image))
    x = layers.Dense(16, activation="relu", name="hidden")(layers.Flatten(name="flatten")(x))
    net = insert(keras.Model(image, x), frames=4)
    return scatter(keras.Model(net.input, consensus(net.output, frames=4, classes=3), name="flattened"))


@pytest.mark.parametrize("build", [flattened, lambda: trained("stnet_resnet14", frames=10, **SMALL)])
def test_without_an_affine_head_channels_are_weighed_by_their_mean_gradient(build):
    """Against differences: the logits of maps in which one channel of the first feature frame was moved everywhere."""
    explainer = Explainer(build())
    seen = explainer(video(explainer.model), label="class 1")[0]
    assert not seen.exact
    features, _ = explainer.tail.network.predict_on_batch(seen.clip[None])
    direction = np.array([0, 1, 0], "float32")
    weights = explainer.tail.gradient(features, direction).mean(axis=(1, 2))
    np.testing.assert_allclose(
        seen.map, (features * weights[:, None, None]).sum(-1) * seen.map.size, rtol=1e-3, atol=1e-3
    )

    def logit(channel, step):
        moved = features.copy()
        moved[0, :, :, channel] += step
        return float(ops.convert_to_numpy(explainer.tail.rest(moved, training=False))[0, 1])

    step, places = 1e-3, features.shape[1] * features.shape[2]
    channels = np.argsort(-np.abs(weights[0]))[:4]
    by_hand = [(logit(channel, step) - logit(channel, -step)) / (2 * step) / places for channel in channels]
    np.testing.assert_allclose(weights[0, channels], by_hand, rtol=0.1)
    assert np.abs(by_hand).min() > 0


def test_the_cut_is_behind_the_last_map_and_changes_nothing():
    for name, place, options in (("stnet_resnet14", "conv5", {"frames": 10}), ("i2d", "Mixed_5c", {"size": 32})):
        model = trained(name, **{**SMALL, **options})
        before = model.predict_on_batch(random_clips(model, count=1))
        tail = Tail(model)
        features, logits = tail.network.predict_on_batch(random_clips(model, count=1))
        assert tail.layer == place
        np.testing.assert_allclose(logits, before, atol=1e-5)
        np.testing.assert_allclose(ops.convert_to_numpy(tail.rest(features, training=False)), before, atol=1e-4)
        assert all(weight.trainable for weight in model.trainable_weights)


def test_a_lit_place_is_drawn_where_and_when_it_is():
    """A network that adds up brightness: the one bright corner, in the second half of the clip, is what lights up."""
    clip = keras.Input((4, 32, 32, 3), name="clip")
    x = layers.Conv3D(2, (1, 8, 8), strides=(1, 8, 8), name="conv")(clip)
    x = layers.Dense(2, name="logits")(layers.GlobalAveragePooling3D(name="mean")(x))
    model = keras.Model(clip, x)
    for layer, kernel in (("conv", np.ones((1, 8, 8, 3, 2)) / 192), ("logits", np.array([[1.0, 0], [0, 0]]))):
        model.get_layer(layer).set_weights([kernel, np.zeros(2)])
    frames = np.zeros((4, 37, 37, 3), "uint8")  # of which the network is shown the middle
    frames[2:, 2:10, 26:34] = 200
    seen = activations(model, frames, label="class 0")[0]
    assert seen.map[:, 0, 3].round(2).tolist() == [0, 0, 200, 200] and np.count_nonzero(seen.map.round(2)) == 2
    assert seen.logit == pytest.approx(200 / 32, abs=1e-3)
    assert seen.over_time().round(2).tolist() == [0, 0, 12.5, 12.5]
    on_frames = seen.on_frames()
    assert on_frames.shape == (4, 32, 32) and on_frames[3, 2, 29] == pytest.approx(200, abs=1)
    assert np.abs(on_frames[:2]).max() < 1e-3 and np.abs(on_frames[3, 16:]).max() < 1e-3

    from keras_vid.explain.pictures import overlaid

    drawn = overlaid(seen).astype(int)
    assert drawn[3, 2, 29, 0] - drawn[3, 2, 29, 2] > 100 and np.ptp(drawn[0]) == 0  # red there, nothing elsewhere


def test_super_images_light_all_of_their_frames():
    model = trained("stnet_resnet14", frames=10, **SMALL)
    seen = activations(model, video(model))[0]
    assert seen.group == 5 and seen.curve().tolist() == np.repeat(seen.over_time(), 5).tolist()


def test_stretching_keeps_the_mean_of_whole_multiples_and_every_constant():
    assert stretched(np.full((3, 2), 7.0), 10, axis=0).tolist() == np.full((10, 2), 7.0).tolist()
    assert stretched(np.array([1.0, 3.0, 2.0]), 3, axis=0).tolist() == [1, 3, 2]


@pytest.mark.parametrize(
    ("ask", "line"),
    [
        ({"label": "class 7"}, "no class is called 'class 7'"),
        ({"label": "class 1", "against": "walk"}, "no class is called 'walk'"),
        ({"frames": 9}, "takes 4 frames of a video, not 9"),
    ],
)
def test_what_cannot_be_asked_is_said(ask, line):
    model = keras_vid.create("tsm_resnet14", frames=4, **SMALL)
    with pytest.raises(InputError, match=line):
        activations(model, np.zeros((8, 64, 64, 3), "uint8"), **ask)


def test_a_network_without_maps_is_refused():
    from keras_vid.models.sequence import SequenceModel

    with pytest.raises(InputError, match="has no feature map"):
        Tail(SequenceModel("mean", classes=3))


@pytest.fixture
def run(tmp_path):
    """A run folder, as training leaves one: a network and what it is shown."""
    from keras_vid.view import view_of

    model = trained("tsm_resnet14", frames=4, **SMALL)
    (tmp_path / "run").mkdir()
    model.save(tmp_path / "run/best.keras")
    dataclasses.replace(view_of(model), labels=("jump", "run", "sit")).save(tmp_path / "run")
    for name in ("a", "b"):
        (tmp_path / "videos" / name).mkdir(parents=True)
        write(tmp_path / f"videos/{name}/{name}.mp4", video(model), fps=12)
    return tmp_path


def test_explain_writes_pictures_and_tells_numbers(run, capsys):
    from keras_vid.video import probe

    pytest.importorskip("matplotlib")
    clip = str(run / "videos/a/a.mp4")
    for kind in ("png", "gif", "mp4"):
        output = run / f"out/seen.{kind}"
        assert cli.main(["explain", str(run / "run"), clip, "-o", str(output), "--top", "2", "--json"]) == 0
        rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        expected = activations(str(run / "run"), clip, top=2)
        assert [row["label"] for row in rows] == [seen.label for seen in expected]
        for row, seen in zip(rows, expected):
            assert row["over_time"] == pytest.approx(seen.over_time().tolist(), abs=1e-3)
            assert np.mean(row["over_time"]) + row["bias"] == pytest.approx(row["logit"], abs=1e-3)
        if kind != "png":
            assert probe(output)["frames"] == 4  # what the network looked at
        else:
            assert output.read_bytes()[1:4] == b"PNG"


def test_explain_goes_through_a_folder_and_past_what_cannot_be_read(run, capsys):
    pytest.importorskip("matplotlib")
    (run / "videos/b/broken.mp4").write_bytes(b"this is not a video")
    command = ["explain", str(run / "run"), str(run / "videos"), "-o", str(run / "out"), "--kind", "gif"]
    assert cli.main([*command, "--class", "sit", "--against", "run"]) == 1
    out, err = capsys.readouterr()
    assert sorted(str(path.relative_to(run / "out")) for path in (run / "out").rglob("*.*")) == [
        "a/a.mp4.gif",
        "b/b.mp4.gif",
    ]
    assert len(err.strip().splitlines()) == 2 and "broken.mp4" in err and "1 of 3 videos" in err
    assert "sit against run" in out


@pytest.mark.parametrize(
    ("flags", "code", "line"),
    [
        (["--output", "seen.avi"], 1, "can write .mp4, .gif, .png"),
        (["-o", "seen.gif", "--class", "sit", "--top", "2"], 2, "--class names one class"),
        (["-o", "seen.gif", "--frames", "x"], 2, "--frames wants a number"),
    ],
)
def test_wrong_usage_costs_one_line(run, flags, code, line, capsys):
    assert cli.main(["explain", str(run / "run"), str(run / "videos/a/a.mp4"), *flags]) == code
    (told,) = capsys.readouterr().err.strip().splitlines()
    assert line in told


def test_a_saved_model_cannot_be_explained(run, capsys):
    (run / "served/1").mkdir(parents=True)
    (run / "served/1/saved_model.pb").write_bytes(b"")
    for model, line in ((run / "served", "is a SavedModel"), ("tsm_resnet14", "has no trained weights of its own")):
        assert cli.main(["explain", str(model), str(run / "videos/a/a.mp4"), "-o", str(run / "x.gif")]) == 1
        (told,) = capsys.readouterr().err.strip().splitlines()
        assert line in told
