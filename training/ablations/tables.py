"""The ablation tables of the four papers: each row is a network with options, and what the paper says of it."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Row:
    """One line of a table.

    Attributes:
        name: As the paper calls it.
        model: A network's name, or one without its backbone (`"stm"` for `stm_resnet50`).
        options: Of the network's constructor.
        fields: Fields of the recipe in which this row differs from the others.
        paper: The paper's numbers: "top1", "top5" (percent), "parameters" (millions), "macs" (billions), and "reverse"
            (top-1 on frames played backwards).
        series: In a figure, the line that the row is a point of.
    """

    name: str
    model: str
    options: dict = field(default_factory=dict)
    fields: dict = field(default_factory=dict)
    paper: dict = field(default_factory=dict)
    series: str = ""


@dataclass(frozen=True)
class Table:
    """One table or figure.

    Attributes:
        title: What it asks.
        source: The paper and its table.
        dataset: What the paper trained on: the rows' recipe is that of `main` on it.
        main: The network whose recipe all rows are trained by.
        fields: Fields of that recipe that the table's own protocol changes.
        reverse: Test on frames played backwards, too.
        plot: Draw accuracy against multiply-adds, as the paper does.
        backbone: Of the networks that stand on an image network.
        note: What the reader has to know.
    """

    title: str
    source: str
    dataset: str
    main: str
    rows: tuple
    fields: dict = field(default_factory=dict)
    reverse: bool = False
    plot: bool = False
    backbone: str = "resnet50"
    note: str = ""


def _numbers(top1=None, top5=None, parameters=None, macs=None, reverse=None):
    given = {"top1": top1, "top5": top5, "parameters": parameters, "macs": macs, "reverse": reverse}
    return {name: value for name, value in given.items() if value is not None}


S3D = "https://arxiv.org/abs/1712.04851"
STNET = "https://arxiv.org/abs/1811.01549"
STM = "https://arxiv.org/abs/1908.02486"
STH = "https://arxiv.org/abs/2003.08042"
TRANSITIONS = ("Conv2d_2c_3x3", "Mixed_3b", "Mixed_4b", "Mixed_4e", "Mixed_5b")  # ours: the figure names none
FAMILIES = {  # of figure 4: how the paper draws each
    "top_heavy_i3d": "Top-Heavy-I3D",
    "bottom_heavy_i3d": "Bottom-Heavy-I3D",
    "top_heavy_s3d": "Top-Heavy-S3D",
    "bottom_heavy_s3d": "Bottom-Heavy-S3D",
}
CENTRE = {"views": 1, "crops": 1}
TWO_CLIPS = {"views": 2, "crops": 3}  # STH's tables but 2 and 9: two clips a video (three crops as in its Table 3)


def _figure4():
    """Each family from one end to the other, and the networks at both ends."""
    yield Row("I2D", "i2d")
    for model, family in FAMILIES.items():
        for transition in TRANSITIONS:
            known = _numbers(78.0, macs=43.47) if (model, transition) == ("top_heavy_s3d", "Mixed_5b") else {}
            yield Row(f"{family}, {transition}", model, {"transition": transition}, paper=known, series=family)
    yield Row("I3D", "i3d", {"style": "paper"}, paper=_numbers(78.4, macs=107.9))
    yield Row("S3D", "s3d", paper=_numbers(macs=66.38))


TSN_ROW = _numbers(19.7, 46.6)
STM_ROW = _numbers(49.2, 79.3)

TABLES = {
    "s3d/table1": Table(
        "Does the order of frames matter?",
        f"{S3D}, Table 1 (its Something-Something half)",
        "something_v1",
        "i3d",
        (
            Row("I3D", "i3d", {"style": "paper"}, paper=_numbers(45.8, reverse=15.2)),
            Row("I2D", "i2d", paper=_numbers(34.4, reverse=35.2)),
        ),
        reverse=True,
    ),
    "s3d/table2": Table(
        "Separable convolutions and feature gates",
        f"{S3D}, Table 2",
        "kinetics400",
        "s3dg",
        (
            Row("I3D", "i3d", {"style": "paper"}, paper=_numbers(71.1, 89.3, 12.06, 107.89)),
            Row("S3D", "s3d", paper=_numbers(72.2, 90.6, 8.77, 66.38)),
            Row("S3D-G", "s3dg", paper=_numbers(74.7, 93.4, 11.56, 71.38)),
        ),
    ),
    "s3d/table3": Table(
        "The same where time matters",
        f"{S3D}, Table 3",
        "something_v1",
        "s3dg",
        (
            Row("I2D", "i2d", paper=_numbers(34.4, 69.0)),
            Row("I3D", "i3d", {"style": "paper"}, paper=_numbers(45.8, 76.5)),
            Row("S3D", "s3d", paper=_numbers(47.3, 78.1)),
            Row("S3D-G", "s3dg", paper=_numbers(48.2, 78.7)),
        ),
    ),
    "s3d/figure4": Table(
        "Where do 3D convolutions belong?",
        f"{S3D}, Figure 4 (its Mini-Kinetics half; the points that the text gives numbers of)",
        "mini_kinetics200",
        "s3d",
        tuple(_figure4()),
        plot=True,
    ),
    "s3d/footnote5": Table(
        "Temporal convolutions on two or on four branches",
        f"{S3D}, footnote 5",
        "mini_kinetics200",
        "s3d",
        (
            Row("two branches", "s3d", {"temporal_branches": 2}, paper=_numbers(78.4)),
            Row("four branches", "s3d", {"temporal_branches": 4}, paper=_numbers(78.9)),
        ),
    ),
    "s3d/width": Table(
        "Do fewer parameters alone help?",
        f"{S3D}, 4.4 (the paper gives no number of the narrow network)",
        "kinetics400",
        "s3d",
        (
            Row("I3D", "i3d", {"style": "paper"}, paper=_numbers(71.1, 89.3)),
            Row("I3D, narrow", "i3d", {"style": "paper", "width": 0.8}),  # as many parameters as S3D: ours
            Row("S3D", "s3d", paper=_numbers(72.2, 90.6)),
        ),
    ),
    "s3d/gating": Table(
        "What a gate averages over, and where it stands",
        f"{S3D}, 4.6 (numbers of the first two rows alone)",
        "kinetics400",
        "s3dg",
        (
            Row("no gates", "s3d", paper=_numbers(72.2, 90.6)),
            Row("after each temporal convolution", "s3dg", paper=_numbers(74.7, 93.4)),
            Row("mean over space alone", "s3dg", {"gate_over": "space"}),
            Row("mean over time alone", "s3dg", {"gate_over": "time"}),
            Row("of the final embedding", "s3dg", {"gating": "embedding"}),
            Row("after each branch", "s3dg", {"gating": "branch"}),
            Row("after each block", "s3dg", {"gating": "cell"}),
        ),
    ),
    "stnet/table2": Table(
        "Super-images, temporal modelling blocks, temporal Xception block",
        f"{STNET}, Table 2",
        "kinetics600",
        "stnet",
        (
            Row(
                "single frames",
                "stnet",
                {"length": 1, "modelling": None, "xception": False},
                paper=_numbers(72.2),
            ),
            Row("+ super-images", "stnet", {"modelling": None, "xception": False}, paper=_numbers(74.2)),
            Row("+ temporal modelling", "stnet", {"xception": False}, paper=_numbers(76.0)),
            Row("+ temporal Xception", "stnet", paper=_numbers(76.3)),
        ),
        fields={"test_frames": None, "test_size": None},
        backbone="inception_resnet_v2",
    ),
    "stm/table5": Table(
        "Both modules of STM",
        f"{STM}, Table 5",
        "something_v1",
        "stm",
        (
            Row("TSN", "tsn", paper=TSN_ROW),
            Row("CSTM", "stm", {"modules": ("cstm",)}, paper=_numbers(47.7, 77.9)),
            Row("CMM", "stm", {"modules": ("cmm",)}, paper=_numbers(44.1, 74.8)),
            Row("STM", "stm", paper=STM_ROW),
        ),
    ),
    "stm/table6": Table(
        "How the two modules are joined",
        f"{STM}, Table 6",
        "something_v1",
        "stm",
        (
            Row("TSN", "tsn", paper=TSN_ROW),
            Row("summation", "stm", paper=STM_ROW),
            Row("concatenation", "stm", {"fusion": "concat"}, paper=_numbers(41.8, 73.2)),
        ),
    ),
    "stm/table7": Table(
        "Where STM blocks are, and how many",
        f"{STM}, Table 7",
        "something_v1",
        "stm",
        (
            Row("stage 2, one block", "stm", {"stages": (2,), "blocks": 1}, paper=_numbers(38.7, 70.1)),
            Row("stage 3, one block", "stm", {"stages": (3,), "blocks": 1}, paper=_numbers(40.6, 71.6)),
            Row("stage 4, one block", "stm", {"stages": (4,), "blocks": 1}, paper=_numbers(41.5, 72.6)),
            Row("stage 5, one block", "stm", {"stages": (5,), "blocks": 1}, paper=_numbers(41.5, 71.8)),
            Row("one block of each stage", "stm", {"blocks": 1}, paper=_numbers(47.9, 78.1)),
            Row("all blocks", "stm", paper=STM_ROW),
        ),
        note="resnet14 has one block a stage: there the last two rows are one network.",
    ),
    "stm/table8": Table(
        "Channel-wise or ordinary temporal convolution",
        f"{STM}, Table 8",
        "something_v1",
        "stm",
        (
            Row("channel-wise", "stm", {"modules": ("cstm",)}, paper=_numbers(47.7, None, 23.88, 32.93)),
            Row("ordinary", "stm", {"modules": ("cstm",), "ordinary": True}, paper=_numbers(46.9, None, 27.64, 40.59)),
        ),
    ),
    "sth/table6": Table(
        "How much of a kernel sees time",
        f"{STH}, Table 6",
        "something_v1",
        "sth",
        (
            Row("p = 0", "sth", {"proportion": 0, "attention": False}, paper=_numbers(19.7, 46.6, 24.4, 33.3)),
            Row("p = 1/8", "sth", {"proportion": 1 / 8, "attention": False}, paper=_numbers(46.6, 76.8, 23.1, 32.2)),
            Row("p = 1/4", "sth", {"proportion": 1 / 4, "attention": False}, paper=_numbers(46.8, 77.1, 22.0, 30.5)),
            Row("p = 1/2", "sth", {"proportion": 1 / 2, "attention": False}, paper=_numbers(45.1, 76.0, 20.3, 28.5)),
        ),
        fields=TWO_CLIPS,
    ),
    "sth/table7": Table(
        "Hybrid, merged and (2+1)D convolutions",
        f"{STH}, Table 7",
        "something_v1",
        "sth",
        (
            Row("(2+1)D, sequential", "r2plus1d_sequential", paper=_numbers(42.7, 72.5, 27.6, 37.9)),
            Row("(2+1)D, parallel", "r2plus1d_parallel", paper=_numbers(45.4, 76.3, 27.6, 37.9)),
            Row("STH, merged", "sth", {"merge": True, "attention": False}, paper=_numbers(45.9, 76.5, 22.0, 30.5)),
            Row("STH, hybrid", "sth", {"attention": False}, paper=_numbers(46.8, 77.1, 22.0, 30.5)),
            Row("STH, hybrid with attention", "sth", paper=_numbers(47.8, 77.9, 23.2, 30.5)),
        ),
        fields=TWO_CLIPS,
    ),
    "sth/table8": Table(
        "Fixed or dilated kernels",
        f"{STH}, Table 8",
        "something_v1",
        "sth",
        (
            Row("fixed", "sth", paper=_numbers(47.8, 77.9, 23.2, 30.5)),
            Row("dilated", "sth", {"dilated": True}, paper=_numbers(48.4, 78.2, 23.2, 30.5)),
        ),
        fields=TWO_CLIPS,
    ),
}
