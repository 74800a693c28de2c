"""What a detector finds in keyframes, in a whole video, and in a data set."""

import numpy as np
from keras_vid.detection.data import table as tables
from keras_vid.detection.data.inputs import Clips, keyframes
from keras_vid.detection.draw import draw

from keras_vid.utils.errors import InputError
from keras_vid.video import VideoError, count_frames, probe, read, write


def detect(detector, clips, keys, batch_size=4):
    """Yield what is found around each keyframe: (video, frame, boxes in the video's own pixels, scores, labels).

    Args:
        clips: A `keras_vid.detection.data.inputs.Clips` for the detector's settings.
        keys: (name of a video, frame) of each keyframe. Those that cannot be read are left out, and are then in
            `clips.skipped`.
    """
    batch = []
    for name, frame in keys:
        try:
            batch.append((name, frame, clips.size(name), clips(name, frame)))
        except (ValueError, OSError, MemoryError) as error:
            clips.skip(name, error)
        if len(batch) == batch_size:
            yield from _detect(detector, batch)
            batch = []
    if batch:
        yield from _detect(detector, batch)


def _detect(detector, batch):
    inputs = {kind: np.stack([sample[kind] for *_, sample in batch]) for kind in batch[0][3]}
    outputs = {kind: np.asarray(value) for kind, value in detector.predict_on_batch(inputs).items()}
    height, width = detector.settings.size
    for i, (name, frame, size, _) in enumerate(batch):
        boxes, scores, labels = (outputs[kind][i, : outputs["count"][i]] for kind in ("boxes", "scores", "labels"))
        scale = np.array([size[1] / width, size[0] / height] * 2, "float32")
        yield name, frame, boxes * scale, scores, labels


def detect_video(detector, source, flow=None, progress=None):
    """What is found in every frame of a video: a list of (boxes, scores, labels)."""
    clips = Clips({"video": source}, detector.settings, flow and {"video": flow})
    count = count_frames(source)
    detections = []
    for _, frame, *rest in detect(detector, clips, [("video", frame) for frame in range(count)]):
        detections.append(rest)
        if progress:
            progress(frame + 1, count)
    if len(detections) != count:
        raise VideoError(f"{source}: {next(iter(clips.skipped.values()))}")
    return detections


def detect_set(detector, gt, clips, which="annotated", min_score=0.001, progress=None):
    """What is found in the keyframes of a data set, as a table of detections for frame-mAP.

    Args:
        gt: The table of ground truth; the result is in its pixels.
        which: Keyframes, "annotated" ones or "all" frames.
        min_score: Detections of a lower score are left out.
    """
    keys = [(gt.videos[v], int(f)) for v, f in keyframes(gt, which)]
    columns = []
    for name, frame, boxes, scores, labels in detect(detector, clips, keys):
        if gt.size:
            height, width = clips.size(name)
            boxes = boxes * np.array([gt.size[0] / width, gt.size[1] / height] * 2, "float32")
        kept = scores >= min_score
        count = int(kept.sum())
        names = [detector.classes[label] for label in labels[kept]]
        columns.append(([name] * count, [frame] * count, names, boxes[kept], scores[kept]))
        if progress:
            progress(len(columns), len(keys))
    if not sum(len(row[0]) for row in columns):
        raise InputError(f"nothing was found in {len(keys)} keyframes, {len(clips.skipped)} videos could not be read")
    video, frame, label = (sum((row[i] for row in columns), []) for i in range(3))
    box, score = (np.concatenate([row[i] for row in columns]) for i in (3, 4))
    return tables.make(video, frame, label, box, score=score)


def draw_video(source, detections, classes, path, min_score=0.5):
    """Write a video with what was found of at least some score drawn on every frame; sound is left out."""
    frames = read(source)
    pictures = []
    for frame, (boxes, scores, labels) in zip(frames, detections):
        kept = scores >= min_score
        texts = [f"{classes[label]} {score:.2f}" for label, score in zip(labels[kept], scores[kept])]
        pictures.append(draw(frame, boxes[kept], texts, labels[kept].tolist()))
    return write(path, np.stack(pictures), probe(source)["fps"] or 25)


def rows_of(detections, classes, min_score=0.0):
    """What was found as a list of rows for JSON: frame, label, score and box of each detection."""
    return [
        {"frame": frame, "label": classes[label], "score": round(float(score), 6), "box": np.round(box, 2).tolist()}
        for frame, (boxes, scores, labels) in enumerate(detections)
        for box, score, label in zip(boxes.astype("float64"), scores, labels)
        if score >= min_score
    ]
