"""What a detector finds in test keyframes after every epoch: the frame-mAP that chooses best.keras, and pictures."""

import keras
import numpy as np
import tensorflow as tf
from keras_vid.detection.data.inputs import Clips, keyframes
from keras_vid.detection.draw import WHITE, draw
from keras_vid.detection.evaluation.frame_map import frame_map
from keras_vid.detection.predict import detect, detect_set

from keras_vid.utils.errors import InputError
from keras_vid.utils.files import room_for
from keras_vid.video import read

VALIDATED = 500  # keyframes at most that choose best.keras, spread over the test set


def validator(test, flow=None):
    """(detector, tick) -> {"frame_map"} of the test keyframes, or of as many of them as an epoch can bear."""
    table, paths = test
    table = table.only([video for video in table.videos if video in paths])
    keys = keyframes(table)
    keys = keys[np.unique(np.linspace(0, len(keys) - 1, min(len(keys), VALIDATED)).astype(int))]
    chosen = {tuple(key) for key in keys.tolist()}
    table = table.rows(np.array([key in chosen for key in zip(table.video.tolist(), table.frame.tolist())], bool))

    def validate(detector, tick):
        clips = Clips(paths, detector.settings, flow)
        try:
            detections = detect_set(detector, table, clips, progress=tick)
        except InputError:
            if len(clips.skipped) == len(table.videos):
                raise
            return {"frame_map": 0.0}  # a detector that finds nothing yet
        return {"frame_map": frame_map(table, detections)["map"]}

    return validate


class Pictures(keras.callbacks.Callback):
    """Draws what is found in some test keyframes into TensorBoard after every epoch; the ground truth is white.

    Args:
        network: The detector.
        test: (table, {video: path}).
        folder: Of the events.
        count: How many keyframes, spread over the set.
    """

    def __init__(self, network, test, folder, flow=None, count=6, min_score=0.3):
        super().__init__()
        self.network = network
        self.gt, self.paths = test
        self.folder, self.flow, self.count, self.min_score = folder, flow, count, min_score

    def on_epoch_end(self, epoch, logs=None):
        with room_for(self.folder):
            self._write(epoch)

    def _write(self, epoch):
        gt = self.gt
        keys = keyframes(gt)[np.linspace(0, len(keyframes(gt)) - 1, self.count).astype(int)]
        clips = Clips(self.paths, self.network.settings, self.flow)
        writer = tf.summary.create_file_writer(str(self.folder / "pictures"))
        with writer.as_default(step=epoch + 1):
            named = [(gt.videos[video], int(frame)) for video, frame in keys]
            for name, frame, boxes, scores, labels in detect(self.network, clips, named):
                height, width = clips.size(name)
                rows = (gt.video == gt.videos.index(name)) & (gt.frame == frame)
                scale = np.array([width / gt.size[0], height / gt.size[1]] * 2) if gt.size else 1
                kept = scores >= self.min_score
                texts = [f"{gt.classes[label]} {score:.2f}" for label, score in zip(labels[kept], scores[kept])]
                picture = draw(read(self.paths[name], [frame])[0], boxes[kept], texts, labels[kept].tolist())
                picture = draw(picture, gt.box[rows] * scale, [""] * int(rows.sum()), [WHITE] * int(rows.sum()))
                tf.summary.image(f"{name} {frame}", picture[None])
        writer.close()
