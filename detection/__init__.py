"""Action detection: boxes, ground truth of JHMDB and UCF101-24, and frame-mAP with its rule named."""
