import dataclasses

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

from keras_vid.training.data import views
from keras_vid.training.recipes import recipe


def numbered(count, height=40, width=60):
    """A clip whose pixels are the number of their frame."""
    return tf.constant(np.broadcast_to(np.arange(count)[:, None, None, None], (count, height, width, 3)), tf.uint8)


def looked_at(row, count, order="forward", height=40, width=60):
    """(frame numbers of each view) of a test of a video of so many frames, and the views."""
    indices = views.test_indices(row)(count)
    clips, label = views.test_transform(row, order)(tf.gather(numbered(count, height, width), indices), 3, [1, 2])
    assert label == 3
    return clips.numpy()[:, :, 0, 0, 0].tolist(), clips.numpy()


def small(name, **changes):
    return dataclasses.replace(recipe(name), size=24, short=32, test_size=None, **changes)


def test_ten_clips_by_three_crops():
    """STM's thirty views: crops of one clip follow each other, and hold the same frames."""
    row = small("stm_resnet50/ucf101", frames=4)
    frames, clips = looked_at(row, 80)
    assert clips.shape == (30, 4, 24, 24, 3)
    assert frames[0] == frames[1] == frames[2] != frames[3]
    assert all(0 <= v[0] < 20 <= v[1] < 40 <= v[2] < 60 <= v[3] < 80 for v in frames)


def test_all_frames_of_a_video():
    """S3D: a video of 30 frames is looped to 40, one of 60 gives its middle 40."""
    row = small("s3dg/mini_kinetics200", test_frames=40)
    assert looked_at(row, 30)[0] == [[*range(30), *range(10)]]
    assert looked_at(row, 60)[0] == [list(range(10, 50))]


def test_super_images_are_neighbours():
    row = small("stnet_resnet50/kinetics400", frames=6, neighbours=3, test_frames=12)
    [frames], clips = looked_at(row, 40)
    assert frames == [3, 4, 5, 13, 14, 15, 23, 24, 25, 33, 34, 35]


def test_orders():
    row = small("tsm_resnet50/ucf101", frames=4, views=2)
    forward = looked_at(row, 80)[0]
    assert looked_at(row, 80, "reverse")[0] == [view[::-1] for view in forward]
    assert looked_at(row, 80, "freeze")[0] == [[view[2]] * 4 for view in forward]
    shuffled = looked_at(row, 80, "shuffle")[0]
    assert [sorted(view) for view in shuffled] == forward
    with pytest.raises(ValueError, match="order"):
        looked_at(row, 80, "backwards")


@pytest.mark.parametrize("crop", ["random", "squash", "corner", "sth"])
def test_training_crops_have_one_size(crop):
    row = dataclasses.replace(small("tsm_resnet50/ucf101", crop=crop), flip=True)
    transform = views.train_transform(row, swap=[0, -1])
    for height, width in ((40, 60), (60, 40), (20, 90)):
        clip, label = transform(numbered(5, height, width), tf.constant(1), [3, 4])
        assert clip.shape == (5, 24, 24, 3) and int(label) == 1
        assert (clip.numpy()[:, 0, 0, 0] == range(5)).all()


def test_tested_on_more_segments_and_larger_crops():
    """StNet trains on 7 segments and is tested on 25: the same weights in a network for more frames."""
    from keras_vid.training.evaluation.evaluate import for_testing

    import keras_vid

    row = small("stnet_resnet14/synthetic", frames=6, neighbours=3)
    network = keras_vid.create("stnet_resnet14", classes=3, frames=6, size=24, length=3)
    assert for_testing(network, row) is network
    other = for_testing(network, dataclasses.replace(row, test_frames=12, test_size=32))
    assert other.input_shape[1:4] == (12, 32, 32)
    assert all((a == b).all() for a, b in zip(network.get_weights(), other.get_weights()))


def test_numbers_name_their_protocol():
    text = views.protocol(recipe("s3dg/mini_kinetics200"))
    assert text == "all frames, looped or cut to 250, centre crop 224, at 25 frames a second"
    text = views.protocol(recipe("tsm_resnet50/jester"), "reverse", "logits")
    assert text == "2 clips of 8 frames (segments, twice), centre crop 224, mean of logits, frames: reverse"
