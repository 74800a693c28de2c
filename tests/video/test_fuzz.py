"""A seeded slice of benchmarks/fuzz_decode.py; `make fuzz` runs thousands."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_damaged_videos_never_crash_hang_or_lie():
    command = [sys.executable, str(ROOT / "benchmarks/fuzz_decode.py"), "-n", "104", "-j", "1"]
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
    result = subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment)
    assert result.returncode == 0, result.stdout + result.stderr
    assert " read" in result.stdout and " refused" in result.stdout
