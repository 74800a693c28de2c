"""Frame-mAP, video-mAP and kinds of errors."""
