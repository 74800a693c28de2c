"""What the public implementations of the Inception video networks do differently, as one table."""

import dataclasses
from dataclasses import dataclass

from keras_vid.utils.constructor import refuse_unknown
from keras_vid.utils.errors import InputError


@dataclass(frozen=True)
class Style:
    """Every choice on which I3D and S3D implementations differ; each field is an option of `keras_vid.create`.

    >>> Style(stem_kernel=3).stem_kernel
    3
    """

    stem: str = "auto"  # "2d", "3d", "separable", or "auto": like the other layers at the bottom of the network
    stem_kernel: int = 7  # frames that the first convolution sees
    padding: str = "same"  # "symmetric", as PyTorch pads, or "googlenet": convolutions as PyTorch, pools as TensorFlow
    bn_scale: bool = True
    temporal_bn: bool = True  # BatchNorm after the temporal half of a separable convolution
    temporal_bias: bool = False
    temporal_branches: int = 2  # as figure 3 draws them; 4: footnote 5, "whenever we refer to an S3D model"
    gating: str | None = None  # "temporal", "branch", "cell", "branch_and_cell", "embedding" (before the classifier)
    gate_over: str = "space_time"  # what the mean of a gate is taken over; or "space", or "time" (4.6 of the S3D paper)
    gate_bias: bool = True
    width: float = 1.0  # of all layers: the control of 4.4, fewer parameters without separable convolutions
    flat_pools: bool = False  # pool branches of 2D blocks do not look at neighbouring frames
    pool_last: bool = False  # pool branches convolve first
    head: str = "windows"  # or "global": plain global average pooling
    dropout: float = 0.2
    mean: tuple = (127.5, 127.5, 127.5)  # of the pixels; the default brings 0..255 to -1..1
    std: tuple = (127.5, 127.5, 127.5)

    def __post_init__(self):
        for field, allowed in ALLOWED.items():
            if getattr(self, field) not in allowed:
                raise InputError(f"{field}={getattr(self, field)!r} is none of {', '.join(map(repr, allowed))}")
        if not 0 < self.width <= 4:
            raise InputError(f"width={self.width!r}: a share of the network's channels, such as 0.75")
        if len(self.mean) != 3 or len(self.std) != 3 or min(self.std) <= 0:
            raise InputError(
                f"mean={self.mean!r}, std={self.std!r}: a number each for red, green and blue, std above 0"
            )


ALLOWED = {
    "stem": ("auto", "2d", "3d", "separable"),
    "stem_kernel": (1, 3, 5, 7),
    "padding": ("same", "symmetric", "googlenet"),
    "temporal_branches": (2, 4),
    "gating": (None, "temporal", "branch", "cell", "branch_and_cell", "embedding"),
    "gate_over": ("space_time", "space", "time"),
    "head": ("windows", "global"),
}

KINETICS_MEAN = tuple(255 * m for m in (0.43216, 0.394666, 0.37645))
KINETICS_STD = tuple(255 * s for s in (0.22803, 0.22145, 0.216989))

STYLES = {
    # As figures 3 and 6 of the S3D paper have it, with BatchNorm after both halves (ours: the paper does not say). Its
    # footnote 5 puts temporal convolutions on all four branches instead: temporal_branches=4. The pool branches keep
    # TF-slim's pools over three frames in 2D blocks, too, where the paper says nothing: flat_pools=True.
    "paper": Style(),
    # google-deepmind/kinetics-i3d
    "deepmind": Style(bn_scale=False, dropout=0.5),
    # tensorflow/models, research/slim/nets/s3dg.py: the layout of the checkpoints that Google trained
    "slim": Style(stem="3d", stem_kernel=3, bn_scale=False, temporal_bn=False, temporal_bias=True, gate_bias=False),
    # torchvision and kylemin/S3D, which share weights
    "torch": Style(padding="symmetric", mean=KINETICS_MEAN, std=KINETICS_STD),
    # antoine77340/S3D_HowTo100M, without its space-to-depth stem
    "howto100m": Style(stem="3d", stem_kernel=3, head="global", mean=(0, 0, 0), std=(255, 255, 255)),
    # tensorflow/models, official/projects/s3d
    "garden": Style(stem="3d", stem_kernel=3, bn_scale=False, flat_pools=True, pool_last=True, head="global"),
}

# Where each implementation puts its feature gates, for networks that have them.
GATING = {"paper": "temporal", "torch": "branch", "slim": "branch", "howto100m": "branch", "garden": "cell"}


def choose_style(name: str, gated: bool, options: dict) -> Style:
    """The named style with single choices changed.

    >>> choose_style("slim", True, {"stem_kernel": 7}).gating
    'branch'
    """
    if name not in STYLES:
        raise InputError(f"style {name!r} is none of {', '.join(STYLES)}")
    fields = [field.name for field in dataclasses.fields(Style)]
    refuse_unknown(
        "this network", options, [*fields, "classes", "frames", "size", "channels", "weights", "name", "style"]
    )
    gating = {"gating": GATING.get(name, "temporal")} if gated else {}
    return dataclasses.replace(STYLES[name], **{**gating, **options})
