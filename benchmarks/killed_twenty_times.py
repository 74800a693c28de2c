"""Kill `keras-vid prepare` and `keras-vid flow` twenty times each at random moments, resume, and compare all bytes.

PYTHONPATH=. python benchmarks/killed_twenty_times.py
"""

import os
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


def main():
    root = Path(tempfile.mkdtemp())
    synthetic.write_dataset(root / "in", clips=5, frames=12, size=160)
    commands = {
        "prepare": ["prepare", "folder", str(root / "in"), "--size", "128", "--shards", "40", "-j", "2"],
        "flow": ["flow", str(root / "in"), "--size", "64", "-j", "2"],
    }
    for name, command in commands.items():
        begin = time.perf_counter()
        subprocess.run([*RUN, *command, "-o", str(root / name / "whole")], check=True, stderr=subprocess.DEVNULL)
        whole, rng, killed, grew = time.perf_counter() - begin, np.random.default_rng(0), 0, []
        for _ in range(KILLS):
            process = subprocess.Popen(
                [*RUN, *command, "-o", str(root / name / "cut")], start_new_session=True, stdout=-3, stderr=-3
            )
            time.sleep(rng.uniform(0, 0.6 * whole))
            killed += process.poll() is None
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            grew.append(len(content(root / name / "cut")))
        subprocess.run([*RUN, *command, "-o", str(root / name / "cut")], check=True, stderr=subprocess.DEVNULL)
        same = content(root / name / "whole") == content(root / name / "cut")
        print(f"{name}: {killed} of {KILLS} runs killed at work, files after each {grew}; same bytes: {same}")


if __name__ == "__main__":
    main()
