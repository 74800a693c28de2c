"""The labels of all videos of a list, however long it is: one JSON line a video, in the order of the list.

A manifest is a list as `keras_vid.inference.sources.rows` reads it, and is never held in memory. Beside the output
`NAME.jsonl`, `NAME.skipped.csv` lists the videos that cannot be read, and `NAME.plan.json` says what is being made. A
run that was stopped goes on with the same call.
"""

import csv
import functools
import io
import itertools
import json
import os
from pathlib import Path

from keras_vid.saved_models.predictor import open_predictor

from keras_vid.inference.ahead import ahead
from keras_vid.inference.sources import beside, find_videos, is_list, rows
from keras_vid.utils.errors import InputError, MissingFile
from keras_vid.utils.files import atomic, room_for, settle_plan, write_whole
from keras_vid.utils.locks import held_file
from keras_vid.utils.processes import on_beam
from keras_vid.utils.progress import progress

CHUNK = 256  # videos that are one task on Beam


def predict_sources(names, output, settings, workers=None, runner=None):
    """As `predict_all`, for whatever names videos; what is not one list is listed in `NAME.videos.txt` first."""
    manifest = Path(names[0])
    if len(names) == 1 and manifest.is_file() and is_list(manifest):
        return predict_all(manifest, output, settings, workers, runner)
    found = find_videos(names)
    if [item.kind for item in found] == ["missing"]:
        raise MissingFile(f"{manifest}: no such file or folder")
    videos = [v if "://" in v else os.path.abspath(v) for item in found for v in item.videos]
    with held_file(output):
        manifest = Path(output).with_suffix(".videos.txt")
        write_whole(manifest, "".join(f"{video}\n" for video in videos))
        return _predict_list(manifest, Path(output), settings, workers, runner)


def predict_all(manifest, output, settings, workers=None, runner=None):
    """Write the rows that are not there yet. Returns `(videos, skipped)` of the whole list.

    Args:
        settings: Arguments of `open_predictor`, and `top`, `frames`, `fps` and `stride`, as a dictionary.
        workers: Videos decoded ahead in threads, or processes of Beam's DirectRunner; None: one for each core.
        runner: An Apache Beam runner such as "DirectRunner" or "DataflowRunner", instead of this process.
    """
    output = Path(output)
    if output.suffix != ".jsonl":
        raise InputError(f"{output}: the output is a .jsonl file")
    with held_file(output):
        return _predict_list(Path(manifest), output, settings, workers, runner)


def _predict_list(manifest, output, settings, workers, runner):
    total = sum(1 for _ in rows(manifest))
    if not total:
        raise InputError(f"{manifest}: no videos in this list")
    settle_plan(output.with_suffix(".plan.json"), {"manifest": manifest.name, **settings})
    done, skipped = _rows_done(manifest, output)
    if done < total:
        workers = workers or os.cpu_count()
        if runner:
            skipped = _with_beam(manifest, output, settings, total, runner, workers)
        else:
            skipped = _here(manifest, output, settings, (done, total, skipped), workers)
    return total, skipped


def row_of(video, read, label):
    """One video's row: its labels, and a note where it is damaged; or why there are none."""
    try:
        clip, note = read()
        labels = label(clip, video)
    except (ValueError, OSError) as error:
        return {"video": video, "error": " ".join(str(error).split())}
    row = {"video": video, "labels": [{"label": name, "probability": round(score, 6)} for name, score in labels]}
    return {**row, "note": note} if note else row


def _two_steps(top=5, frames=None, fps=None, stride=None, **network):
    """`(read, label)`: `read(video)` returns (clip, note), in threads, ahead of `label(clip, video)`."""
    predictor = open_predictor(**network).at(frames, fps, stride)
    return (
        functools.partial(predictor.view.read_with_note, frames=predictor.frames, threads=1),
        functools.partial(predictor.label, top=top),
    )


def _rows_done(manifest, output):
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
        raise InputError(f"{output} was written from another list: {odd} is not where {manifest} has it")
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
            for line in file:
                try:
                    yield json.loads(line)["video"]
                except (ValueError, TypeError, KeyError) as error:
                    raise InputError(f"{path} is damaged (a line is not one of ours): give another -o") from error


def _here(manifest, output, settings, counts, workers):
    """Decode ahead in threads, compute in this one; each row is on its way to the disk before the next is begun."""
    (done, total, skipped), (read, label) = counts, _two_steps(**settings)
    left = (video for _, video in itertools.islice(rows(manifest), done, None))
    with (
        room_for(output),
        open(output, "a", encoding="utf-8") as good,
        open(skipped_file(output), "a", encoding="utf-8", newline="") as bad,
        progress(total) as advance,
    ):
        if not bad.tell():
            bad.write("path,reason\n")
            bad.flush()
        for video, clip in ahead(left, lambda video: read(beside(manifest, video)), workers):
            row = row_of(video, clip, label)
            skipped += "error" in row
            _put(row, good, bad)
            done += 1
            advance(done, f"{skipped:,} skipped" if skipped else "")
    return skipped


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
    found = [row_of(video, functools.partial(read, beside(manifest, video)), label) for video in chunk]
    write_whole(_part(parts, number), "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in found))


@functools.lru_cache(maxsize=1)
def _loaded(settings):
    """The network of this process, for all chunks that come to it."""
    return _two_steps(**json.loads(settings))
