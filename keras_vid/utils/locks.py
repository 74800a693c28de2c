"""Locks on what is written for a while, so that a second run into the same output ends with one line.

A lock is the operating system's and goes with the process, however that ends.
"""

import contextlib
import os
import sys
from pathlib import Path

from keras_vid.utils.errors import InputError
from keras_vid.utils.files import room_for

try:
    import fcntl
except ImportError:  # Windows: two runs into one output are not noticed there
    fcntl = None  # type: ignore[assignment]


@contextlib.contextmanager
def held(folder):
    """Hold a folder that is written to for a while. A folder that is still empty at the end goes, if it is new.

    >>> import tempfile
    >>> folder = tempfile.mkdtemp()
    >>> with held(folder):
    ...     try:
    ...         with held(folder):
    ...             pass
    ...     except InputError as error:
    ...         print(str(error).replace(folder, "DIR"))
    another run is writing to DIR: wait for it, or choose another -o
    """
    folder = Path(folder)
    is_new = not folder.exists()
    with room_for(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder, os.O_RDONLY, folder):
        try:
            yield
        finally:
            if is_new:
                with contextlib.suppress(OSError):
                    folder.rmdir()  # nothing was written


@contextlib.contextmanager
def held_file(path):
    """As `held`, for one file: others in its folder may be written. An empty file beside it is locked for that."""
    path = Path(path)
    lock = path.with_name(f".lock.{path.name}")
    path.parent.mkdir(parents=True, exist_ok=True)
    with _locked(lock, os.O_RDWR | os.O_CREAT, path):
        try:
            yield
        finally:
            lock.unlink(missing_ok=True)


@contextlib.contextmanager
def _locked(lock, flags, path):
    """Lock a file or folder that stands for `path`."""
    if fcntl is None:
        yield
        return
    with room_for(path):
        descriptor = os.open(lock, flags, 0o666)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not os.path.samestat(os.fstat(descriptor), os.stat(lock)):
                raise BlockingIOError  # the run before removed it just now, and another one made it anew
        except (BlockingIOError, FileNotFoundError):
            raise InputError(f"another run is writing to {path}: wait for it, or choose another -o") from None
        except OSError as error:  # a file system without locks
            print(f"{path}: cannot be locked ({error}): start no second run there", file=sys.stderr)
        yield
    finally:
        os.close(descriptor)
