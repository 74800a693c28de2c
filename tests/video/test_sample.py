"""Which frames are chosen: by hand, and as properties over many lengths."""

import numpy as np
import pytest

from keras_vid.video import sample


def rng():
    return np.random.default_rng(0)


def test_dense_by_hand():
    assert sample.dense(100, 64) == list(range(18, 82))
    assert sample.dense(9, 3, stride=2) == [2, 4, 6]
    assert sample.dense(64, 64) == list(range(64))
    assert sample.dense(5, 8) == [0, 1, 2, 3, 4, 0, 1, 2]
    assert sample.dense(5, 4, stride=2) == [0, 2, 4, 1]
    assert {sample.dense(6, 4, rng=np.random.default_rng(s))[0] for s in range(40)} == {0, 1, 2}


def test_everything_by_hand():
    assert sample.everything(250) == list(range(250))
    assert sample.everything(3, 7) == [0, 1, 2, 0, 1, 2, 0]
    assert sample.everything(3, 5, short="hold") == [0, 1, 2, 2, 2]
    assert sample.everything(10, 4) == [3, 4, 5, 6]
    with pytest.raises(ValueError, match="loop"):
        sample.everything(3, 5, short="mirror")


def test_tsn_and_tsm_by_hand():
    assert sample.segments(80, 8) == [5, 15, 25, 35, 45, 55, 65, 75]
    assert sample.segments(5, 8) == [0, 0, 1, 2, 2, 3, 4, 4]
    assert sample.segments(3, 8, rng()) == [0] * 8
    assert sample.segments(8, 8, rng()) == list(range(8))
    for seed in range(20):
        chosen = sample.segments(29, 8, np.random.default_rng(seed))
        assert all(3 * i <= index < 3 * i + 3 for i, index in enumerate(chosen))
    assert sample.segments_twice(80, 8) == [[5, 15, 25, 35, 45, 55, 65, 75], [0, 10, 20, 30, 40, 50, 60, 70]]
    assert sample.dense_window(64, 8, rng=rng()) == list(range(0, 64, 8))
    assert sample.dense_window(30, 8) == [0, 8, 16, 24, 2, 10, 18, 26]
    starts = {sample.dense_window(66, 8, rng=np.random.default_rng(s))[0] for s in range(40)}
    assert starts == {0, 1}  # TSM's own code never draws the last place
    assert [view[0] for view in sample.dense_windows(163, 8, 10)] == [0, 11, 22, 33, 44, 55, 66, 77, 88, 99]
    assert sample.dense_windows(20, 8, 2) == [[0, 8, 16, 4, 12, 0, 8, 16]] * 2


def test_stnet_by_hand():
    assert sample.super_images(70, 7, 5)[:10] == [2, 3, 4, 5, 6, 12, 13, 14, 15, 16]
    assert sample.super_images(8, 4, 5)[:10] == [0, 1, 2, 3, 4, 2, 3, 4, 5, 6]  # parts of two frames
    assert sample.super_images(8, 4, 5)[-5:] == [6, 7, 0, 1, 2]
    assert sample.super_images(2, 3, 2) == [0, 1, 1, 0, 0, 1]
    for seed in range(20):
        chosen = np.reshape(sample.super_images(70, 7, 5, np.random.default_rng(seed)), (7, 5))
        assert (np.diff(chosen) == 1).all() and (chosen[:, 0] // 10 == np.arange(7)).all()
        assert (chosen[:, -1] // 10 == np.arange(7)).all()


def test_views_by_hand():
    assert sample.clips(100, views=10, frames=10) == [list(range(s, s + 10)) for s in range(0, 100, 10)]
    assert [view[0] for view in sample.clips(100, views=2, frames=8)] == [0, 92]
    assert len(sample.clips(100, views=10, frames=16, stride=2, rng=rng())) == 10
    assert len(sample.segments(250, 25)) == 25 and sample.segments(250, 25)[:2] == [5, 15]
    assert sample.segment_views(16, views=1, frames=4) == [sample.segments(16, 4)]


def test_windows_cover_the_video():
    assert sample.windows(5, 8) == [[0, 1, 2, 3, 4, 0, 1, 2]]
    assert sample.windows(8, 4, step=2) == [[0, 1, 2, 3], [2, 3, 4, 5], [4, 5, 6, 7]]
    for count in range(8, 60):
        covered = {i for window in sample.windows(count, 8, 5) for i in window}
        assert covered == set(range(count))


def test_frame_rates_by_hand():
    assert sample.at_fps(300, 30, 25) == [int(i * 1.2 + 1e-6) for i in range(250)]
    assert sample.at_fps(4, 25, 25) == [0, 1, 2, 3]
    assert sample.at_fps(2, 10, 25) == [0, 0, 0, 1, 1]
    assert sample.at_fps_times([5.0, 5.04, 5.08], 25) == [0, 1, 2]
    assert sample.at_fps_times([0.0, 1.0, 1.1], 2) == [0, 0, 1]


CALLS = {
    "dense": lambda n, g: sample.dense(n, 8, 2, g),
    "segments": lambda n, g: sample.segments(n, 8, g),
    "segments_spread": lambda n, g: sample.segments_spread(n, 8, g),
    "dense_window": lambda n, g: sample.dense_window(n, 8, rng=g),
    "super_images": lambda n, g: sample.super_images(n, 4, 3, g),
    "clips": lambda n, g: sum(sample.clips(n, 3, 8, 2, g), []),
    "segment_views": lambda n, g: sum(sample.segment_views(n, 3, 8, g), []),
    "everything": lambda n, g: sample.everything(n, 8),
    "dense_windows": lambda n, g: sum(sample.dense_windows(n, 8), []),
    "windows": lambda n, g: sum(sample.windows(n, 8), []),
    "at_fps": lambda n, g: sample.at_fps(n, 29.97, 25),
}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("seed", [None, 0])
def test_indices_are_frames_of_the_video(name, seed):
    """Plain ints within the video, for every length; as many whatever the length; the same under one seed."""
    lengths = set()
    for count in [*range(1, 40), 64, 65, 300]:
        generators = [None if seed is None else np.random.default_rng(seed) for _ in range(2)]
        first, second = (CALLS[name](count, generator) for generator in generators)
        assert first == second
        assert all(type(i) is int and 0 <= i < count for i in first), count
        lengths.add(len(first))
    assert len(lengths) == 1 or name in ("windows", "at_fps")


def test_impossible_requests():
    for call in (lambda: sample.dense(0), lambda: sample.segments(5, 0), lambda: sample.at_fps(5, 0)):
        with pytest.raises(ValueError):
            call()
