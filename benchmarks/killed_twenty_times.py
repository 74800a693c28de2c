"""Kill `keras-vid prepare` and `keras-vid flow` twenty times each while they work, resume, and compare all bytes.

    PYTHONPATH=. python benchmarks/killed_twenty_times.py [prepare] [flow]

One run that nobody stops tells the bytes to expect, and how long it works from its first written byte to its end. Then
runs are killed (SIGKILL, with their worker processes) at a random moment of that time, counted from their own first
written byte; each goes on with what the one before left. A run that ends before its moment is no kill: its bytes are
compared, its output is emptied, and the work begins anew. After the twentieth kill the last run is left alone, and its
bytes are compared, too.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from keras_vid.video import synthetic

KILLS = 20
RUN = [sys.executable, "-m", "keras_vid.cli"]


def content(folder):
    files = (p for p in sorted(folder.rglob("*")) if p.is_file() and not p.name.endswith(".part"))
    return {str(p.relative_to(folder)): p.read_bytes() for p in files}


def traces(folder):
    """The records and pictures that lie there, unfinished ones too, with their sizes and times."""
    found = []
    for path in folder.rglob("*[0-9].*"):  # not plan.json, which is there before the work begins
        try:
            status = path.stat()
        except FileNotFoundError:  # renamed meanwhile
            continue
        found.append((str(path), status.st_size, status.st_mtime_ns))
    return sorted(found)


def run(command, folder, seconds=None):
    """Run a command to its end, or kill it and its workers some seconds after it has begun to write.

    Answers whether it was killed, and how long it went on after it had begun to write.
    """
    options = {"start_new_session": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    before = traces(folder)
    process = subprocess.Popen([*RUN, *command, "-o", str(folder)], **options)
    while process.poll() is None and traces(folder) == before:
        time.sleep(0.02)
    begin = time.perf_counter()
    try:
        if process.wait(seconds):
            raise RuntimeError(f"{command[0]} ended with exit code {process.returncode}")
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return process.wait() == -signal.SIGKILL, time.perf_counter() - begin
    return False, time.perf_counter() - begin


def torture(command, whole, cut):
    """Kill until there are enough kills; what happened, in one line."""
    _, seconds = run(command, whole)
    expected, rng = content(whole), np.random.default_rng(0)
    kills, ended, same, left = 0, 0, True, []
    while kills < KILLS:
        if run(command, cut, rng.uniform(0, seconds))[0]:
            kills += 1
            left.append(len(content(cut)))
        else:
            ended += 1
            same &= content(cut) == expected
            shutil.rmtree(cut)
    run(command, cut)
    same &= content(cut) == expected
    return (
        f"{kills} kills within {seconds:.1f} s of work on {len(expected)} files, which left {left}; "
        f"{ended + 1} runs came to their end, each with the same bytes: {same}"
    )


def main():
    root = Path(tempfile.mkdtemp())
    synthetic.write_dataset(root / "in", clips=5, frames=12, size=160)
    commands = {
        "prepare": ["prepare", "folder", str(root / "in"), "--size", "128", "--shards", "40", "-j", "2"],
        "flow": ["flow", str(root / "in"), "--size", "64", "-j", "2"],
    }
    for name in sys.argv[1:] or commands:
        print(f"{name}: {torture(commands[name], root / name / 'whole', root / name / 'cut')}", flush=True)
    shutil.rmtree(root)


if __name__ == "__main__":
    main()
