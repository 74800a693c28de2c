"""The ablations of the S3D paper."""

from keras_vid.training.ablations.table import Row, Table, numbers

S3D = "https://arxiv.org/abs/1712.04851"
TRANSITIONS = ("Conv2d_2c_3x3", "Mixed_3b", "Mixed_4b", "Mixed_4e", "Mixed_5b")  # ours: the figure names none
FAMILIES = {  # of figure 4: how the paper draws each
    "top_heavy_i3d": "Top-Heavy-I3D",
    "bottom_heavy_i3d": "Bottom-Heavy-I3D",
    "top_heavy_s3d": "Top-Heavy-S3D",
    "bottom_heavy_s3d": "Bottom-Heavy-S3D",
}


def _figure4():
    """Each family from one end to the other, and the networks at both ends."""
    yield Row("I2D", "i2d")
    for model, family in FAMILIES.items():
        for transition in TRANSITIONS:
            known = numbers(78.0, macs=43.47) if (model, transition) == ("top_heavy_s3d", "Mixed_5b") else {}
            yield Row(f"{family}, {transition}", model, {"transition": transition}, paper=known, series=family)
    yield Row("I3D", "i3d", {"style": "paper"}, paper=numbers(78.4, macs=107.9))
    yield Row("S3D", "s3d", paper=numbers(macs=66.38))


S3D_TABLES = {
    "s3d/table1": Table(
        "Does the order of frames matter?",
        f"{S3D}, Table 1 (its Something-Something half)",
        "something_v1",
        "i3d",
        (
            Row("I3D", "i3d", {"style": "paper"}, paper=numbers(45.8, reverse=15.2)),
            Row("I2D", "i2d", paper=numbers(34.4, reverse=35.2)),
        ),
        reverse=True,
    ),
    "s3d/table2": Table(
        "Separable convolutions and feature gates",
        f"{S3D}, Table 2",
        "kinetics400",
        "s3dg",
        (
            Row("I3D", "i3d", {"style": "paper"}, paper=numbers(71.1, 89.3, 12.06, 107.89)),
            Row("S3D", "s3d", paper=numbers(72.2, 90.6, 8.77, 66.38)),
            Row("S3D-G", "s3dg", paper=numbers(74.7, 93.4, 11.56, 71.38)),
        ),
    ),
    "s3d/table3": Table(
        "The same where time matters",
        f"{S3D}, Table 3",
        "something_v1",
        "s3dg",
        (
            Row("I2D", "i2d", paper=numbers(34.4, 69.0)),
            Row("I3D", "i3d", {"style": "paper"}, paper=numbers(45.8, 76.5)),
            Row("S3D", "s3d", paper=numbers(47.3, 78.1)),
            Row("S3D-G", "s3dg", paper=numbers(48.2, 78.7)),
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
            Row("two branches", "s3d", {"temporal_branches": 2}, paper=numbers(78.4)),
            Row("four branches", "s3d", {"temporal_branches": 4}, paper=numbers(78.9)),
        ),
    ),
    "s3d/width": Table(
        "Do fewer parameters alone help?",
        f"{S3D}, 4.4 (the paper gives no number of the narrow network)",
        "kinetics400",
        "s3d",
        (
            Row("I3D", "i3d", {"style": "paper"}, paper=numbers(71.1, 89.3)),
            Row("I3D, narrow", "i3d", {"style": "paper", "width": 0.8}),  # as many parameters as S3D: ours
            Row("S3D", "s3d", paper=numbers(72.2, 90.6)),
        ),
    ),
    "s3d/gating": Table(
        "What a gate averages over, and where it stands",
        f"{S3D}, 4.6 (numbers of the first two rows alone)",
        "kinetics400",
        "s3dg",
        (
            Row("no gates", "s3d", paper=numbers(72.2, 90.6)),
            Row("after each temporal convolution", "s3dg", paper=numbers(74.7, 93.4)),
            Row("mean over space alone", "s3dg", {"gate_over": "space"}),
            Row("mean over time alone", "s3dg", {"gate_over": "time"}),
            Row("of the final embedding", "s3dg", {"gating": "embedding"}),
            Row("after each branch", "s3dg", {"gating": "branch"}),
            Row("after each block", "s3dg", {"gating": "cell"}),
        ),
    ),
}
