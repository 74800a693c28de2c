import functools

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

from keras_vid.training.data import augment
from keras_vid.training.data.datasets import Dataset, Item
from keras_vid.training.data.load import load_dataset
from keras_vid.training.data.pipeline import Failures, check_readable, clips, read_item

from keras_vid.utils.errors import InputError
from keras_vid.video import sample, synthetic

FOUR = functools.partial(sample.dense, frames=4)


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("synthetic")
    synthetic.write_dataset(folder, clips=2, frames=8, size=32, classes=synthetic.CLASSES[:3])
    return folder


def small(clip, label, seed):
    return augment.random_crop(clip, 24, seed), label


def batches(dataset, count, **options):
    data = clips(dataset, FOUR, small, **{"batch_size": 2, "short": 28, **options})
    return [(clip.numpy(), label.numpy()) for clip, label in data.take(count)]


def same(one, other):
    return len(one) == len(other) and all((a == c).all() and (b == d).all() for (a, b), (c, d) in zip(one, other))


def test_a_seed_decides_everything(videos):
    dataset = load_dataset("folder", videos)
    one = batches(dataset, 7, seed=3)
    assert one[0][0].shape == (2, 4, 24, 24, 3) and one[0][0].dtype == np.uint8
    assert same(one, batches(dataset, 7, seed=3, workers=7))
    assert not same(one, batches(dataset, 7, seed=4))
    assert not same(one[:3], one[3:6])  # epochs differ


def test_resumed_at_any_step(videos):
    """Six clips in batches of two: steps two and five are within epochs, three begins one."""
    dataset = load_dataset("folder", videos)
    whole = batches(dataset, 8)
    for step in (2, 3, 5):
        assert same(whole[step:], batches(dataset, 8 - step, start_step=step))


def test_the_end_of_a_pass_waits_for_no_tuner(videos):
    """With TensorFlow's tuner of parallel calls it takes seconds, and after long passes up to a minute."""
    dataset = load_dataset("folder", videos)
    for training in (True, False):
        assert clips(dataset, FOUR, small, training=training).options().autotune.enabled is False


def test_every_clip_once_an_epoch(videos):
    dataset = load_dataset("folder", videos)
    for epoch in range(2):
        labels = np.concatenate([label for _, label in batches(dataset, 3, start_step=3 * epoch)])
        assert sorted(labels) == [0, 0, 1, 1, 2, 2]


def test_shards_share_the_epoch(videos):
    """Two workers see together what one worker with the double batch sees."""
    dataset = load_dataset("folder", videos)
    one = batches(dataset, 3, batch_size=2)
    parts = [batches(dataset, 3, batch_size=1, shard=(i, 2)) for i in (0, 1)]
    for step in range(3):
        for i in (0, 1):
            assert (one[step][0][i] == parts[i][step][0][0]).all()


@pytest.mark.parametrize("shard", [(0, 2), (1, 2), (1, 3)])
def test_resumed_in_every_worker(videos, shard):
    dataset = load_dataset("folder", videos)
    whole = batches(dataset, 6, shard=shard)
    for step in range(1, 6):
        assert same(whole[step:], batches(dataset, 6 - step, shard=shard, start_step=step)), step


def test_no_two_clips_share_a_draw(videos):
    """Of augmentation, whatever worker and step; and frames are drawn apart from it."""
    dataset = load_dataset("folder", videos)
    firsts = []

    def indices(count, rng):
        firsts.append(rng.integers(2**40))
        return list(range(4))

    def draws(shard):
        data = clips(dataset, indices, lambda clip, label, seed: (seed, label), 2, shard=shard, short=28, workers=1)
        return [tuple(row) for seeds, _ in data.take(6) for row in seeds.numpy().tolist()]

    found = draws((0, 2)) + draws((1, 2))
    assert len(set(found)) == len(found) == 24
    # tf.data reads ahead: what counts is that both workers' frames differ
    assert len(set(firsts)) == len(firsts) >= 24


def test_testing_is_one_pass_in_order(videos):
    dataset = load_dataset("folder", videos)
    labels = [list(label) for _, label in batches(dataset, 99, training=False, batch_size=4)]
    assert labels == [[0, 0, 1, 1], [2, 2]]


def test_a_bad_video_never_ends_a_run(videos, tmp_path):
    (tmp_path / "bad.mp4").write_bytes(b"no video at all" * 99)
    good = load_dataset("folder", videos)
    dataset = Dataset("x", [Item(str(tmp_path / "bad.mp4"), 0), *good.items, Item("gone.mp4", 1)], good.labels)
    failures = Failures(tmp_path / "failures.csv")
    assert len(batches(dataset, 8, failures=failures)) == 8
    assert set(failures.rows) == {str(tmp_path / "bad.mp4"), "gone.mp4"}
    assert len((tmp_path / "failures.csv").read_text().splitlines()) == 2
    tested = np.concatenate([label for _, label in batches(dataset, 99, training=False)])
    assert list(tested) == [0, 0, 1, 1, 2, 2]


def test_when_nothing_can_be_read_it_says_so():
    dataset, failures = Dataset("x", [Item("gone.mp4", 0)], ["a"]), Failures()
    with pytest.raises(tf.errors.OpError, match="gone.mp4"):
        batches(dataset, 1, failures=failures)
    assert isinstance(failures.fatal, InputError) and "gone.mp4: no such file" in str(failures.fatal)


def test_a_data_set_is_looked_at_before_anything_is_built(videos, tmp_path):
    """Half of it may be broken."""
    good = load_dataset("folder", videos)
    check_readable(good)
    bad = []
    for i in range(len(good.items) + 1):
        bad.append(Item(str(tmp_path / f"{i}.mp4"), 0))
        (tmp_path / f"{i}.mp4").write_bytes(b"no video at all" * 99)
    check_readable(Dataset("half", [*good.items, *bad[1:]], good.labels))
    with pytest.raises(InputError, match="more: 7 of 13 sampled videos cannot be read: .*mp4"):
        check_readable(Dataset("more", [*good.items, *bad], good.labels))
    many = Dataset("many", [bad[0]] * 1000, good.labels)
    with pytest.raises(InputError, match="32 of 32"):
        check_readable(many)


def test_seconds_of_a_long_video(videos):
    """The synthetic videos have 12 frames a second: [0.25, 0.5) is frames 3, 4 and 5."""
    path = load_dataset("folder", videos).items[0].path
    whole = read_item(Item(path, 0), None)
    assert (read_item(Item(path, 0, 0.25, 0.5), None) == whole[3:6]).all()
    assert (read_item(Item(path, 0, 0.5, None), functools.partial(sample.dense, frames=1)) == whole[6:7]).all()
    with pytest.raises(ValueError, match="between 5 and 6"):
        read_item(Item(path, 0, 5, 6), None)
