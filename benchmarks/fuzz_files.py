"""Damage pictures, tables, arrays, pickles and metadata in thousands of ways: each is read, or refused in one line.

    PYTHONPATH=. python benchmarks/fuzz_files.py -n 2000            # damaged files of each kind

What must hold of every damaged file: reading it returns, or raises an InputError of one line that names the file;
within ten seconds; and nothing that a pickle names is called. Any other error, a hang or a call is a failure, whose
file is kept in the folder of `--keep`.
"""

import argparse
import collections
import io
import json
import os
import pickle
import random
import signal
import sys
import tempfile
import time
import warnings
import zipfile
from pathlib import Path

import numpy as np
from keras_vid.detection.data import box_files
from keras_vid.saved_models.layout import METADATA, read_metadata, view_from
from keras_vid.training.data.datasets import from_csv
from PIL import Image

from keras_vid import video
from keras_vid.utils.errors import InputError
from keras_vid.weights.convert import read_tensors

SECONDS = 10
VALUES = [b"-1", b"0", b"1e309", b"nan", b'"', b",", b"\x00", b"\xff\xfe", b"[]", b"{}", b"null", b"[" * 5000]
MARK = "KERAS_VID_FUZZ_RAN"  # what the hostile pickle would set


class Hostile:
    def __reduce__(self):
        return os.putenv, (MARK, "1")


def _picture(form):
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (24, 32, 3), "uint8")).save(file, form)
    return file.getvalue()


def _npz(**arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def _torch():
    """A state dict as torch.save writes it, of one tensor."""
    state = b"\x80\x02ccollections\nOrderedDict\nq\x00)Rq\x01X\x01\x00\x00\x00wctorch._utils\n_rebuild_tensor_v2\n("
    state += b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x04tQK\x00"
    state += b"K\x02K\x02\x86K\x02K\x01\x86\x89ccollections\nOrderedDict\n)RtRs."
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", state)
        archive.writestr("archive/data/0", np.arange(4, dtype="<f4").tobytes())
    return file.getvalue()


def _read_frames(path):
    video.read(path.parent)


def _read_view(path):
    view_from(read_metadata(path.parent), path.parent)


BOX = {"video": ["a"], "frame": [0], "label": ["run"], "box": np.zeros((1, 4), "f4"), "score": [0.5]}
VIEW = {"view": {"frames": 8, "height": 64, "width": 64, "channels": 3, "fps": 12.5, "labels": ["a", "b"]}}
KINDS = {  # name of the file: (whole content, reader)
    "1.png": (_picture("png"), _read_frames),
    "1.jpg": (_picture("jpeg"), _read_frames),
    "boxes.csv": (
        b"video,frame,label,x1,y1,x2,y2,score\na,0,run,0,0,5,5,0.5\na,1,run,0,0,5,5,0.5\n",
        box_files.read_boxes,
    ),
    "boxes.json": (b'[{"video":"a","frame":0,"label":"run","x1":0,"y1":0,"x2":5,"y2":5}]', box_files.read_boxes),
    "boxes.npz": (_npz(**BOX), box_files.read_boxes),
    "videos.csv": (b"path,label,start,end,group,split\na.mp4,run,0,1.5,g,train\nb.mp4,sit,,,h,test\n", from_csv),
    "weights.npz": (_npz(a=np.zeros((2, 3), "f4"), b=np.arange(5)), read_tensors),
    "weights.pkl": (pickle.dumps({"a": {"w": np.zeros((2, 3), "f4")}}, 2), read_tensors),
    "hostile.pkl": (pickle.dumps({"a": np.zeros(2), "b": Hostile()}, 2), read_tensors),
    "weights.pth": (_torch(), read_tensors),
    METADATA: (json.dumps(VIEW).encode(), _read_view),
}


def damaged(data, rng):
    data = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 8))):
        at = rng.randrange(len(data) + 1)
        kind = rng.choice(("flip", "flip", "cut", "insert", "drop", "repeat"))
        if kind == "flip" and at < len(data):
            data[at] ^= 1 << rng.randrange(8)
        elif kind == "cut" and rng.random() < 0.3:
            del data[at:]
        elif kind == "insert":
            data[at:at] = rng.choice(VALUES)
        elif kind == "drop":
            del data[at : at + rng.randrange(1, 9)]
        elif kind == "repeat":
            data[at:at] = data[max(0, at - 20) : at]
    return bytes(data)


def outcome(path, read):
    """ "read", "refused", or what went wrong."""
    signal.alarm(SECONDS)
    start = time.monotonic()
    try:
        read(path)
        return "read"
    except InputError as error:
        if time.monotonic() - start >= SECONDS:  # a reader may take the alarm for damage
            return "hangs"
        named = path.name in str(error) or str(path.parent) in str(error)
        return "refused" if named else f"does not name the file: {error}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    finally:
        signal.alarm(0)


def _late(*_):
    raise TimeoutError


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-n", type=int, default=200, help="damaged files of each kind")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="folder for the files that were not handled")
    args = parser.parse_args()
    signal.signal(signal.SIGALRM, _late)
    warnings.simplefilter("ignore")
    failures = 0
    for name, (whole, read) in KINDS.items():
        counts = collections.Counter()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / name
            if read is from_csv:
                for video_file in ("a.mp4", "b.mp4"):
                    (Path(folder) / video_file).write_bytes(b"a video")
            for number in range(args.n):
                content = whole if number == 0 else damaged(whole, random.Random(f"{args.seed} {name} {number}"))
                path.write_bytes(content)
                result = outcome(path, read)
                if number == 0 and result != ("refused" if name.startswith("hostile") else "read"):
                    result = f"the whole file is {result}"
                counts[result if result in ("read", "refused") else "FAILED"] += 1
                if result not in ("read", "refused"):
                    print(f"{name} {number}: {' '.join(result.split())[:200]}")
                    if args.keep:
                        args.keep.mkdir(parents=True, exist_ok=True)
                        (args.keep / f"{number}_{name}").write_bytes(content)
        failures += counts["FAILED"]
        print(f"{name:14} {dict(counts)}", flush=True)
    called = os.environ.get(MARK) or os.popen(f"echo ${MARK}").read().strip()
    if called:
        print("a pickle's function was called")
    return 1 if failures or called else 0


if __name__ == "__main__":
    sys.exit(main())
