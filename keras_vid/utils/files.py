"""Files that appear whole or not at all, and plans by which long work goes on after it was killed."""

import contextlib
import csv
import errno
import functools
import json
import os
import secrets
import zipfile
from pathlib import Path

from keras_vid.utils.errors import DiskFull, InputError

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextlib.contextmanager
def atomic(path, shared=False):
    """Write a file that is there completely or not at all, whenever the process is killed or the disk is full.

    Yields the path to write to, beside the file and with its suffix. The file takes its name only once its bytes are on
    the disk; where the block fails, what was there before stays.

    Args:
        shared: Whether other processes may write the same file at the same time.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "numbers.txt"
    >>> with atomic(path) as part:
    ...     _ = part.write_text("1 2 3")
    >>> path.read_text(), [child.name for child in path.parent.iterdir()]
    ('1 2 3', ['numbers.txt'])
    """
    path = Path(path)
    # one name for each file, so that a killed process leaves nothing that the next one does not overwrite
    part = path.with_name(f".part.{secrets.token_hex(4)}.{path.name}" if shared else f".part.{path.name}")
    try:
        with room_for(path):
            yield part
            _sync(part)
            os.replace(part, path)
            _sync(path.parent)
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


@contextlib.contextmanager
def room_for(path):
    """Make one line with the name of a file of whatever a library raises where the disk is full.

    Of one in another, the outer name is in the line: that of a folder which gets it when all its files are there.
    """
    try:
        yield
    except Exception as error:
        is_full = isinstance(error, DiskFull) or getattr(error, "errno", None) in FULL
        if is_full or any(os.strerror(code) in str(error) for code in FULL):
            raise DiskFull(path) from error
        raise


@contextlib.contextmanager
def resumed_with_room():
    """A run that goes on with `--resume`: the line of a full disk says so. Use it as a decorator."""
    try:
        yield
    except DiskFull as error:
        raise DiskFull(error.args[0], "make room and run the command again with --resume") from error


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


def read_json(path, fields=None):
    """The dict that a JSON file of ours holds; one that is damaged costs one line.

    Args:
        fields: {name: type, or a tuple of types} of what must be in it.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.json"
    >>> _ = path.write_text('{"clips": "3"}')
    >>> read_json(path)
    {'clips': '3'}
    >>> try:
    ...     read_json(path, {"clips": int})
    ... except InputError as error:
    ...     print(str(error).removeprefix(str(path)))
     is damaged (clips is '3'): restore it, or choose another folder
    """
    try:
        values = json.loads(Path(path).read_text(encoding="utf-8"))
        if not isinstance(values, dict):
            raise ValueError(f"it holds {str(values)[:40]!r}")
        for name, kinds in (fields or {}).items():
            if name not in values:
                raise ValueError(f"it does not say {name}")
            if not isinstance(values[name], kinds):
                raise ValueError(f"{name} is {str(values[name])[:40]!r}")
        return values
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is damaged ({error}): restore it, or choose another folder") from error


def read_rows(path):
    """The rows of a CSV file of ours as dicts of text; a damaged one costs one line."""
    try:
        with open(path, newline="", encoding="utf-8") as file:
            return [{name: cell or "" for name, cell in row.items() if name} for row in csv.DictReader(file)]
    except (ValueError, csv.Error) as error:
        raise InputError(f"{path} is damaged ({error}): restore it, or choose another folder") from error


def once_a_file(maxsize):
    """A decorator of functions of one file: results are kept until the file changes. Of a source that is not a file the
    function is called each time.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.txt"
    >>> _ = path.write_text("one")
    >>> calls = []
    >>> @once_a_file(maxsize=4)
    ... def size(source):
    ...     calls.append(source)
    ...     return Path(source).stat().st_size
    >>> size(path), size(str(path)), len(calls)
    (3, 3, 1)
    """

    def decorate(read):
        @functools.lru_cache(maxsize=maxsize)
        def kept(path, changed):
            return read(path)

        @functools.wraps(read)
        def reader(source):
            if isinstance(source, (str, os.PathLike)) and os.path.isfile(source):
                return kept(os.fspath(source), os.stat(source).st_mtime_ns)
            return read(source)

        return reader

    return decorate


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
