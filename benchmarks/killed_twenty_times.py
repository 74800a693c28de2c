"""Stop each resumable command twenty times while it works, resume, and compare the result with that of a run in peace.

    PYTHONPATH=. python benchmarks/killed_twenty_times.py [-n 20] [prepare] [flow] [predict] [embed] [ablate] [train]

One run that nobody stops tells the result to expect, and how long it works from its first written byte to its end. Then
runs are stopped at a random moment of that time, counted from their own first written byte: by SIGKILL of all their
processes, by SIGKILL of the command alone, by SIGTERM of the command alone, in turn. Each goes on with what the one
before left. No process may be left after ten seconds, and SIGTERM must end in one line that says how to go on. A run
that ends before its moment is no stop: its result is compared, its output is emptied, and the work starts anew. After
the last stop the command is left alone, and its result is compared, too.
"""

import argparse
import contextlib
import csv
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

RUN = [sys.executable, "-m", "keras_vid.cli"]
TINY = "--size 32 --short 36 --frames 4 -b 4".split()
TIMED = ("seconds", "clips_per_second", "input_share")
WAYS = ("all processes killed", "killed", "SIGTERM")


def content(folder):
    """All files by name; those that are not finished have names that start with a dot."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.name.startswith("."))
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def rows(folder):
    return (folder / "out.jsonl").read_bytes()


def arrays(folder):
    with np.load(folder / "out.npz") as file:
        return {name: file[name].tobytes() for name in file.files}  # a NaN is not equal to itself


def table(folder):
    lines = (folder / "table.md").read_text().splitlines()
    return [line for line in lines if line.startswith("|")]


def trained(folder):
    """The log without its timings, and the last state."""
    with open(folder / "log.csv", newline="") as file:
        log = [{key: value for key, value in row.items() if key not in TIMED} for row in csv.DictReader(file)]
    with np.load(sorted((folder / "checkpoints").glob("step_*.npz"))[-1]) as file:
        return log, {name: file[name].round(5).tolist() for name in file.files if name[0] in "vm"}


def traces(folders):
    """What lies there, unfinished files too, with sizes and times; plans and folders, which come first, left out."""
    found = []
    written = ("*[0-9]*.*", "*.jsonl")
    for path in (path for folder in folders for pattern in written for path in folder.rglob(pattern)):
        try:
            status = path.stat()
        except FileNotFoundError:  # renamed meanwhile
            continue
        found.append((str(path), status.st_size, status.st_mtime_ns))
    return sorted(found)


def left_of(group):
    """Whether a process of a group still runs."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, number = path.read_text().rpartition(")")[2].split()[:3]
        except OSError:
            continue
        if int(number) == group and state != "Z":
            return True
    return False


def run(command, output, home, way=None, seconds=None):
    """Run a command to its end, or stop it some seconds after it has started to write.

    Returns whether it was stopped, and how long it went on after it had started to write.
    """
    environment = {**os.environ, "KERAS_VID_HOME": str(home), "KERAS_VID_READY": "0"}
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    before, folders = traces([output, home]), [output, home]
    process = subprocess.Popen([*RUN, *command], env=environment, start_new_session=True, **pipes)
    while process.poll() is None and traces(folders) == before:
        time.sleep(0.02)
    begin = time.perf_counter()
    try:
        said = process.communicate(timeout=seconds)[1]
        if process.returncode:
            raise RuntimeError(f"{command[0]} ended with exit code {process.returncode}: {said[-500:]}")
        return False, time.perf_counter() - begin
    except subprocess.TimeoutExpired:
        if way == "all processes killed":
            with contextlib.suppress(ProcessLookupError):  # it has just ended
                os.killpg(process.pid, signal.SIGKILL)
        else:
            process.send_signal(signal.SIGTERM if way == "SIGTERM" else signal.SIGKILL)
    said, until = process.communicate()[1], time.monotonic() + 10
    while left_of(process.pid) and time.monotonic() < until:
        time.sleep(0.05)
    if left_of(process.pid):
        os.killpg(process.pid, signal.SIGKILL)
        raise RuntimeError(f"{command[0]}, {way}: processes are left after ten seconds")
    last = said.strip().splitlines()[-1:]
    if way == "SIGTERM" and process.returncode:
        if process.returncode != 128 + signal.SIGTERM or "Traceback" in said or not last or "go" not in last[0]:
            raise RuntimeError(f"{command[0]}, SIGTERM: exit code {process.returncode}: {said[-500:]}")
    return process.returncode != 0, time.perf_counter() - begin


def torture(command, result, root, stops):
    """Stop until there are enough stops; what happened, in one line."""
    whole, cut = root / "whole", root / "cut"
    _, seconds = run(command(whole), whole, root / "home_whole")
    expected, rng = result(whole), np.random.default_rng(0)
    stopped, ended, same = 0, 0, True
    while stopped < stops:
        if run(command(cut), cut, root / "home", WAYS[stopped % 3], rng.uniform(0, seconds))[0]:
            stopped += 1
        else:
            ended += 1
            same &= result(cut) == expected
            shutil.rmtree(cut)
            shutil.rmtree(root / "home", ignore_errors=True)
    run(command(cut), cut, root / "home")
    same &= result(cut) == expected
    return f"{stopped} stops within {seconds:.1f} s of work; {ended + 1} runs came to their end, same results: {same}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="of the commands (default: all)")
    parser.add_argument("-n", type=int, default=20, help="stops of each (default: 20)")
    args = parser.parse_args()
    root = Path(tempfile.mkdtemp())
    videos, tiny = root / "in", root / "tiny.keras"
    synthetic.write_dataset(videos, clips=5, frames=12, size=160)
    if not args.names or {"predict", "embed"} & set(args.names):
        import keras_vid

        keras_vid.create("tsm_resnet14", classes=3, frames=4, size=32).save(tiny)
    train = ["train", "tsm_resnet14/synthetic", "--data", videos, "--epochs", 8, "--save-every", 1, "--no-test", *TINY]
    commands = {
        "prepare": (["prepare", "folder", videos, "--size", 128, "--shards", 40, "-j", 2], "", content),
        "flow": (["flow", videos, "--size", 64, "-j", 2], "", content),
        "predict": (["predict", videos, "--model", tiny, "--engine", "tensorflow"], "out.jsonl", rows),
        "embed": (["embed", videos, "--model", tiny], "out.npz", arrays),
        "ablate": (["ablate", "stm/table6", "--clips", 4, "--pixels", 40, "--epochs", 2, *TINY], "", table),
        "train": (train, "", trained),
    }
    for name in args.names or commands:
        words, file, result = commands[name]

        def command(folder, words=words, file=file):
            resumed = ["--resume", "-o", folder, "--no-test"] if words[0] == "train" and folder.exists() else None
            again = resumed and any((folder / "checkpoints").glob("step_*.npz"))
            return [str(word) for word in (["train", *resumed] if again else [*words, "-o", folder / file])]

        print(f"{name}: {torture(command, result, root / name, args.n)}", flush=True)
    shutil.rmtree(root)


if __name__ == "__main__":
    main()
