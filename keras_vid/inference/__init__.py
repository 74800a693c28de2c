"""Trained networks at work: loaded, shown a video, asked for its labels."""
