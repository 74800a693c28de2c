"""Published weights of TSM and TSN: the rows of MIT and OpenMMLab, whose authors state the accuracies."""

from keras_vid.weights.row import Row

MIT = "https://hanlab18.mit.edu/projects/tsm/models/"
OPENMMLAB = "https://download.openmmlab.com/mmaction/v1.0/recognition/"
CLASSES = {"kinetics400": 400, "something_v1": 174, "something_v2": 174}
# Eight neighbouring frames at every eighth frame of the video; the authors start a short video over.
DENSE = {"dense": True, "stride": 8, "loop": True}


def _mit(data, file, accuracy, protocol, view=None, **options):
    return Row(
        files=((f"{MIT}TSM_{file}.pth", ""),),  # MIT publishes no checksums
        source="mit-han-lab/temporal-shift-module",
        licence="MIT",
        options={"classes": CLASSES[data], **options},
        labels=data,
        accuracy=accuracy,
        protocol=protocol,
        view=view or {},
    )


def _openmmlab(data, folder, stamp, accuracy, protocol, view=None, **options):
    name = folder.rsplit("/", 1)[1]
    return Row(
        files=((f"{OPENMMLAB}{folder}/{name}_{stamp}.pth", stamp.rsplit("-", 1)[1]),),
        source="open-mmlab/mmaction2",
        licence="Apache-2.0",
        options={"classes": CLASSES[data], **options},
        labels=data,
        accuracy=accuracy,
        protocol=protocol,
        view=view or {},
    )


K, V1, V2 = "kinetics400", "something_v1", "something_v2"
TABLE, ONE, TEN, TWO = "as its table states", "1 clip, centre crop", "10 clips x 3 crops", "2 clips, whole pictures"
_R50, _R101 = "resnet50_shift8_blockres_avg_segment", "resnet101_shift8_blockres_avg_segment"
_TSM, _TSN = "tsm/tsm_imagenet-pretrained-", "tsn/tsn_imagenet-pretrained-"
_C2D = "c2d/c2d_"

ROWS = {
    "tsm_resnet50": {
        "kinetics400": _openmmlab(K, f"{_TSM}r50_8xb16-1x1x8-50e_kinetics400-rgb", "20220831-64d69186", 73.18, TABLE),
        "kinetics400_16f": _openmmlab(
            K, f"{_TSM}r50_8xb16-1x1x16-50e_kinetics400-rgb", "20220831-042b1748", 75.12, TABLE, frames=16
        ),
        "kinetics400_dense": _mit(K, f"kinetics_RGB_{_R50}8_e100_dense", 74.1, TEN, DENSE),
        "kinetics400_dense_openmmlab": _openmmlab(
            K, f"{_TSM}r50_8xb16-dense-1x1x8-50e_kinetics400-rgb", "20220831-f55d3c2b", 73.38, TABLE, DENSE
        ),
        "kinetics400_mit": _mit(K, f"kinetics_RGB_{_R50}8_e50", 71.2, ONE),
        "kinetics400_mit_16f": _mit(K, f"kinetics_RGB_{_R50}16_e50", 72.6, ONE, frames=16),
        "kinetics400_flow": _mit(K, f"kinetics_Flow_{_R50}8_e50", 55.7, ONE, channels=10),
        "something_v1": _mit(V1, f"something_RGB_{_R50}8_e45", 45.6, ONE),
        "something_v1_16f": _mit(V1, f"something_RGB_{_R50}16_e45", 47.2, ONE, frames=16),
        "something_v2": _openmmlab(V2, f"{_TSM}r50_8xb16-1x1x8-50e_sthv2-rgb", "20230317-be0fc26e", 62.72, TABLE),
        "something_v2_16f": _openmmlab(
            V2, f"{_TSM}r50_8xb16-1x1x16-50e_sthv2-rgb", "20230317-ec6696ad", 64.16, TABLE, frames=16
        ),
        "something_v2_mit": _mit(V2, f"somethingv2_RGB_{_R50}8_e45", 61.2, TWO),
        "something_v2_mit_16f": _mit(V2, f"somethingv2_RGB_{_R50}16_e45", 63.1, TWO, frames=16),
    },
    "tsm_resnet101": {
        "something_v1": _mit(V1, f"something_RGB_{_R101}8_e45", 46.9, ONE),
        "something_v2": _openmmlab(V2, f"{_TSM}r101_8xb16-1x1x8-50e_sthv2-rgb", "20230320-efcc0d1b", 63.7, TABLE),
        "something_v2_mit": _mit(V2, f"somethingv2_RGB_{_R101}8_e45", 63.3, TWO),
    },
    "tsn_resnet50": {
        "kinetics400": _openmmlab(K, f"{_TSN}r50_8xb32-1x1x8-100e_kinetics400-rgb", "20220906-2692d16c", 74.12, TABLE),
        "kinetics400_3f": _openmmlab(
            K,
            f"{_TSN}r50_8xb32-1x1x3-100e_kinetics400-rgb",
            "20220906-cd10898e",
            72.83,
            TABLE,
            frames=3,
        ),
        "kinetics400_dense": _openmmlab(
            K, f"{_C2D}r50-in1k-pre-nopool_8xb32-8x8x1-100e_kinetics400-rgb", "20221027-e0227b22", 73.44, TABLE, DENSE
        ),
        "kinetics400_mit": _mit(K, "kinetics_RGB_resnet50_avg_segment5_e50", 68.8, ONE),
    },
    "tsn_resnet101": {
        "kinetics400": _openmmlab(K, f"{_TSN}r101_8xb32-1x1x8-100e_kinetics400-rgb", "20220906-23cff032", 75.89, TABLE),
        "kinetics400_dense": _openmmlab(
            K, f"{_C2D}r101-in1k-pre-nopool_8xb32-8x8x1-100e_kinetics400-rgb", "20221027-557bd8bc", 74.97, TABLE, DENSE
        ),
    },
    "c2d_resnet50": {
        "kinetics400": _openmmlab(
            K,
            f"{_C2D}r50-in1k-pre_8xb32-8x8x1-100e_kinetics400-rgb",
            "20221027-3ca304fa",
            73.89,
            TABLE,
            DENSE,
            form="code",
        ),
    },
}
