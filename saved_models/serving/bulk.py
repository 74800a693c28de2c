"""The labels of all videos of a list, however long it is: one JSON line a video, in the order of the list.

A manifest is a CSV file with a video's path in the first column, relative to the manifest; a first line `path,...` is a
header, and further columns are not looked at. Videos that cannot be read are listed in `NAME.skipped.csv` beside the
output `NAME.jsonl`, and `NAME.plan.json` says what is being made. Killed work goes on with the same call.
"""

import collections
import csv
import functools
import io
import itertools
import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from keras_vid.saved_models.predictor import open_predictor

from keras_vid.utils.beam import on_beam
from keras_vid.utils.errors import InputError
from keras_vid.utils.files import atomic, settle_plan, write_whole

CHUNK = 256  # videos that are one task on Beam
HEADERS = ("path", "video", "file")


def predict_all(manifest, output, settings, workers=None, progress=None, runner=None):
    """Write the rows that are not there yet. Answers `(videos, skipped)` of the whole list.

    Args:
        settings: Arguments of `open_predictor`, and `top`, `frames` and `fps`, as a dictionary.
        workers: Videos decoded ahead in threads, or processes of Beam's DirectRunner; None: one for each core.
        progress: Called with (rows done, rows, skipped).
        runner: An Apache Beam runner such as "DirectRunner" or "DataflowRunner", instead of this process.
    """
    manifest, output = Path(manifest), Path(output)
    if output.suffix != ".jsonl":
        raise InputError(f"{output}: the output is a .jsonl file")
    total = sum(1 for _ in rows(manifest))
    if not total:
        raise InputError(f"{manifest}: no videos in this list")
    output.parent.mkdir(parents=True, exist_ok=True)
    settle_plan(output.with_suffix(".plan.json"), {"manifest": manifest.name, **settings})
    done, skipped = _begun(manifest, output)
    if done < total:
        workers = workers or os.cpu_count()
        if runner:
            skipped = _with_beam(manifest, output, settings, total, runner, workers)
        else:
            skipped = _here(manifest, output, settings, (done, total, skipped), workers, progress)
    return total, skipped


def rows(manifest, offset=0):
    """Yield (where the next row begins, video as the manifest names it), from a byte offset on."""
    try:
        file = open(manifest, "rb")
    except IsADirectoryError as error:
        raise InputError(f"{manifest} is a folder, and no CSV file") from error
    with file:
        file.seek(offset)
        for line in file:
            first = offset == 0
            try:
                cells = next(csv.reader([line.decode("utf-8-sig" if first else "utf-8")]), [])
            except (UnicodeDecodeError, csv.Error) as error:
                raise InputError(f"{manifest}: the line at byte {offset} is no CSV ({error})") from error
            offset += len(line)
            video = cells[0].strip() if cells else ""
            if video and not (first and video.lower() in HEADERS):
                yield offset, video


def row_of(video, read, label):
    """One video's row: its labels, or why there are none."""
    try:
        answers = label(read(), video)
    except (ValueError, OSError) as error:
        return {"video": video, "error": " ".join(str(error).split())}
    labels = [{"label": name, "probability": round(score, 6)} for name, score in answers]
    return {"video": video, "labels": labels}


def _two_steps(top=5, frames=None, fps=None, **network):
    """`(read, label)`: `read(video)` may run ahead in threads, `label(clip, video)` returns the labels."""
    predictor = open_predictor(**network).at(frames, fps)
    return predictor.read, functools.partial(predictor.label, top=top)


def where(manifest, video):
    return video if "://" in video else str(Path(manifest).parent / video)


def _begun(manifest, output):
    """(rows done, of which skipped): the rows that are there, each of which must be the manifest's next."""
    written, skipped = _videos(output), _videos(skipped_file(output))
    next_written, next_skipped = next(written, None), next(skipped, None)
    done = bad = 0
    for _, video in rows(manifest):
        if video == next_written:
            next_written = next(written, None)
        elif video == next_skipped:
            next_skipped, bad = next(skipped, None), bad + 1
        else:
            break
        done += 1
    odd = next_written or next_skipped
    if odd:
        raise InputError(f"{output} was begun with another list: {odd} is not where {manifest} has it")
    return done, bad


def skipped_file(output):
    return Path(output).with_suffix(".skipped.csv")


def _videos(path):
    """The videos of the whole lines of an output file; the half line of a killed run is cut off first."""
    if not path.exists():
        return
    with open(path, "rb+") as file:
        end = size = file.seek(0, os.SEEK_END)
        while end and file.seek(end - 1) is not None and file.read(1) != b"\n":
            end -= 1
        if end < size:
            file.truncate(end)
    with open(path, encoding="utf-8", newline="\n") as file:
        if path.suffix == ".csv":
            yield from (cells[0] for cells in itertools.islice(csv.reader(file), 1, None))
        else:
            yield from (json.loads(line)["video"] for line in file)


def _here(manifest, output, settings, begun, workers, progress):
    """Decode ahead in threads, answer in this one; each row is on its way to the disk before the next is begun."""
    (done, total, skipped), (read, label) = begun, _two_steps(**settings)
    left = (video for _, video in itertools.islice(rows(manifest), done, None))
    with (
        open(output, "a", encoding="utf-8") as good,
        open(skipped_file(output), "a", encoding="utf-8", newline="") as bad,
        ThreadPoolExecutor(workers) as pool,
    ):
        if not bad.tell():
            bad.write("path,reason\n")
            bad.flush()
        ahead = collections.deque()
        try:
            while True:
                for video in itertools.islice(left, workers + 1 - len(ahead)):
                    ahead.append((video, pool.submit(read, where(manifest, video))))
                if not ahead:
                    return skipped
                video, clip = ahead.popleft()
                row = row_of(video, clip.result, label)
                skipped += "error" in row
                _put(row, good, bad)
                done += 1
                if progress:
                    progress(done, total, skipped)
        finally:
            pool.shutdown(cancel_futures=True)


def _put(row, good, bad):
    """A row goes to one of two files, in one piece."""
    if "error" in row:
        line = io.StringIO()
        csv.writer(line, lineterminator="\n").writerow((row["video"], row["error"]))
        bad.write(line.getvalue())
        bad.flush()
    else:
        good.write(json.dumps(row, ensure_ascii=False) + "\n")
        good.flush()


def _with_beam(manifest, output, settings, total, runner, workers):
    """Chunks of the list as tasks, each a file that appears whole; at the end they become the output."""
    parts = output.with_suffix(".parts")
    parts.mkdir(exist_ok=True)
    offsets = [0, *(offset for offset, _ in itertools.islice(rows(manifest), CHUNK - 1, total - 1, CHUNK))]
    tasks = [(number, offset) for number, offset in enumerate(offsets) if not _part(parts, number).exists()]
    on_beam(functools.partial(write_chunk, str(manifest), str(parts), json.dumps(settings)), tasks, runner, workers)
    skipped = 0
    with atomic(output) as good_part, atomic(skipped_file(output)) as bad_part:
        with open(good_part, "w", encoding="utf-8") as good, open(bad_part, "w", encoding="utf-8", newline="") as bad:
            bad.write("path,reason\n")
            for number in range(len(offsets)):
                with open(_part(parts, number), encoding="utf-8", newline="\n") as part:
                    for row in map(json.loads, part):
                        skipped += "error" in row
                        _put(row, good, bad)
    for number in range(len(offsets)):
        _part(parts, number).unlink()
    parts.rmdir()
    return skipped


def _part(parts, number):
    return Path(parts) / f"{number:06d}.jsonl"


def write_chunk(manifest, parts, settings, task):
    """One task: the rows of one chunk of the list, errors among them."""
    number, offset = task
    read, label = _loaded(settings)
    chunk = (video for _, video in itertools.islice(rows(manifest, offset), CHUNK))
    found = [row_of(video, functools.partial(read, where(manifest, video)), label) for video in chunk]
    write_whole(_part(parts, number), "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in found))


@functools.lru_cache(maxsize=1)
def _loaded(settings):
    """The network of this process, for all chunks that come to it."""
    return _two_steps(**json.loads(settings))
