"""The detector: backbones, region proposals, matching, losses."""
