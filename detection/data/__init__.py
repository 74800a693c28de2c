"""Ground truth, detections and clips with boxes."""
