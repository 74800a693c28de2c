"""Files that appear whole or not at all, and plans by which long work goes on after it was killed."""

import contextlib
import json
import os
import zipfile
from pathlib import Path

from keras_vid.utils.errors import InputError


@contextlib.contextmanager
def atomic(path):
    """Write a file that is there completely or not at all, whenever the process is killed or the disk is full.

    Yields the path to write to, beside the file and with its suffix. The file takes its name only once its bytes are on
    the disk; where the block fails, what was there before stays.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "numbers.txt"
    >>> with atomic(path) as part:
    ...     _ = part.write_text("1 2 3")
    >>> path.read_text(), [child.name for child in path.parent.iterdir()]
    ('1 2 3', ['numbers.txt'])
    """
    path = Path(path)
    # one name for each file, so that a killed process leaves nothing that the next one does not overwrite
    part = path.with_name(f".part.{path.name}")
    try:
        yield part
        _sync(part)
        os.replace(part, path)
        _sync(path.parent)
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def _sync(path):
    """Put a file, or the names in a folder, on the disk."""
    if path.is_dir() and os.name == "nt":
        return  # Windows opens no folders
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_whole(path, text):
    """Write a text file whole or not at all."""
    with atomic(path) as part:
        part.write_text(text, encoding="utf-8")


def settle_plan(path, plan):
    """Keep what decides the output in a file beside it; go on only with the plan that the output was started with."""
    path = Path(path)
    if not path.exists():
        write_whole(path, as_json(plan))
    recorded = read_json(path)
    changed = [key for key in plan if recorded.get(key) != plan[key]]
    if changed:
        shown = ", ".join(f"{key} {recorded.get(key)!r} instead of {plan[key]!r}" for key in changed)
        raise InputError(
            f"{path.parent} was started with other settings ({shown}): give the same options or another folder"
        )


def as_json(value):
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


def read_json(path):
    """What a JSON file of ours holds; one that is damaged costs one line."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is damaged ({error}): restore it, or choose another folder") from error


def read_npz(path):
    """The arrays of an .npz file by name. Python objects in it are never loaded.

    >>> import tempfile
    >>> import numpy as np
    >>> path = Path(tempfile.mkdtemp()) / "a.npz"
    >>> np.savez(path, a=[1, 2])
    >>> read_npz(path)["a"].tolist()
    [1, 2]
    """
    import numpy as np

    if not zipfile.is_zipfile(path):
        raise InputError(f"{path} is damaged, or not an .npz file: write it again with numpy.savez")
    arrays, name = {}, ""
    try:
        with np.load(path, allow_pickle=False) as file:
            for name in file.files:
                arrays[name] = file[name]
    except Exception as error:  # a damaged archive raises almost anything, a declared size of terabytes a MemoryError
        reason = "it holds Python objects" if "pickle" in str(error) else " ".join(str(error).split())
        where = f" at {name!r}" if name else ""
        raise InputError(f"{path} cannot be read{where} ({reason}): write it again with numpy.savez") from error
    return arrays
