"""Residual networks' tensors in PyTorch's names: each lands where it belongs, or the file is refused."""

import functools

import numpy as np
import pytest
from keras import ops

import keras_vid
from keras_vid.weights.convert import assign, find_layout, layout_options, resnet


@functools.cache
def tiny(name, **options):
    return keras_vid.create(name, classes=3, **{"frames": 2, "size": 32, **options})


def foreign(model):
    """What PyTorch would hold for this model: random tensors in its names and axis order."""
    rng, tensors = np.random.default_rng(0), {}
    for layer in model.layers:
        for name, weight in zip(resnet._names(layer.name), layer.weights):
            value = rng.uniform(0.5, 1.5, weight.shape).astype("float32")
            value = value.reshape(1, 1, *value.shape) if ".se." in name and value.ndim == 2 else value
            tensors[name] = np.moveaxis(value, (-1, -2), (0, 1)) if value.ndim > 1 else value
    return tensors


def tsm_names(tensors):
    return {"module." + ("" if n.startswith("new_fc") else "base_model.") + n: v for n, v in tensors.items()}


def test_a_tsm_file_lands_in_tsm():
    model = tiny("tsm_resnet50")
    tensors = foreign(model)
    count, left = assign(model, tsm_names(tensors))
    assert (count, left) == (len(tensors), [])
    assert layout_options(find_layout(tensors), tensors) == {"classes": 3}
    kernel = ops.convert_to_numpy(model.get_layer("conv3_block1_0_conv").kernel)
    np.testing.assert_array_equal(kernel[0, 0].T, tensors["layer2.0.downsample.0.weight"][:, :, 0, 0])
    bn = model.get_layer("conv5_block3_2_bn")
    np.testing.assert_array_equal(ops.convert_to_numpy(bn.moving_variance), tensors["layer4.2.bn2.running_var"])


def test_flow_gets_the_mean_over_colours():
    tensors = foreign(tiny("tsn_resnet50"))
    tensors.pop("new_fc.weight"), tensors.pop("new_fc.bias")
    tensors |= {"fc.weight": np.zeros((1000, 2048)), "fc.bias": np.zeros(1000)}
    model = tiny("tsn_resnet50", channels=10)
    assert assign(model, tensors)[1] == ["fc.weight", "fc.bias"]
    kernel = ops.convert_to_numpy(model.get_layer("conv1_conv").kernel)
    mean = tensors["conv1.weight"].mean(1).transpose(1, 2, 0)
    np.testing.assert_allclose(kernel, np.repeat(mean[:, :, None], 10, 2), rtol=1e-5)


def test_what_does_not_fit_is_refused_and_changes_nothing():
    model = tiny("tsn_resnet50")
    before = ops.convert_to_numpy(model.get_layer("conv1_conv").kernel).copy()
    tensors = foreign(model)
    with pytest.raises(ValueError, match="no place for 1 tensors, such as 'layer3.6.conv1.weight'"):
        assign(model, {**tensors, "layer3.6.conv1.weight": np.zeros(1)})
    del tensors["layer4.0.bn1.bias"]
    with pytest.raises(ValueError, match="no tensor 'layer4.0.bn1.bias' for layer 'conv5_block1_1_bn'"):
        assign(model, tensors)
    np.testing.assert_array_equal(before, ops.convert_to_numpy(model.get_layer("conv1_conv").kernel))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["stm_resnet50", "sth_resnet50", "stnet_resnet50", "r2plus1d_parallel_resnet50"])
def test_image_weights_enter_every_residual_video_network(name):
    tensors = foreign(tiny("tsn_resnet50"))
    model = tiny(name, frames=10 if "stnet" in name else 2)
    left = assign(model, tensors)[1]
    assert all("fc" in tensor for tensor in left)


@pytest.mark.slow
def test_squeeze_and_excite():
    model = tiny("tsn_se_resnext101")
    tensors = foreign(model)
    assert tensors["layer1.0.se.fc1.weight"].shape == (16, 256, 1, 1)
    assert assign(model, tensors) == (len(tensors), [])
