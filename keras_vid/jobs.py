"""Long work that may be killed at any moment and goes on where it was: files that appear whole, plans, Apache Beam."""

import json
import os
from pathlib import Path


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
        raise ValueError(f"{path.parent} was begun otherwise ({told}): give the same options or another folder")


def as_json(value):
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


def on_beam(function, tasks, runner, workers=None):
    """Call a function of each task on Apache Beam. All files that it names must be visible to all machines.

    Args:
        runner: Such as "DirectRunner" (processes on this machine) or "DataflowRunner".
        workers: Processes of the DirectRunner.
    """
    from keras_vid.extras import need

    beam = need("apache_beam", extra="beam")
    from apache_beam.options.pipeline_options import PipelineOptions

    options = {"runner": runner, "save_main_session": False}
    if runner == "DirectRunner":
        options |= {"direct_num_workers": workers or 1, "direct_running_mode": "multi_processing"}
    with beam.Pipeline(options=PipelineOptions.from_dictionary(options)) as pipeline:
        _ = pipeline | beam.Create(tasks) | beam.Reshuffle() | beam.Map(function)
