"""One task of `keras-vid prepare`: some clips of a data set into one shard, in the form that the plan asks for.

A frame of a record is one JPEG of RGB; a field of optical flow is two grey ones, x and y. A shard's files appear whole
or not at all, and after them its state file with their checksums.
"""

import hashlib
import io
import os
from pathlib import Path

import numpy as np
from keras_vid.training.data.datasets import Item

from keras_vid.utils.errors import InputError
from keras_vid.utils.files import as_json, atomic, read_json, write_whole
from keras_vid.view import ClipView


def shard_name(shard, shards):
    """
    >>> shard_name(2, 40)
    'clips-00002-of-00040'
    """
    return f"clips-{shard:05d}-of-{shards:05d}"


def state_file(folder, shard):
    return Path(folder) / "state" / f"{shard:05d}.json"


def read_state(folder, shard):
    """What the state file of a shard says, {"files": .., "skipped": ..}; None where it is not there or damaged."""
    try:
        state = read_json(state_file(folder, shard), {"files": list, "skipped": list})
    except (InputError, OSError):
        return None
    facts = {"name": str, "clips": int, "frames": int, "bytes": int, "sha256": str}
    whole = all(isinstance(file, dict) for file in state["files"]) and all(
        isinstance(file.get(name), kind) for file in state["files"] for name, kind in facts.items()
    )
    return state if whole and all(isinstance(row, list) and len(row) == 3 for row in state["skipped"]) else None


def write_records(folder, plan, labels, task):
    """TFRecords of JPEG frames, one file a shard."""
    import tensorflow as tf

    shard, rows = task
    path = Path(folder) / f"{shard_name(shard, plan['shards'])}.tfrecord"
    lengths, skipped = [], []
    view = ClipView(fps=plan["fps"], stride=plan["stride"], channels=3 if plan["modality"] == "rgb" else 2)
    with atomic(path) as part, tf.io.TFRecordWriter(str(part)) as writer:
        for number, item in rows:
            item = Item(*item)
            try:
                example, length = encode(item, labels[item.label], plan["short"], plan["quality"], view)
            except (ValueError, OSError) as error:
                skipped.append(_reason(number, item, error))
                continue
            writer.write(example)
            lengths.append(length)
    return _settle_shard(folder, shard, [_facts(folder, path, len(lengths), sum(lengths))], skipped)


def write_clips(folder, plan, labels, task):
    """MP4 files, one a clip, in one folder a shard; at the nominal frame rate of their videos."""
    from keras_vid.training.data.pipeline import read_item

    from keras_vid import video

    shard, rows = task
    files, skipped = [], []
    view = ClipView(fps=plan["fps"], stride=plan["stride"])
    inside = Path(folder) / shard_name(shard, plan["shards"])
    inside.mkdir(parents=True, exist_ok=True)
    for number, item in rows:
        item = Item(*item)
        path = inside / f"{number:06d}_{Path(item.path).stem}.mp4"
        try:
            frames = read_item(item, None, plan["short"], view)
            rate = plan["fps"] or video.frame_rate(item.path) or 25
            video.write(path, frames, rate / plan["stride"])
        except (ValueError, OSError) as error:
            skipped.append(_reason(number, item, error))
            continue
        files.append({**_facts(folder, path, 1, len(frames)), "label": item.label})
    return _settle_shard(folder, shard, files, skipped)


WRITERS = {"frames": write_records, "clips": write_clips}


def encode(item, name, short=256, quality=90, view=None):
    """One clip as (bytes of a SequenceExample, number of frames). Of flow the view has 2 channels."""
    import tensorflow as tf
    from keras_vid.training.data.pipeline import read_item
    from PIL import Image

    frames = read_item(item, None, short, view or ClipView())
    images = []
    pictures = frames if frames.shape[-1] == 3 else np.moveaxis(frames, -1, 1).reshape(-1, *frames.shape[1:3])
    for picture in pictures:
        buffer = io.BytesIO()
        Image.fromarray(picture).save(buffer, "jpeg", quality=quality)
        images.append(tf.train.Feature(bytes_list=tf.train.BytesList(value=[buffer.getvalue()])))
    example = tf.train.SequenceExample()
    example.feature_lists.feature_list["image/encoded"].feature.extend(images)
    context = example.context.feature
    context["image/format"].bytes_list.value.append(b"jpeg")
    context["image/height"].int64_list.value.append(frames.shape[1])
    context["image/width"].int64_list.value.append(frames.shape[2])
    context["clip/frames"].int64_list.value.append(len(frames))
    context["clip/label/index"].int64_list.value.append(item.label)
    context["clip/label/string"].bytes_list.value.append(name.encode())
    context["clip/data_path"].bytes_list.value.append(os.path.basename(item.path).encode())
    return example.SerializeToString(deterministic=True), len(frames)


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _reason(number, item, error):
    return number, item.path, " ".join(str(error).split())


def _facts(folder, path, clips, frames):
    name = str(path.relative_to(folder))
    return {"name": name, "clips": clips, "frames": frames, "bytes": path.stat().st_size, "sha256": sha256(path)}


def _settle_shard(folder, shard, files, skipped):
    state_file(folder, 0).parent.mkdir(parents=True, exist_ok=True)
    write_whole(state_file(folder, shard), as_json({"files": files, "skipped": skipped}))
    return shard
