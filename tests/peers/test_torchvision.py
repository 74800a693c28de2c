"""Ours against torchvision under copied random weights: the same logits (`make test-torch` installs it)."""

import sys
import types

import numpy as np
import pytest

torch = pytest.importorskip("torch")
# torchvision's compiled operators want CUDA libraries; its networks are plain Python and do without them
sys.modules.setdefault("torchvision._meta_registrations", types.ModuleType("_meta_registrations"))
models = pytest.importorskip("torchvision.models")

from keras import ops

import keras_vid
from keras_vid.weights.convert import read_tensors


def shuffled(net, pictures):
    """Random weights, and the statistics that BatchNorms find in pictures: nothing is hidden by a zero or a one, and
    no signal fades on its way."""
    generator = torch.Generator().manual_seed(0)
    for name, tensor in net.state_dict().items():
        if "running_var" in name or name.endswith(("1.weight", "bn.weight")) and tensor.ndim == 1:
            tensor.uniform_(0.8, 1.2, generator=generator)
        elif tensor.ndim == 1 and tensor.is_floating_point():
            tensor.normal_(0, 0.1, generator=generator)
    for module in net.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            module.momentum = 1
    with torch.no_grad():
        net.train()(torch.randn(pictures, generator=generator))
    return net.eval()


@pytest.mark.parametrize("old_format", [False, True])
def test_s3d_gives_torchvisions_logits(tmp_path, old_format):
    net = shuffled(models.video.s3d(num_classes=5), (2, 3, 16, 224, 224))
    path = tmp_path / "s3d.pth"
    torch.save(net.state_dict(), path, _use_new_zipfile_serialization=not old_format)
    model = keras_vid.create("s3d", weights=str(path))
    clip = np.random.default_rng(0).integers(0, 256, (2, 16, 224, 224, 3)).astype("uint8")
    clip[1] //= 3
    mean = np.array([0.43216, 0.394666, 0.37645], "float32")
    std = np.array([0.22803, 0.22145, 0.216989], "float32")
    with torch.no_grad():
        expected = net(torch.from_numpy(((clip / np.float32(255) - mean) / std).transpose(0, 4, 1, 2, 3)).contiguous())
    ours = ops.convert_to_numpy(model(clip, training=False))
    expected = expected.numpy()
    assert np.ptp(expected, axis=0).max() > 0.01 * np.abs(expected).max()  # logits hang on the clip
    np.testing.assert_allclose(ours, expected, atol=1e-4 * np.abs(expected).max())


def test_inflated_googlenet_answers_a_still_video_like_the_frame(tmp_path):
    net = shuffled(
        models.googlenet(weights=None, init_weights=True, aux_logits=False, transform_input=False), (8, 3, 64, 64)
    )
    torch.save(net.state_dict(), tmp_path / "googlenet.pth")
    features = {}
    net.inception5b.register_forward_hook(lambda module, args, output: features.update(map=output))
    frame = np.random.default_rng(0).integers(0, 256, (224, 224, 3)).astype("uint8")
    mean, std = np.array([0.485, 0.456, 0.406], "float32"), np.array([0.229, 0.224, 0.225], "float32")
    with torch.no_grad():
        net(torch.from_numpy(((frame / np.float32(255) - mean) / std).transpose(2, 0, 1)[None]).contiguous())
    expected = features["map"].numpy().transpose(0, 2, 3, 1)[0]
    still = np.repeat(frame[None, None], 17, axis=1)
    for name in ("i2d", "s3d"):
        model = keras_vid.create(name, weights=str(tmp_path / "googlenet.pth"), classes=3)
        maps = ops.convert_to_numpy(keras_vid.features(model, "Mixed_5c")(still, training=False))[0]
        for t in range(maps.shape[0]):
            np.testing.assert_allclose(maps[t], expected, atol=1e-3 * np.abs(expected).max(), err_msg=f"{name} {t}")


def test_i3d_answers_a_long_still_video_like_the_frame_in_its_middle(tmp_path):
    """Zero padding in time is felt at both ends, and only there: a 3D network has no other way to know them."""
    net = shuffled(
        models.googlenet(weights=None, init_weights=True, aux_logits=False, transform_input=False), (8, 3, 64, 64)
    )
    torch.save(net.state_dict(), tmp_path / "googlenet.pth")
    frame = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype("uint8")
    image, video = (
        keras_vid.features(keras_vid.create(name, weights=str(tmp_path / "googlenet.pth"), classes=3), "Mixed_3c")
        for name in ("i2d", "i3d")
    )
    still = np.repeat(frame[None, None], 33, axis=1)
    expected = ops.convert_to_numpy(image(still, training=False))[0, 8]
    middle = ops.convert_to_numpy(video(still, training=False))[0, 8]
    np.testing.assert_allclose(middle, expected, atol=1e-3 * np.abs(expected).max())


def test_a_cut_off_file_is_refused(tmp_path):
    path = tmp_path / "s3d.pth"
    torch.save({"a": torch.zeros(1000)}, path, _use_new_zipfile_serialization=False)
    path.write_bytes(path.read_bytes()[:-400])
    with pytest.raises(ValueError, match="s3d.pth"):
        read_tensors(path)


def test_bfloat16_and_nested_checkpoints_are_read(tmp_path):
    torch.save({"state_dict": {"module.a": torch.ones(3, dtype=torch.bfloat16) / 3}, "epoch": 3}, tmp_path / "x.pth")
    arrays = read_tensors(tmp_path / "x.pth")
    np.testing.assert_allclose(arrays["a"], 1 / 3, rtol=1e-2)


@pytest.mark.parametrize("name", ["tsn_resnet50", "tsm_resnet50", "stm_resnet50"])
def test_resnet_backbones_answer_like_torchvisions(tmp_path, name):
    """The map before any temporal layer of TSM and STM, and the last features of TSN, for each frame of a clip."""
    net = shuffled(models.resnet50(), (8, 3, 64, 64))
    torch.save(net.state_dict(), tmp_path / "resnet50.pth")
    taps = {}
    net.maxpool.register_forward_hook(lambda module, args, output: taps.update(pool1_pool=output))
    net.avgpool.register_forward_hook(lambda module, args, output: taps.update(avg_pool=output))
    clip = np.random.default_rng(0).integers(0, 256, (1, 2, 64, 64, 3)).astype("uint8")
    clip[:, 1] //= 3
    mean, std = np.array([0.485, 0.456, 0.406], "float32"), np.array([0.229, 0.224, 0.225], "float32")
    with torch.no_grad():
        net(torch.from_numpy(((clip[0] / np.float32(255) - mean) / std).transpose(0, 3, 1, 2)).contiguous())
    tap = "avg_pool" if name.startswith("tsn") else "pool1_pool"
    expected = taps[tap].numpy()
    expected = expected[:, :, 0, 0] if tap == "avg_pool" else expected.transpose(0, 2, 3, 1)
    assert np.ptp(expected, axis=0).max() > 0.1 * np.abs(expected).max()  # features hang on the picture
    model = keras_vid.create(name, classes=3, frames=2, size=64, weights=str(tmp_path / "resnet50.pth"))
    ours = ops.convert_to_numpy(keras_vid.features(model, tap)(clip, training=False))
    np.testing.assert_allclose(ours, expected, atol=1e-3 * np.abs(expected).max())


def test_weights_of_another_network_are_refused(tmp_path):
    torch.save(models.resnet18().state_dict(), tmp_path / "resnet18.pth")
    for name in ("tsn_resnet50", "s3d"):
        with pytest.raises(ValueError, match="resnet18.pth"):
            keras_vid.create(name, classes=3, weights=str(tmp_path / "resnet18.pth"))
