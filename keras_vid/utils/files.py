"""Files that appear whole or not at all, and plans by which long work goes on after it was killed."""

import json
import os
from pathlib import Path

from keras_vid.utils.errors import InputError


def write_whole(path, text):
    """Write a file that is there completely or not at all, whenever the process is killed."""
    part = part_of(path)
    part.write_text(text, encoding="utf-8")
    settle(part, path)


def part_of(path):
    """Beside the file; one name for each, so that a killed run leaves nothing that the next does not overwrite."""
    path = Path(path)
    return path.with_name(f".{path.name}.part")


def settle(part, path):
    """The finished file takes its name only once its bytes are on the disk."""
    with open(part, "rb") as file:
        os.fsync(file.fileno())
    os.replace(part, path)


def settle_plan(path, plan):
    """Keep what decides the output beside it; go on only with the plan that the output was begun with."""
    path = Path(path)
    if not path.exists():
        write_whole(path, as_json(plan))
    there = json.loads(path.read_text(encoding="utf-8"))
    odd = [key for key in plan if there.get(key) != plan[key]]
    if odd:
        told = ", ".join(f"{key} {there.get(key)!r} instead of {plan[key]!r}" for key in odd)
        raise InputError(f"{path.parent} was begun otherwise ({told}): give the same options or another folder")


def as_json(value):
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"
