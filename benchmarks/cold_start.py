"""A cold `keras-vid predict` of one video: through TensorFlow, and the second time with a ready file.

    PYTHONPATH=. python benchmarks/cold_start.py video.mp4 --model runs/mine --rounds 5

The two take turns, each in a process of its own. Given are the median and the fastest seconds on the clock, the seconds
of processor time, and the largest memory in MiB.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time


def ask(arguments, environment):
    """(seconds, processor seconds, MiB, what it printed) of one process."""
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    program = "import sys, resource; from keras_vid.cli import main; code = main(sys.argv[1:]); "
    program += "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr); sys.exit(code)"
    command = [sys.executable, "-c", program, "predict", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        sys.exit(done.stderr)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - began, cpu, int(done.stderr.split()[-1]) / 1024, done.stdout


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("video")
    parser.add_argument("--model", default="i3d")
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        weights = os.environ.get("KERAS_VID_HOME") or os.path.expanduser("~/.keras_vid")
        for entry in os.listdir(weights) if os.path.isdir(weights) else ():
            if entry != "ready":
                os.symlink(os.path.join(weights, entry), os.path.join(home, entry))
        environment = {**os.environ, "KERAS_VID_HOME": home, "KERAS_VID_READY": "1"}
        base = [args.video, "--model", args.model]
        first = ask(base, environment)
        print(f"the first time, with making the file ready: {first[0]:.1f} s, {first[1]:.1f} of processor time")
        rows = {"tensorflow": [], "auto": []}
        for _ in range(args.rounds):
            for engine, row in rows.items():
                row.append(ask([*base, "--engine", engine], environment))
        print("\n| engine | median s | fastest s | processor s | MiB |\n|---|---|---|---|---|")
        for engine, row in rows.items():
            walls, cpus, memory, _ = zip(*row)
            numbers = f"{statistics.median(walls):.2f} | {min(walls):.2f} | {min(cpus):.2f} | {max(memory):.0f}"
            print(f"| {'ready file' if engine == 'auto' else engine} | {numbers} |")


if __name__ == "__main__":
    main()
