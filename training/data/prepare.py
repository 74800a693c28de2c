"""Videos into TFRecords of JPEG frames, or into short MP4 files, once, so that training reads them fast.

Each shard is one task that depends on the plan alone: which tasks run where, in which order and how often does not
show in the output. A shard appears whole or not at all, then its state file with its checksums; so work killed at any
moment goes on with the shards that have none, and ends with the same bytes. `plan.json` says what is being made:
another plan in the same folder is refused.

The records are SequenceExamples with the field names of the TensorFlow Model Garden (`image/encoded`,
`clip/label/index`); of optical flow `image/encoded` has two pictures a field, x and y. MP4 clips are listed in
`list.csv`, which `load("csv", ..)` reads.

A folder may be remote (`s3://bucket/train`): shards are made in a temporary folder and copied there one by one.
"""

import contextlib
import csv
import functools
import hashlib
import io
import json
import os
import tempfile
from concurrent.futures import as_completed
from pathlib import Path

import numpy as np
from keras_vid.training.data.remote import download, is_remote, read_manifest, size, upload
from keras_vid.training.data.shards import WRITERS, read_state, sha256, state_file

from keras_vid.utils.errors import InputError
from keras_vid.utils.files import as_json, settle_plan, write_whole
from keras_vid.utils.locks import held
from keras_vid.utils.processes import on_beam, process_pool

FORMAT = 3  # of the output: a newer one starts anew


def prepare(dataset, folder, *, workers=None, runner=None, progress=None, **options):
    """Write a Dataset to `folder` and return the manifest. Call it again to go on after a stop.

    Args:
        workers: Processes; None: one for each core.
        runner: An Apache Beam runner such as "DirectRunner" or "DataflowRunner", instead of local processes.
        progress: Called with (shards done, shards).
        **options: What decides the output: see `plan_of`.
    """
    plan = plan_of(dataset, **options)
    if not is_remote(folder):
        with held(folder):
            return _work(dataset, Path(folder), plan, None, (workers, runner, progress))
    with tempfile.TemporaryDirectory() as local:
        return _work(dataset, Path(local), plan, str(folder).rstrip("/"), (workers, runner, progress))


def plan_of(dataset, form="frames", short=256, shards=None, quality=90, seed=0, fps=None, stride=1, modality="rgb"):
    """What decides the output; the clips as one checksum.

    Args:
        form: "frames" for TFRecords of JPEG frames, "clips" for MP4 files.
        short: Short side of the frames; None keeps the size.
        shards: In how many parts; None: one for each 256 clips. Clips are spread over them in a random order.
        quality: Of JPEG, up to 95.
        seed: Of the order of the clips.
        fps, stride: The frames that are kept: so many a second (None: each), and of these every so many only.
        modality: "rgb", or "flow": folders that `keras-vid flow` wrote, all of their fields.
    """
    shards = shards or max(1, -(-len(dataset.items) // 256))
    if not 1 <= shards <= len(dataset.items):
        raise InputError(f"{len(dataset.items)} clips go into 1 to {len(dataset.items)} shards, not {shards}")
    if stride < 1 or (fps is not None and not fps > 0):
        raise InputError("--stride is at least 1, and --fps above 0")
    if form not in WRITERS:
        raise InputError(f"form {form!r} is none of {', '.join(WRITERS)}")
    if modality == "flow" and (form != "frames" or fps or stride > 1):
        raise InputError("flow is prepared as records, field by field: leave --form, --fps and --stride out")
    clips = json.dumps([dataset.labels, dataset.items]).encode()
    return {
        "format": FORMAT,
        "form": form,
        "dataset": dataset.name,
        "clips": len(dataset.items),
        "clips_sha256": hashlib.sha256(clips).hexdigest(),
        "short": short,
        "shards": shards,
        "quality": quality,
        "seed": seed,
        "fps": fps,
        "stride": stride,
        "modality": modality,
    }


def _work(dataset, folder, plan, remote, run):
    """Do the shards that are not done, in the local `folder`, and bring them to `remote` if there is one."""
    workers, runner, progress = run
    if remote:
        download(remote, folder, "plan.json")
        download(remote, folder, "state/*.json")
    state_file(folder, 0).parent.mkdir(parents=True, exist_ok=True)
    settle_plan(folder / "plan.json", plan)
    order, shards = np.random.default_rng(plan["seed"]).permutation(len(dataset.items)), plan["shards"]
    todo = [shard for shard in range(shards) if not _done(folder, remote, shard)]
    tasks = [(shard, [(int(i), tuple(dataset.items[i])) for i in order[shard::shards]]) for shard in todo]
    write = functools.partial(WRITERS[plan["form"]], str(folder), plan, dataset.labels)
    if remote:
        upload(folder, remote, "plan.json")
        write = functools.partial(_write_there, str(folder), remote, write)
    if runner:
        on_beam(write, tasks, runner, workers)
    else:
        _run_here(write, tasks, workers, shards, progress)
    if remote:
        download(remote, folder, "state/*.json")  # other machines may have written them
    manifest, files = _finish(folder, plan, dataset)
    for name in files if remote else ():
        upload(folder, remote, name)
    return manifest


def _done(folder, remote, shard):
    """Whether a shard is written: its state file is there, and its files have the sizes that it tells."""
    state = read_state(folder, shard)
    if state is None:
        return False

    def length(name):
        if remote:
            return size(remote, name)
        return (folder / name).stat().st_size if (folder / name).exists() else None

    return all(length(file["name"]) == file["bytes"] for file in state["files"])


def _write_there(folder, remote, write, task):
    """Write a shard here and copy it there, its state file last; only that stays here."""
    shard = write(task)
    state = state_file(folder, shard)
    for file in read_state(folder, shard)["files"]:
        upload(folder, remote, file["name"])
        (Path(folder) / file["name"]).unlink()
    upload(folder, remote, str(state.relative_to(folder)))
    return shard


def _run_here(write, tasks, workers, shards, progress):
    workers = min(workers or os.cpu_count(), len(tasks)) or 1
    done = shards - len(tasks)
    with process_pool(workers) if workers > 1 else contextlib.nullcontext() as pool:
        if pool is None:
            results = map(write, tasks)
        else:
            results = (future.result() for future in as_completed([pool.submit(write, task) for task in tasks]))
        for _ in results:
            done += 1
            if progress:
                progress(done, shards)


def _finish(folder, plan, dataset):
    """manifest.json and the small files beside it, from the state files; (the manifest, names of the files)."""
    states = [read_state(folder, shard) for shard in range(plan["shards"])]
    files = [file for state in states for file in state["files"]]
    unreadable = sorted(row for state in states for row in state["skipped"])
    skipped = [*dataset.skipped, *((path, reason) for _, path, reason in unreadable)]
    manifest = {"plan": plan, "labels": dataset.labels, "skipped": len(skipped), "files": files}
    manifest |= {key: sum(file[key] for file in files) for key in ("clips", "frames", "bytes")}
    texts = {
        "labels.txt": "".join(f"{label}\n" for label in dataset.labels),
        "skipped.csv": _table([("path", "reason"), *skipped]),
        "SHA256SUMS": "".join(f"{file['sha256']}  {file['name']}\n" for file in files),
    }
    if plan["form"] == "clips":
        rows = sorted((file["name"], dataset.labels[file["label"]]) for file in files)
        texts["list.csv"] = _table([("path", "label"), *rows])
    texts["manifest.json"] = as_json(manifest)
    for name, text in texts.items():
        write_whole(folder / name, text)
    return manifest, list(texts)


def _table(rows):
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def check(folder):
    """Names of the files whose bytes are not those of the manifest."""
    folder = Path(folder)
    files = read_manifest(folder)["files"]
    return [f["name"] for f in files if not (folder / f["name"]).exists() or sha256(folder / f["name"]) != f["sha256"]]
