"""Kill one training run ten times at random moments of its work, resume it each time, and compare with a run in peace.

PYTHONPATH=. python benchmarks/killed_training.py [KILLS]
"""

import csv
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from keras_vid.video import synthetic

EPOCHS = 8  # of eight steps
SCRIPT = Path(__file__).parent.parent / "tests/training/one_run.py"


def start(data, run, resume):
    options = json.dumps({"save_every": 1, "resume": resume, "recipe": {"length": EPOCHS}})
    command = [sys.executable, str(SCRIPT), str(data), str(run), options]
    return subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def last_state(run):
    with np.load(sorted((run / "checkpoints").glob("step_*.npz"))[-1]) as file:
        return {name: file[name] for name in file.files if name[0] in "vm" or name == "step"}


def newest(run):
    return max((int(path.stem.split("_")[1]) for path in (run / "checkpoints").glob("step_*.npz")), default=0)


def epochs(run):
    with open(run / "log.csv", newline="") as file:
        timed = ("seconds", "clips_per_second", "input_share")
        return [{k: v for k, v in row.items() if k not in timed} for row in csv.DictReader(file)]


def main(kills=10):
    root = Path(tempfile.mkdtemp())
    for part, clips in (("train", 8), ("val", 1)):
        synthetic.write_dataset(root / "data" / part, clips=clips, frames=8, size=40, classes=synthetic.CLASSES[:4])
    assert start(root / "data", root / "peace", False).wait() == 0
    rng, steps = np.random.default_rng(0), [0]
    for _ in range(kills):
        goal = steps[-1] + int(rng.integers(1, 6))
        process = start(root / "data", root / "killed", True)
        while newest(root / "killed") < goal:
            assert process.poll() is None, "the run ended before it could be killed"
            time.sleep(0.01)
        time.sleep(rng.uniform(0, 0.3))  # anywhere within a step, a saving, an end of an epoch
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        steps.append(newest(root / "killed"))
    assert start(root / "data", root / "killed", True).wait() == 0
    one, other = last_state(root / "peace"), last_state(root / "killed")
    apart = max(float(np.abs(one[k].astype("float64") - other[k].astype("float64")).max()) for k in one)
    print(f"{kills} kills of a run of {8 * EPOCHS} steps; saved steps after each: {steps[1:]}")
    print(f"same logs: {epochs(root / 'peace') == epochs(root / 'killed')}; weights and optimizer apart by {apart:g}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
