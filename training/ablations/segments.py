"""The ablations of the StNet, STM and STH papers."""

from keras_vid.training.ablations.table import Row, Table, numbers

STNET = "https://arxiv.org/abs/1811.01549"
STM = "https://arxiv.org/abs/1908.02486"
STH = "https://arxiv.org/abs/2003.08042"
TWO_CLIPS = {"views": 2, "crops": 3}  # STH's tables but 2 and 9: two clips a video (three crops as in its Table 3)
TSN_ROW = numbers(19.7, 46.6)
STM_ROW = numbers(49.2, 79.3)

SEGMENT_TABLES = {
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
                paper=numbers(72.2),
            ),
            Row("+ super-images", "stnet", {"modelling": None, "xception": False}, paper=numbers(74.2)),
            Row("+ temporal modelling", "stnet", {"xception": False}, paper=numbers(76.0)),
            Row("+ temporal Xception", "stnet", paper=numbers(76.3)),
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
            Row("CSTM", "stm", {"modules": ("cstm",)}, paper=numbers(47.7, 77.9)),
            Row("CMM", "stm", {"modules": ("cmm",)}, paper=numbers(44.1, 74.8)),
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
            Row("concatenation", "stm", {"fusion": "concat"}, paper=numbers(41.8, 73.2)),
        ),
    ),
    "stm/table7": Table(
        "Where STM blocks are, and how many",
        f"{STM}, Table 7",
        "something_v1",
        "stm",
        (
            Row("stage 2, one block", "stm", {"stages": (2,), "blocks": 1}, paper=numbers(38.7, 70.1)),
            Row("stage 3, one block", "stm", {"stages": (3,), "blocks": 1}, paper=numbers(40.6, 71.6)),
            Row("stage 4, one block", "stm", {"stages": (4,), "blocks": 1}, paper=numbers(41.5, 72.6)),
            Row("stage 5, one block", "stm", {"stages": (5,), "blocks": 1}, paper=numbers(41.5, 71.8)),
            Row("one block of each stage", "stm", {"blocks": 1}, paper=numbers(47.9, 78.1)),
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
            Row("channel-wise", "stm", {"modules": ("cstm",)}, paper=numbers(47.7, None, 23.88, 32.93)),
            Row("ordinary", "stm", {"modules": ("cstm",), "ordinary": True}, paper=numbers(46.9, None, 27.64, 40.59)),
        ),
    ),
    "sth/table6": Table(
        "How much of a kernel sees time",
        f"{STH}, Table 6",
        "something_v1",
        "sth",
        (
            Row("p = 0", "sth", {"proportion": 0, "attention": False}, paper=numbers(19.7, 46.6, 24.4, 33.3)),
            Row("p = 1/8", "sth", {"proportion": 1 / 8, "attention": False}, paper=numbers(46.6, 76.8, 23.1, 32.2)),
            Row("p = 1/4", "sth", {"proportion": 1 / 4, "attention": False}, paper=numbers(46.8, 77.1, 22.0, 30.5)),
            Row("p = 1/2", "sth", {"proportion": 1 / 2, "attention": False}, paper=numbers(45.1, 76.0, 20.3, 28.5)),
        ),
        fields=TWO_CLIPS,
    ),
    "sth/table7": Table(
        "Hybrid, merged and (2+1)D convolutions",
        f"{STH}, Table 7",
        "something_v1",
        "sth",
        (
            Row("(2+1)D, sequential", "r2plus1d_sequential", paper=numbers(42.7, 72.5, 27.6, 37.9)),
            Row("(2+1)D, parallel", "r2plus1d_parallel", paper=numbers(45.4, 76.3, 27.6, 37.9)),
            Row("STH, merged", "sth", {"merge": True, "attention": False}, paper=numbers(45.9, 76.5, 22.0, 30.5)),
            Row("STH, hybrid", "sth", {"attention": False}, paper=numbers(46.8, 77.1, 22.0, 30.5)),
            Row("STH, hybrid with attention", "sth", paper=numbers(47.8, 77.9, 23.2, 30.5)),
        ),
        fields=TWO_CLIPS,
    ),
    "sth/table8": Table(
        "Fixed or dilated kernels",
        f"{STH}, Table 8",
        "something_v1",
        "sth",
        (
            Row("fixed", "sth", paper=numbers(47.8, 77.9, 23.2, 30.5)),
            Row("dilated", "sth", {"dilated": True}, paper=numbers(48.4, 78.2, 23.2, 30.5)),
        ),
        fields=TWO_CLIPS,
    ),
}
