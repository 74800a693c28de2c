"""Losses, mixed clips and class weights: by hand, and through a run that has all of them."""

import json

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

from keras_vid.training.data import records, views
from keras_vid.training.data.labels import ClipLoss, TopFew, TopOne, class_factors
from keras_vid.training.recipes import RECIPES, recipe

from keras_vid.cli import main
from keras_vid.video import sample, synthetic


def test_the_loss_by_hand():
    """Smoothing spreads a share of the target over all classes; a class counts by its factor, and by its share."""
    logits = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")
    labels = np.array([0, 1, 2, 1])
    logs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    shares = np.eye(3)[labels]
    mixed = 0.7 * shares + 0.3 * np.roll(shares, 1, axis=0)
    factors = np.array([1.0, 2.0, 0.5])
    for targets, given in ((shares, labels), (mixed, mixed.astype("float32"))):
        plain = -(targets * logs).sum(axis=1)
        np.testing.assert_allclose(float(ClipLoss()(given, logits)), plain.mean(), rtol=1e-5)
        smooth = 0.9 * targets + 0.1 / 3
        by_hand = (-(smooth * logs).sum(axis=1) * (targets @ factors)).mean()
        np.testing.assert_allclose(float(ClipLoss(0.1, factors.tolist())(given, logits)), by_hand, rtol=1e-5)


def test_accuracies_of_mixed_clips():
    logits = np.array([[3.0, 2, 1], [3, 2, 1]], "float32")
    shares = np.array([[0.6, 0.4, 0], [0.1, 0.2, 0.7]], "float32")
    for metric, right in ((TopOne(), 0.5), (TopFew(2), 0.5), (TopFew(3), 1.0)):
        metric.update_state(shares, logits)
        assert float(metric.result()) == right


def test_class_weights_are_checked():
    assert class_factors((1.0, 2.0), range(3), 2) == [1.0, 2.0]
    with pytest.raises(ValueError, match="3 numbers"):
        class_factors((1.0, 2.0), [], 3)
    with pytest.raises(ValueError, match="give numbers"):
        class_factors("balanced", range(10), 3)


def test_mixed_batches_are_told_by_seed_and_number():
    """A run that goes on at batch 2 sees what a run in peace saw there; another seed mixes otherwise."""
    row = recipe("tsm_resnet14/synthetic", mixup=0.4, cutmix=1.0)
    clips = np.random.default_rng(0).integers(0, 256, (8, 2, 4, 8, 8, 3), np.uint8)

    def batches(start, seed=3):
        data = tf.data.Dataset.from_tensor_slices((clips[start:], np.tile([0, 1], (8 - start, 1))))
        return [(c.numpy(), y.numpy()) for c, y in views.mixed(data, row, 3, seed, start)]

    peace, later = batches(0), batches(2)
    for (clip, label), (again, same) in zip(peace[2:], later, strict=True):
        assert (clip == again).all() and (label == same).all()
        assert label.shape == (2, 3) and label.sum(axis=1) == pytest.approx(1)
    assert any((a[0] != b[0]).any() for a, b in zip(peace, batches(0, seed=4)))


def test_where_test_clips_lie():
    """TSM's two views are the middles of the parts and their beginnings; STM's ten are random, the same each time."""
    tsm = RECIPES["tsm_resnet50/something_v1"]
    assert views.test_indices(tsm)(80) == [*sample.segments(80, 8), *range(0, 80, 10)]
    stm = recipe("stm_resnet50/something_v1")
    ten = np.reshape(views.test_indices(stm)(80), (10, 8))
    assert (ten // 10 == np.arange(8)).all() and len({tuple(row) for row in ten}) == 10
    assert views.test_indices(stm)(80) == ten.ravel().tolist()
    assert views.test_indices(recipe("stm_resnet50/something_v1", test_seed=1))(80) != ten.ravel().tolist()
    window = recipe("tsm_resnet50/kinetics400", sample="window")
    assert np.reshape(views.test_indices(window)(91), (10, 8)).tolist() == sample.dense_windows(91, 8, 10)
    with pytest.raises(ValueError, match="spread, random, twice"):
        views.test_indices(recipe("tsm_resnet50/kinetics400", view_choice="many"))(80)


@pytest.mark.parametrize("count", (3, 20, 35, 300))
def test_prepared_data_gives_the_frames_of_super_images_and_windows(count):
    for segments, frames in ((7, 5), (3, 4)):
        ours = records.super_images(count, segments, frames).numpy().tolist()
        assert ours == sample.super_images(count, segments, frames)
        part = count // segments
        drawn = records.super_images(count, segments, frames, [1, 2]).numpy().reshape(segments, frames)
        if part >= frames:
            assert (drawn // part == np.arange(segments)[:, None]).all() and (np.diff(drawn) == 1).all()
    assert records.window(count, 8).numpy().tolist() == sample.dense_window(count, 8)


@pytest.mark.slow
def test_a_run_with_all_of_it(tmp_path, capsys):
    """From prepared data, too: StNet's super-images, colours, mixing, erasing, smoothing and class weights."""
    for part in ("train", "val"):
        synthetic.write_dataset(tmp_path / "videos" / part, clips=4, frames=12, size=40, classes=synthetic.CLASSES[:2])
    prepared = str(tmp_path / "prepared")
    assert main(["prepare", "folder", str(tmp_path / "videos"), "-o", prepared, "--size", "36", "-j", "1"]) == 0
    flags = "--size 32 --short 36 --frames 6 --epochs 1 -b 4 --no-test --colour 0.3 --erasing 0.5".split()
    flags += "--mixup 0.2 --cutmix 1 --label-smoothing 0.1 --class-weights 1,2".split()
    flags += ["--data", prepared, "--val-data", str(tmp_path / "videos/val"), "-o", str(tmp_path / "run")]
    assert main(["train", "stnet_resnet14/synthetic", *flags]) == 0
    row = json.loads((tmp_path / "run/args.json").read_text())["recipe"]
    assert row["class_weights"] == [1.0, 2.0] and row["mixup"] == 0.2
    assert (tmp_path / "run/best.keras").is_file()
    capsys.readouterr()
    wrong = [*flags[:-1], str(tmp_path / "other"), "--class-weights", "1,2,3"]
    assert main(["train", "stnet_resnet14/synthetic", *wrong]) == 1
    assert "2 numbers with commas" in capsys.readouterr().err
