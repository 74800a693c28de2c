"""All choices of a detector, as one plain table.

The defaults are those of the S3D paper (section 5.3) with, where it refers to them, the recommended values of the TF
Object Detection API (its faster_rcnn_resnet50_coco configuration). What no source states is marked "chosen".
"""

from dataclasses import dataclass, field

from keras_vid.detection.modeling.anchors import RATIOS, SCALES

from keras_vid.utils.errors import InputError


@dataclass(frozen=True)
class Settings:
    """The choices; change any by name, as in `Settings(size=(160, 200), network="i3d")`.

    >>> Settings().endpoint
    'Mixed_4e'
    """

    # What is seen. Frames are stretched to the size, whatever their shape (the API's fixed-shape resizer).
    size: tuple = (320, 400)
    frames: int = 20  # keyframe - 10 to keyframe + 9; chosen: beyond an end the edge frame is repeated
    stride: int = 1  # only every `stride`-th frame
    streams: str = "rgb"  # or "flow", or "rgb+flow"
    fusion: str = "maps"  # of two streams: feature maps averaged, or "scores": a head each, probabilities averaged

    # The clip branch: any network of keras_vid.list_models() and one of its layers
    network: str = "s3dg"
    network_options: dict = field(default_factory=dict)  # as of keras_vid.create
    endpoint: str = "Mixed_4e"
    # Chosen: the regions go through the rest of the clip's network up to this layer, then the mean over time and space.
    # "dense": two dense layers of `units` on the mean over time, or with over_time="concat" on all time steps in order.
    head: str = "Mixed_5c"
    over_time: str = "mean"
    units: int = 1024
    train_clip: bool = True  # False: the clip's network up to the endpoint keeps its weights
    freeze_batch_norm: bool = True  # of all networks

    # The keyframe branch: one of keras_vid.backbones.BACKBONES, or "clip": the middle of the clip's own RGB map
    keyframe: str = "resnet50"
    keyframe_endpoint: str = "conv4"

    # Region proposals
    anchor_base: int = 256
    anchor_scales: tuple = SCALES
    anchor_ratios: tuple = RATIOS
    rpn_channels: int = 512
    rpn_low: float = 0.3
    rpn_high: float = 0.7
    rpn_batch: int = 256
    rpn_positive: float = 0.5
    proposals: int = 300
    proposal_overlap: float = 0.7

    # Actions
    pooling: str = "crop"  # as the API did it; "align": RoIAlign
    pooled: int = 7
    region_batch: int = 64
    region_positive: float = 0.25
    region_iou: float = 0.5
    truth_among_regions: bool = False  # while training; the API takes proposals alone, later detectors add the truth
    scores: str = "softmax"  # with a background class; "sigmoid": classes that may hold together (AVA)
    class_agnostic: bool = False  # one box for all classes, instead of one for each

    # Weights of the losses
    objectness_loss: float = 1.0
    proposal_boxes_loss: float = 2.0
    action_loss: float = 1.0
    action_boxes_loss: float = 2.0

    # Detections
    overlap: float = 0.6
    max_per_class: int = 100
    max_per_frame: int = 300
    min_score: float = 0.0

    def __post_init__(self):
        known = {"streams": ("rgb", "flow", "rgb+flow"), "fusion": ("maps", "scores"), "scores": ("softmax", "sigmoid")}
        known["over_time"] = ("mean", "concat") if self.head == "dense" else ("mean",)
        for name, values in known.items():
            if getattr(self, name) not in values:
                raise InputError(f"{name} {getattr(self, name)!r}: one of {', '.join(values)}")
        if self.keyframe == "clip" and self.streams == "flow":
            raise InputError('keyframe "clip" reads the RGB stream, which streams "flow" leaves out')
        for name in ("size", "anchor_scales", "anchor_ratios"):  # a saved file holds lists
            object.__setattr__(self, name, tuple(getattr(self, name)))
