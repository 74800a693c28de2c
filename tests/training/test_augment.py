import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

from keras_vid.training.data import augment


def places(height=48, width=64, frames=3):
    """A clip whose pixels say where they came from: red the column, green the row, blue the frame."""
    clip = np.zeros((frames, height, width, 3), np.uint8)
    clip[..., 0], clip[..., 1] = np.arange(width), np.arange(height)[:, None]
    clip[..., 2] = np.arange(frames)[:, None, None]
    return clip


CROPS = {
    "random": lambda clip, seed: augment.random_crop(clip, 32, seed),
    "corner": lambda clip, seed: augment.corner_crop(clip, 32, seed),
    "sth": lambda clip, seed: augment.sth_crop(clip, 32, seed),
}


@pytest.mark.parametrize("name", CROPS)
def test_one_draw_a_clip(name):
    """All frames are cut at the same place; another seed cuts elsewhere, the same seed there again."""
    clip = places()
    one, other = (CROPS[name](clip, [seed, 0]).numpy() for seed in (0, 5))
    assert one.dtype == np.uint8 and one.shape == (3, 32, 32, 3)
    assert (one[1:, ..., :2] == one[:1, ..., :2]).all()
    assert (one[..., 2] == np.arange(3)[:, None, None]).all()
    assert not (one == other).all()
    assert (CROPS[name](clip, [0, 0]).numpy() == one).all()


def test_random_crop_covers_the_picture():
    clip = places()
    corners = {tuple(augment.random_crop(clip, 32, [i, 1])[0, 0, 0, :2].numpy()) for i in range(300)}
    columns, rows = zip(*corners)
    assert (min(columns), max(columns), min(rows), max(rows)) == (0, 32, 0, 16)


def test_corner_crop_takes_the_sides_of_tsn():
    """With one scale there are thirteen places, and the corners are among them."""
    clip = places()
    seen = {tuple(augment.corner_crop(clip, 24, [i, 0], scales=(0.5,))[0, 0, 0, :2].numpy()) for i in range(200)}
    assert len(seen) == 13 and {(0, 0), (40, 0), (0, 24), (40, 24), (20, 12)} <= seen


def test_a_small_clip_grows():
    assert augment.random_crop(places(20, 30), 32, [0, 0]).shape == (3, 32, 32, 3)
    assert augment.centre_crop(places(20, 30), 32).shape == (3, 32, 32, 3)


def test_three_crops_by_hand():
    left, middle, right = augment.three_crops(places(), 48).numpy()
    assert left[0, 0, 0, 0] == 0 and middle[0, 0, 0, 0] == 8 and right[0, 0, 0, 0] == 16
    top, _, bottom = augment.three_crops(places(64, 48), 48).numpy()
    assert top[0, 0, 0, 1] == 0 and bottom[0, 0, 0, 1] == 16


def test_resize_short_keeps_a_still_clip_still():
    clip = np.full((2, 40, 60, 3), 200, np.uint8)
    assert (augment.resize_short(clip, 20).numpy() == 200).all()
    assert augment.resize_short(clip, 20).shape == (2, 20, 30, 3)


def test_flip_swaps_labels_and_spares_directions():
    """Class 0 has no mirror image, 1 and 2 are each other's, 3 is its own."""
    clip, swap = places(), [-1, 2, 1, 3]
    for label, becomes in ((0, {0}), (1, {1, 2}), (2, {1, 2}), (3, {3})):
        seen = set()
        for i in range(20):
            out, new = augment.flip(clip, label, [i, 0], swap)
            mirrored = bool((out.numpy() == clip[:, :, ::-1]).all())
            assert mirrored or (out.numpy() == clip).all()
            assert int(new) == (swap[label] if mirrored else label)
            seen.add((mirrored, int(new)))
        assert {new for _, new in seen} == becomes
        assert len(seen) == (1 if label == 0 else 2)


def test_colour_jitter_by_hand():
    clip = places()
    assert (augment.colour_jitter(clip, [0, 0], 0, 0, 0).numpy() == clip).all()
    grey = np.full((2, 4, 4, 3), 100, np.uint8)
    out = augment.colour_jitter(grey, [3, 0], brightness=0.5, contrast=0.5, saturation=0.5).numpy()
    assert len(np.unique(out)) == 1 and 50 <= out[0, 0, 0, 0] <= 150  # only brightness changes a grey clip


@pytest.mark.parametrize("mix", [augment.mixup, augment.cutmix])
def test_mixing_keeps_the_share_of_the_label(mix):
    clips = np.stack([np.zeros((2, 16, 16, 3)), np.full((2, 16, 16, 3), 200)]).astype(np.uint8)
    for i in range(10):
        mixed, labels = mix(clips, np.eye(2, dtype=np.float32), [i, 0])
        share = mixed[0].numpy().mean() / 200  # how much of clip 0 is now clip 1
        np.testing.assert_allclose(labels[0], [1 - share, share], atol=0.005)
        np.testing.assert_allclose(labels.numpy().sum(1), 1, atol=1e-6)


def test_all_of_it_runs_in_a_graph():
    def one(clip, label, seed):
        seeds = augment.split(seed, 3)
        clip = augment.corner_crop(augment.resize_short(clip, 40), 32, seeds[0])
        clip, label = augment.flip(clip, label, seeds[1])
        return augment.colour_jitter(clip, seeds[2]), label

    dataset = tf.data.Dataset.from_tensors((places(), 1, [1, 2])).map(one).batch(1)
    clip, label = next(iter(dataset))
    assert clip.shape == (1, 3, 32, 32, 3) and clip.dtype == tf.uint8 and label.numpy() == [1]
