"""Videos into sharded TFRecords of JPEG frames, once, so that training reads them fast.

Each shard is one task that depends on the plan alone: which tasks run where, in which order and how often does not
show in the output. A shard appears whole or not at all, then its state file with its checksum; so work killed at any
moment goes on with the shards that have none, and ends with the same bytes. `plan.json` says what is being made:
another plan in the same folder is refused.

The records are SequenceExamples with the field names of the TensorFlow Model Garden (`image/encoded`,
`clip/label/index`).
"""

import functools
import hashlib
import io
import json
import os
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from keras_vid.jobs import as_json, on_beam, part_of, settle, settle_plan, write_whole
from training.datasets import Item

FORMAT = 1  # of the output: a newer one starts anew


def prepare(dataset, folder, *, short=256, shards=None, quality=90, seed=0, workers=None, runner=None, progress=None):
    """Write a training.datasets.Dataset to `folder`; answers the manifest. Call it again to go on after a stop.

    Args:
        short: Short side of the frames; None keeps the size.
        shards: How many files; None: one for each 256 clips. Clips are spread over them in a random order.
        quality: Of JPEG, up to 95.
        workers: Processes; None: one for each core.
        runner: An Apache Beam runner such as "DirectRunner" or "DataflowRunner", instead of local processes.
        progress: Called with (shards done, shards).
    """
    folder = Path(folder)
    shards = shards or max(1, -(-len(dataset.items) // 256))
    if not 1 <= shards <= len(dataset.items):
        raise ValueError(f"{len(dataset.items)} clips go into 1 to {len(dataset.items)} shards, not {shards}")
    plan = _plan(dataset, short, shards, quality, seed)
    (folder / "state").mkdir(parents=True, exist_ok=True)
    settle_plan(folder / "plan.json", plan)
    order = np.random.default_rng(seed).permutation(len(dataset.items))
    tasks = []
    for shard in range(shards):
        if not _done(folder, shard, shards):
            tasks.append((shard, [(int(i), *dataset.items[i]) for i in order[shard::shards]]))
    write = functools.partial(write_shard, str(folder), shards, short, quality, dataset.labels)
    if runner:
        on_beam(write, tasks, runner, workers)
    else:
        _run_here(write, tasks, workers, shards, progress)
    return _finish(folder, plan, shards, dataset)


def _plan(dataset, short, shards, quality, seed):
    """What decides the output; the clips as one checksum."""
    clips = json.dumps([dataset.labels, dataset.items]).encode()
    return {
        "format": FORMAT,
        "dataset": dataset.name,
        "clips": len(dataset.items),
        "clips_sha256": hashlib.sha256(clips).hexdigest(),
        "short": short,
        "shards": shards,
        "quality": quality,
        "seed": seed,
    }


def shard_name(shard, shards):
    """
    >>> shard_name(2, 40)
    'clips-00002-of-00040.tfrecord'
    """
    return f"clips-{shard:05d}-of-{shards:05d}.tfrecord"


def _state(folder, shard):
    return Path(folder) / "state" / f"{shard:05d}.json"


def _done(folder, shard, shards):
    """Whether a shard is written: its state file is there, and the file has the size that it tells."""
    state, path = _state(folder, shard), Path(folder) / shard_name(shard, shards)
    return state.exists() and path.exists() and path.stat().st_size == json.loads(state.read_text())["bytes"]


def write_shard(folder, shards, short, quality, labels, task):
    """Write one shard and its state file. Unreadable videos are left out and named in the state file."""
    import tensorflow as tf

    shard, rows = task
    path = Path(folder) / shard_name(shard, shards)
    part = part_of(path)
    lengths, skipped = [], []
    with tf.io.TFRecordWriter(str(part)) as writer:
        for number, *fields in rows:
            item = Item(*fields)
            try:
                example, length = encode(item, labels[item.label], short, quality)
            except (ValueError, OSError) as error:
                skipped.append((number, item.path, " ".join(str(error).split())))
                continue
            writer.write(example)
            lengths.append(length)
    state = {"clips": len(lengths), "frames": sum(lengths), "skipped": skipped}
    state |= {"bytes": part.stat().st_size, "sha256": sha256(part)}
    settle(part, path)
    write_whole(_state(folder, shard), as_json(state))
    return shard


def encode(item, name, short=256, quality=90):
    """One clip as (bytes of a SequenceExample, number of frames)."""
    import tensorflow as tf
    from PIL import Image

    from training.input import read_item

    frames = read_item(item, None, short)
    images = []
    for frame in frames:
        buffer = io.BytesIO()
        Image.fromarray(frame).save(buffer, "jpeg", quality=quality)
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


def _run_here(write, tasks, workers, shards, progress):
    workers = min(workers or os.cpu_count(), len(tasks)) or 1
    done = shards - len(tasks)
    if workers == 1:
        results = map(write, tasks)
        pool = None
    else:
        # spawn: TensorFlow does not survive a fork
        pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"))
        results = (future.result() for future in as_completed([pool.submit(write, task) for task in tasks]))
    try:
        for _ in results:
            done += 1
            if progress:
                progress(done, shards)
    finally:
        if pool:
            pool.shutdown(cancel_futures=True)


def _finish(folder, plan, shards, dataset):
    """manifest.json, labels.txt, skipped.csv and SHA256SUMS from the state files."""
    import csv

    states = [json.loads(_state(folder, shard).read_text()) for shard in range(shards)]
    names = [shard_name(shard, shards) for shard in range(shards)]
    files = [{"name": n, **{k: s[k] for k in ("clips", "frames", "bytes", "sha256")}} for n, s in zip(names, states)]
    unreadable = sorted(row for state in states for row in state["skipped"])
    skipped = [*dataset.skipped, *((path, reason) for _, path, reason in unreadable)]
    manifest = {"plan": plan, "labels": dataset.labels, "skipped": len(skipped), "files": files}
    manifest |= {key: sum(file[key] for file in files) for key in ("clips", "frames", "bytes")}
    table = io.StringIO()
    csv.writer(table, lineterminator="\n").writerows([("path", "reason"), *skipped])
    write_whole(folder / "labels.txt", "".join(f"{label}\n" for label in dataset.labels))
    write_whole(folder / "skipped.csv", table.getvalue())
    write_whole(folder / "SHA256SUMS", "".join(f"{file['sha256']}  {file['name']}\n" for file in files))
    write_whole(folder / "manifest.json", as_json(manifest))
    return manifest


def check(folder):
    """Names of the shards whose bytes are not those of the manifest."""
    folder = Path(folder)
    files = json.loads((folder / "manifest.json").read_text())["files"]
    return [f["name"] for f in files if not (folder / f["name"]).exists() or sha256(folder / f["name"]) != f["sha256"]]


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
