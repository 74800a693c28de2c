"""TSM, TSN and C2D files as MIT and OpenMMLab write them, from networks written here in PyTorch: the same logits."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from keras import ops
from torch import nn

import keras_vid

FRAMES, CLASSES = 8, 7


def shifted(x):
    """The first eighth of the channels from the next frame, the second from the one before; zeros beyond the clip."""
    x = x.unflatten(0, (-1, FRAMES))
    part, y = x.shape[2] // 8, torch.zeros_like(x)
    y[:, :-1, :part] = x[:, 1:, :part]
    y[:, 1:, part : 2 * part] = x[:, :-1, part : 2 * part]
    y[:, :, 2 * part :] = x[:, :, 2 * part :]
    return y.flatten(0, 1)


class Shift(nn.Module):
    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x):
        return self.net(shifted(x))


class ConvModule(nn.Module):
    """A convolution and its norm in one module, as OpenMMLab nests them."""

    def __init__(self, conv, norm):
        super().__init__()
        self.conv, self.bn = conv, norm

    def forward(self, x):
        return self.bn(self.conv(x))


class Block(nn.Module):
    def __init__(self, width, inner, stride, nested, shift):
        super().__init__()
        self.nested = nested
        sizes = [(width, inner, 1, 1), (inner, inner, 3, stride), (inner, 4 * inner, 1, 1)]
        for number, (before, after, kernel, step) in enumerate(sizes, 1):
            conv = nn.Conv2d(before, after, kernel, step, kernel // 2, bias=False)
            conv = Shift(conv) if shift and number == 1 else conv
            self.unit(number, conv, nn.BatchNorm2d(after))
        self.downsample = None
        if stride > 1 or width != 4 * inner:
            conv, norm = nn.Conv2d(width, 4 * inner, 1, stride, bias=False), nn.BatchNorm2d(4 * inner)
            self.downsample = ConvModule(conv, norm) if nested else nn.Sequential(conv, norm)

    def unit(self, number, conv, norm):
        if self.nested:
            setattr(self, f"conv{number}", ConvModule(conv, norm))
        else:
            setattr(self, f"conv{number}", conv)
            setattr(self, f"bn{number}", norm)

    def forward(self, x):
        y = x
        for number in (1, 2, 3):
            y = getattr(self, f"conv{number}")(y)
            y = y if self.nested else getattr(self, f"bn{number}")(y)
            y = torch.relu(y) if number < 3 else y
        return torch.relu(y + (x if self.downsample is None else self.downsample(x)))


class ResNet(nn.Module):
    def __init__(self, blocks, nested, shift, channels=3, c2d=False):
        super().__init__()
        self.nested, self.c2d = nested, c2d
        conv, norm = nn.Conv2d(channels, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64)
        if nested:
            self.conv1 = ConvModule(conv, norm)
        else:
            self.conv1, self.bn1 = conv, norm
        width = 64
        for stage, count in enumerate(blocks, 1):
            inner, rows = 64 * 2 ** (stage - 1), []
            for block in range(count):
                stride = 2 if block == 0 and stage > 1 else 1
                here = shift and (count < 23 and max(blocks) < 23 or block % 2 == 0)
                rows.append(Block(width, inner, stride, nested, here))
                width = 4 * inner
            setattr(self, f"layer{stage}", nn.Sequential(*rows))

    def forward(self, x):
        x = self.conv1(x)
        x = torch.relu(x if self.nested else self.bn1(x))
        x = nn.functional.max_pool2d(x, 3, 2, 0 if self.c2d else 1)
        x = self.layer1(x)
        if self.c2d:  # the larger of two frames
            x = x.unflatten(0, (-1, FRAMES // 2, 2)).amax(2).flatten(0, 1)
        for stage in (2, 3, 4):
            x = getattr(self, f"layer{stage}")(x)
        return x.mean((2, 3))


def settled(net, pictures):
    """Random weights under which no signal fades and no layer is without effect."""
    generator = torch.Generator().manual_seed(0)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.weight.data.uniform_(0.8, 1.2, generator=generator)
            module.bias.data.normal_(0, 0.1, generator=generator)
            module.momentum = 1
    with torch.no_grad():
        net.train()(pictures)
    return net.eval()


class HistoryBuffer:
    """In the place of a class of OpenMMLab's own that their files pickle."""


CASES = [
    ("tsm_resnet50", (3, 4, 6, 3), {"nested": False, "shift": True}, {}),
    ("tsm_resnet50", (3, 4, 6, 3), {"nested": True, "shift": True}, {}),
    ("tsm_resnet50", (3, 4, 6, 3), {"nested": False, "shift": True, "channels": 10}, {"channels": 10}),
    ("tsm_resnet101", (3, 4, 23, 3), {"nested": False, "shift": True}, {}),
    ("tsn_resnet50", (3, 4, 6, 3), {"nested": True, "shift": False}, {}),
    ("c2d_resnet50", (3, 4, 6, 3), {"nested": True, "shift": False, "c2d": True}, {"form": "code"}),
]


@pytest.mark.parametrize("name, blocks, form, options", CASES)
def test_files_of_both_sources_give_the_logits_of_their_network(tmp_path, name, blocks, form, options):
    torch.manual_seed(1)
    channels = form.get("channels", 3)
    clip = np.random.default_rng(0).integers(0, 256, (1, FRAMES, 64, 64, channels)).astype("uint8")
    clip[:, ::2] //= 3
    if channels == 3:
        mean, std = (np.array(v, "float32") for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    else:
        mean, std = np.float32(127.5 / 255), np.float32((0.229 + 0.224 + 0.225) / 3)
    x = torch.from_numpy(((clip[0] / np.float32(255) - mean) / std).transpose(0, 3, 1, 2)).contiguous()
    net, head = settled(ResNet(blocks, **form), x), nn.Linear(2048, CLASSES)
    with torch.no_grad():
        expected = head(net(x)).mean(0).numpy()
    path = tmp_path / "published.pth"
    if form["nested"]:
        state = {f"backbone.{key}": value for key, value in net.state_dict().items()}
        state |= {f"cls_head.fc_cls.{key}": value for key, value in head.state_dict().items()}
        state["data_preprocessor.mean"] = torch.zeros(3)
        optimizer = {"state": {0: {"momentum_buffer": torch.ones(4)}}, "param_groups": [{"lr": 0.1, "params": [0]}]}
        torch.save({"meta": {"log": HistoryBuffer(), "epoch": 50}, "state_dict": state, "optimizer": optimizer}, path)
    else:
        state = {f"module.base_model.{key}": value for key, value in net.state_dict().items()}
        state |= {f"module.new_fc.{key}": value for key, value in head.state_dict().items()}
        torch.save({"epoch": 50, "arch": "resnet", "state_dict": state, "best_prec1": torch.tensor(70.0)}, path)
    model = keras_vid.create(name, size=64, weights=str(path), **options)
    ours = ops.convert_to_numpy(model(clip, training=False))[0]
    assert ours.shape == (CLASSES,) and np.ptp(expected) > 0.1
    deep = sum(blocks) > 16  # ResNet-101 rounds twice as often
    np.testing.assert_allclose(ours, expected, atol=4e-4 if deep else 1e-4)
