"""Video in and out, without Keras: decode, sample, write."""

from keras_vid.utils.errors import VideoError
from keras_vid.video.reading import count_frames, frame_rate, frame_times, probe, read
from keras_vid.video.writing import write

__all__ = ["VideoError", "count_frames", "frame_rate", "frame_times", "probe", "read", "write"]
