"""A server process for the tests of clients."""

import contextlib
import json
import subprocess
import sys
from pathlib import Path

SERVER = Path(__file__).with_name("serving_process.py")


@contextlib.contextmanager
def serving(folder, *options):
    """The addresses of a server process, gRPC and REST."""
    command = [sys.executable, str(SERVER), str(folder), *map(str, options)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            ports = json.loads(process.stdout.readline())
            yield {"grpc": f"127.0.0.1:{ports['grpc']}", "rest": f"http://127.0.0.1:{ports['rest']}"}
        finally:
            process.kill()
