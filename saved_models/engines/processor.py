"""What this processor does with 8-bit integers."""

from pathlib import Path

INSTRUCTIONS = {"avx512_vnni", "avx_vnni", "amx_int8", "asimddp"}  # of x86, and the last of ARM


def has_vnni() -> bool:
    """Whether products of 8-bit integers are added in 32 bits, where they cannot overflow; False if it is not known."""
    try:
        return bool(INSTRUCTIONS & set(Path("/proc/cpuinfo").read_text(encoding="utf-8").split()))
    except OSError:
        return False
