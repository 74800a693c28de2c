"""The memory of long work: does it grow with what is done? A tiny network, so that thousands of clips take minutes.

    PYTHONPATH=. python benchmarks/long_runs.py [predictions] [bulk] [epochs] [stream]      make long: all of them

`predictions`: clips through one exported SavedModel, 10,000 calls of one process. `bulk`: `keras-vid predict LIST` on
2,000 short videos. `epochs`: `keras-vid train` for 20 short epochs. `stream`: `keras-vid stream` on an hour of video.
Given is the resident memory in MiB after a tenth, half and all of the work (`--part` does a share of it).
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from keras_vid.video import synthetic, write

COMMAND = [sys.executable, "-m", "keras_vid.cli"]
SHARES = (0.1, 0.5, 1.0)


def resident(pid):
    """MiB that a process holds."""
    with open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def watched(command, lines, total):
    """[MiB after each share of the work] of a process that adds a line to a file for each part of it."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    memory, last = [], 0.0
    while process.poll() is None:
        done = lines() / total
        last = resident(process.pid) or last  # nothing any more where it has just ended
        if len(memory) < len(SHARES) - 1 and done >= SHARES[len(memory)]:
            memory.append(last)
        time.sleep(0.05)
    if process.returncode:
        sys.exit(f"{' '.join(map(str, command))}: exit code {process.returncode}")
    return [*memory, last]


def lines_of(path):
    return lambda: path.read_bytes().count(b"\n") if path.exists() else 0


def tiny(folder):
    import keras_vid

    path = folder / "tiny.keras"
    keras_vid.create("tsm_resnet14", classes=3, frames=4, size=32).save(path)
    return path


def predictions(folder, part):
    from keras_vid.saved_models.export import export
    from keras_vid.saved_models.predictor import open_predictor

    import keras_vid

    path = export(keras_vid.create("tsm_resnet14", classes=3, frames=4, size=32), folder / "served")
    logits, total = open_predictor(path).logits, round(10_000 * part)
    clips = np.random.default_rng(0).integers(0, 256, (8, 1, 4, 32, 32, 3)).astype("uint8")
    marks, memory = {round(total * share) for share in SHARES}, []
    for number in range(1, total + 1):
        logits(clips[number % 8])
        if number in marks:
            memory.append(resident(os.getpid()))
    return f"{total:,} predictions of a SavedModel", memory


def bulk(folder, part):
    total = round(2_000 * part)
    one = write(folder / "one.mp4", np.random.default_rng(0).integers(0, 256, (12, 32, 32, 3)).astype("uint8"))
    (folder / "many").mkdir()
    for number in range(total):
        os.link(one, folder / "many" / f"{number:05}.mp4")
    rows = folder / "rows.jsonl"
    command = [*COMMAND, "predict", folder / "many", "-o", rows, "--model", tiny(folder), "--engine", "tensorflow"]
    return f"{total:,} videos of `keras-vid predict`", watched(command, lines_of(rows), total)


def epochs(folder, part):
    total = max(round(20 * part), 2)
    synthetic.write_dataset(folder / "data", clips=6, frames=8, size=40, classes=synthetic.CLASSES[:4])
    command = [*COMMAND, "train", "tsm_resnet14", "--data", folder / "data", "-o", folder / "run", "--no-test"]
    command += f"--size 32 --short 36 --frames 4 -b 4 --epochs {total}".split()
    log = lines_of(folder / "run/log.csv")
    return f"{total} epochs of `keras-vid train`", watched(command, lambda: log() - 1, total)


def stream(folder, part):
    seconds = round(3600 * part)
    noise = np.random.default_rng(0).integers(0, 256, (50, 32, 32, 3)).astype("uint8")
    long = write(folder / "long.mp4", np.concatenate([noise] * (seconds // 10)), fps=5)
    rows = folder / "windows.txt"
    total = seconds * 5 // 40
    command = f"{' '.join(COMMAND)} stream {long} --model {tiny(folder)} --window 40 --stride 40 > {rows}"
    return f"{seconds / 60:.0f} minutes of `keras-vid stream`", watched(
        ["sh", "-c", f"exec {command}"], lines_of(rows), total
    )


KINDS = {"predictions": predictions, "bulk": bulk, "epochs": epochs, "stream": stream}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kinds", nargs="*", choices=[*KINDS, []], help="default: all")
    parser.add_argument("--part", type=float, default=1.0, help="share of the work that is done (default: 1)")
    args = parser.parse_args()
    print("| work | MiB after a tenth | half | all of it |\n|---|---|---|---|", flush=True)
    for kind in args.kinds or KINDS:
        with tempfile.TemporaryDirectory() as folder:
            name, memory = KINDS[kind](Path(folder), args.part)
        print(f"| {name} | {' | '.join(f'{value:.0f}' for value in memory)} |", flush=True)


if __name__ == "__main__":
    main()
