"""Damage what commands read back from their own folders, and run them again: done, or one line that names the file.

    PYTHONPATH=. python benchmarks/fuzz_folders.py [KIND ...]        # default: all kinds

A tiny network is trained, tested and exported, and data prepared. Then each file is emptied, cut off, exchanged for
other content and, where it is JSON, given a wrong value in each of its fields. What must hold of each: the command ends
within a minute, with exit code 0, or with 1 and a last line that names the file and no traceback.
"""

import argparse
import collections
import contextlib
import io
import json
import os
import signal
import sys
import tempfile
import traceback
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_VID_READY", "0")

from keras_vid import cli
from keras_vid.video import synthetic

SECONDS = 60
SMALL = "--size 32 --short 36 --frames 4 -b 4".split()
CONTENTS = [b"", b"[]", b"{}", b"3", b"null", b'"text"', b"[" * 100_000, b"\xff\xfe\x00", b"a,b\n1,2\n", b'{"a": NaN}']
VALUES = [None, 3, -1, "text", [], {}, [3], {"a": 3}]


def damaged(whole, name, fields=True):
    """(what was done, content) of each damage; with `fields`, also of the fields of JSON."""
    for content in (*CONTENTS, whole[: len(whole) // 2], whole[:-3], whole[: len(whole) // 2] + b"\x00" * 9):
        yield f"{content[:12]!r} {len(content)}", content
    if not fields or not name.endswith((".json", ".jsonl")):
        return
    lines = whole.splitlines() if name.endswith("l") else [whole]
    first = json.loads(lines[0])
    for row in [first] if isinstance(first, dict) else first[:1]:
        for key in row:
            for value in VALUES:
                changed = {**row, key: value}
                changed = changed if isinstance(first, dict) else [changed, *first[1:]]
                yield f"{key} = {value!r}", b"\n".join([json.dumps(changed).encode(), *lines[1:]])
            left = {name: value for name, value in row.items() if name != key}
            yield f"no {key}", json.dumps(left if isinstance(first, dict) else [left, *first[1:]]).encode()


def run(*command):
    """(exit code or error, what stands on standard error) of a command."""
    said = io.StringIO()
    signal.alarm(SECONDS)
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
            code = cli.main([str(word) for word in command])
    except SystemExit as error:
        code = error.code
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        code = (
            f"{type(error).__name__}: {' '.join(str(error).split())[:100]} ({Path(place.filename).name} {place.lineno})"
        )
    finally:
        signal.alarm(0)
    return code, said.getvalue().strip()


def made(*command):
    code, said = run(*command)
    if code != 0:
        sys.exit(f"{' '.join(map(str, command))}: {code}\n{said}")


class Work:
    """The folders, each made once when it is first asked for."""

    def __init__(self, root):
        self.root = root
        self.videos = root / "videos"
        for part, clips in (("train", 4), ("test", 1)):
            synthetic.write_dataset(self.videos / part, clips=clips, frames=8, size=40, classes=synthetic.CLASSES[:2])
        self.video = next((self.videos / "test").rglob("*.mp4"))
        self.run = root / "run"
        made("train", "tsm_resnet14", "--data", self.videos, "-o", self.run, "--epochs", 1, *SMALL)

    def of_run(self):
        report = ("report", self.run, "--no-activation")
        for name in ("args.json", "metrics.json", "predictions.npz", "log.csv"):
            yield self.run / name, report
        for name in ("args.json", "metrics.json", "predictions.npz"):
            yield self.run / name, ("report", self.run, self.run, "-o", self.root / "both.html")
        yield self.run / "predictions.npz", ("evaluate", "--fuse", self.run, self.run)
        yield self.run / "predictions.csv", ("figure", "categories", self.run, self.run, "-o", self.root / "c.png")

    def of_network(self):
        for name in ("view.json", "best.keras"):
            yield self.run / name, ("predict", self.video, "--model", self.run, "--engine", "tensorflow")

    def of_resume(self):
        resume = ("train", "--resume", "-o", self.run, "--no-test")
        yield self.run / "args.json", resume
        yield self.run / "log.csv", resume
        yield sorted((self.run / "checkpoints").iterdir())[-1], resume

    def of_prepared(self):
        folder = self.root / "prepared"
        prepare = ("prepare", "folder", self.videos / "train", "-o", folder, "--size", 36, "--shards", 2, "-j", 1)
        made(*prepare)
        for name in ("plan.json", "state/00000.json"):
            yield folder / name, prepare
        bench = ("bench", "input", "prepared", folder, "--frames", 4, "--size", 32, "--steps", 1, "-b", 2)
        yield folder / "manifest.json", bench

    def of_flow(self):
        flow = ("flow", self.video, "-o", self.root / "flow", "--size", 32, "-j", 1)
        made(*flow)
        for path in sorted((self.root / "flow").rglob("*.json")):
            yield path, flow

    def of_lists(self):
        rows = self.root / "rows.jsonl"
        (self.root / "list.txt").write_text(f"{self.video}\n{self.root / 'gone.mp4'}\n{self.video}\n")
        predict = ("predict", self.root / "list.txt", "-o", rows, "--model", self.run, "--engine", "tensorflow")
        made(*predict)
        for path in (rows, rows.with_suffix(".plan.json"), rows.with_suffix(".skipped.csv")):
            yield path, predict

    def of_sequences(self):
        features, output = self.root / "features.npz", self.root / "sequences"
        made("sequence", "features", self.videos / "train", "-o", features, "--model", self.run)
        train = ("sequence", "train", features, "-o", output, "--models", "mean", "--epochs", 1)
        made(*train)
        yield features, ("sequence", "train", features, "-o", self.root / "others", "--models", "mean", "--epochs", 1)
        for name in ("results.json", "plan.json"):
            yield output / name, train

    def of_features(self):
        embed = ("embed", self.videos / "train", "--model", self.run, "-o", self.root / "vectors.npz")
        os.environ["KERAS_VID_HOME"] = str(self.root / "home")
        made(*embed)
        kept = next((self.root / "home/features").rglob("*.npy"))
        yield kept, embed

    def of_ablations(self):
        output = self.root / "ablations"
        few = "--rows TSN --clips 2 --pixels 40 --epochs 1".split()
        ablate = ("ablate", "stm/table6", "-o", output, *few, *SMALL)
        made(*ablate)
        yield next(output.rglob("ablation.json")), ablate

    def of_exports(self):
        made("export", self.run, "-o", self.root / "served", "--openvino")
        version = next((self.root / "served").glob("[0-9]*"))
        for engine, names in (("tensorflow", ("metadata.json", "saved_model.pb")), ("openvino", ("model.xml",))):
            for name in names:
                yield version / name, ("predict", self.video, "--model", self.root / "served", "--engine", engine)


KINDS = [name.removeprefix("of_") for name in vars(Work) if name.startswith("of_")]


def wrong(path, code, said):
    """What is wrong with how a damaged file was handled, or nothing."""
    last = said.splitlines()[-1] if said else ""
    if "Traceback" in said or code not in (0, 1):
        return str(code)
    if code == 1 and not (last.startswith("keras-vid: ") and (path.name in last or str(path.parent) in last)):
        return f"does not name the file: {last[:150]}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kinds", nargs="*", help=f"of {', '.join(KINDS)}")
    args = parser.parse_args()
    signal.signal(signal.SIGALRM, lambda *_: (_ for _ in ()).throw(RuntimeError("hangs")))
    failures = 0
    with tempfile.TemporaryDirectory() as folder:
        work = Work(Path(folder))
        for kind in args.kinds or KINDS:
            for path, command in getattr(work, f"of_{kind}")():
                counts, whole = collections.Counter(), path.read_bytes()
                for what, content in damaged(whole, path.name, kind != "resume"):
                    path.write_bytes(content)
                    code, said = run(*command)
                    reason = wrong(path, code, said)
                    counts["FAILED" if reason else "refused" if code else "done"] += 1
                    if reason:
                        print(f"  {path.name}, {what}: {reason}", flush=True)
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(whole)
                failures += counts["FAILED"]
                print(f"{command[0]:9} {path.relative_to(work.root)} {dict(counts)}", flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
