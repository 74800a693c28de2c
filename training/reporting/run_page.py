"""A run on one page, report.html, and what goes with it: confusion.png and MODEL_CARD.md."""

import collections
import json
from pathlib import Path

import numpy as np
from keras_vid.training.evaluation import metrics
from keras_vid.training.evaluation.evaluate import read_args
from keras_vid.training.evaluation.predictions import Predictions
from keras_vid.training.reporting import results
from keras_vid.training.reporting.card import listed, model_card, started_with
from keras_vid.training.reporting.charts import line_chart
from keras_vid.training.reporting.clips import Clips
from keras_vid.training.reporting.confusion import draw_confusion
from keras_vid.training.reporting.page import Raw, escape, folded, page, paragraph, section, table
from keras_vid.training.run.folder import read_log

from keras_vid.utils.errors import InputError
from keras_vid.utils.files import atomic, read_json, read_rows, write_whole


def write_report(run, activation=True, output=None) -> Path:
    """Write report.html, confusion.png and MODEL_CARD.md into a run folder, from what is in it.

    Args:
        activation: Whether clips are shown with their class activation, which costs one pass of the network each.
        output: Another path of the page.

    Returns:
        The path of the page.
    """
    run = Path(run)
    recipe, args = read_settings(run)
    log = read_log(run / "log.csv")
    numbers = metrics.read_numbers(run / "metrics.json") if (run / "metrics.json").is_file() else {}
    title = f"{recipe.model} on {Path(args['data']).name or recipe.model}"
    parts = [f"<h1>{escape(title)}</h1>", results.result(numbers), curves(log), results.stages(numbers)]
    if (run / "predictions.npz").is_file():
        tested = Predictions.load(run)
        clips = Clips(tested, run if activation else None)
        parts += [results.classes(tested), results.examples(tested, clips)]
        parts += [results.calibration(tested, numbers)] if numbers else []
        picture = draw_confusion(metrics.confusion(tested.scores, tested.truth), tested.labels)
        with atomic(run / "confusion.png") as part:
            part.write_bytes(picture)
    parts += [cost(run, args, log), data(run, args), network(recipe, args), settings(args), repeat(run, args)]
    path = Path(output or run / "report.html")
    write_whole(path, page(title, parts))
    write_whole(run / "MODEL_CARD.md", model_card(recipe, args, log, numbers))
    return path


def read_settings(run):
    """(recipe, args.json) of a run of a classifier."""
    path = Path(run) / "args.json"
    args = read_json(path) if path.is_file() else {}
    if isinstance(args.get("recipe"), dict) and "model" not in args:
        raise InputError(f"{run} is not a run of a classifier; of a detector: keras-vid detect report {run}")
    kinds = {"labels": list, "data": str, "parameters": int, "clips": int, "command": str, "versions": dict}
    recipe, _ = read_args(run)
    args = read_json(path, kinds)
    if not all(isinstance(label, str) for label in args["labels"]):
        raise InputError(f"{path} is damaged (labels are not names): restore it, or choose another folder")
    return recipe, args


def curves(log, measures=("top1",), names=("correct (top-1)",)) -> str:
    """Loss and measures over the epochs, and all numbers of the log folded away."""
    if not log or "stage" in log[0]:
        return ""
    epochs = [float(row["epoch"]) for row in log]
    charts = []
    for key, title in zip(("loss", *measures), ("loss", *names)):
        lines = [
            (part, epochs, column(log, prefix + key)) for part, prefix in (("training", ""), ("validation", "val_"))
        ]
        charts.append(line_chart(lines, title, "epoch", percent=key != "loss"))
    rate = column(log, "rate")
    if len(set(rate)) > 1:
        charts.append(line_chart([("learning rate", epochs, rate)], "learning rate", "epoch"))
    shown = [name for name in log[0] if any(row[name] for row in log)]
    every = table([[row[name] for name in shown] for row in log], shown, range(len(shown)))
    return section("Training", f"<div class=cards>{''.join(charts)}</div>", folded("the numbers of every epoch", every))


def column(log, name):
    """A column of the log; NaN where it holds nothing."""
    return [float(row.get(name) or "nan") for row in log]


def cost(run, args, log) -> str:
    """Time of training, and the size of the network."""
    rows, seconds = [], np.array(column(log, "seconds"))
    if len(log) and np.isfinite(seconds).any():
        rows.append(("training with validation", told_seconds(np.nansum(seconds))))
        rows.append(("an epoch (median)", told_seconds(np.nanmedian(seconds))))
        rows.append(("clips a second (median)", f"{np.nanmedian(column(log, 'clips_per_second')):.3g}"))
        rows.append(("of it waiting for clips (median)", f"{np.nanmedian(column(log, 'input_share')):.0%}"))
    rows.append(("parameters", f"{args['parameters']:,}"))
    file = next((run / name for name in ("best.keras", "last.keras") if (run / name).is_file()), None)
    if file:
        rows.append((f"{file.name}", f"{file.stat().st_size / 1e6:.1f} MB"))
    return section("Time and size", table(rows, numbers=(1,)))


def told_seconds(seconds):
    """
    >>> told_seconds(4.21), told_seconds(3725)
    ('4.2 s', '1 h 2 min')
    """
    if seconds < 100:
        return f"{seconds:.1f} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"


def data(run, args) -> str:
    """The clips that were learned from, those that could not be read, and what keras-vid check said."""
    rows = [("clips", f"{args['clips']:,}"), ("from", path_of(args["data"]))]
    rows += [("kept together by", args["group_by"])] if args.get("group_by") else []
    for name, text in (("unreadable.csv", "could not be read"), ("skipped.csv", "left out")):
        count = len(_rows(run / name))
        rows += [(text, f"{count:,} ({name})")] if count else []
    kinds = collections.Counter(row["finding"] for row in _rows(run / "check.csv"))
    rows += [(f"keras-vid check: {kind}", f"{count:,} clips") for kind, count in kinds.items()]
    if (run / "check.html").is_file():
        rows.append(("more about them", Raw("<a href=check.html>check.html</a>, by keras-vid check")))
    return section("What it learned from", table(rows))


def path_of(text) -> Raw:
    """A path, which may be long, as a cell of a table."""
    return Raw(f"<span class=path>{escape(text)}</span>")


def _rows(path):
    if not path.is_file():
        return []
    return read_rows(path)


def network(recipe, args) -> str:
    """What was trained, and by which decisions."""
    rows = [("network", recipe.model), ("started from", recipe.weights or "random weights"), ("recipe", recipe.source)]
    rows += [("options", listed(recipe.options))] if recipe.options else []
    plan = folded("what was decided, and why", *map(paragraph, args.get("plan", ())))
    return section("The network", table(rows), plan)


def settings(args) -> str:
    """All settings, folded away."""
    recipe = [(name, _shown(value)) for name, value in args["recipe"].items()]
    other = {k: v for k, v in args.items() if k not in ("recipe", "training_videos", "plan", "command", "versions")}
    carried_out = [(name, _shown(value)) for name, value in other.items()]
    return section(
        "Settings", folded("the recipe", table(recipe)), folded("how it was carried out", table(carried_out))
    )


def _shown(value):
    return path_of(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def repeat(run, args) -> str:
    """The commands and the versions."""
    trained = started_with(args)
    commands = [trained] if "stage" in args else [trained, f"keras-vid evaluate {run}"]
    commands.append(f"keras-vid report {run}")
    versions = ", ".join(f"{name} {version}" for name, version in args["versions"].items())
    return section("To repeat it", f"<pre>{escape(chr(10).join(commands))}</pre>", paragraph(f"Versions: {versions}"))
