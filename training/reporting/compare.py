"""Several runs on one page: their numbers beside each other, differences with intervals, curves in one plot."""

from pathlib import Path

import numpy as np
from keras_vid.training.evaluation import metrics
from keras_vid.training.evaluation.predictions import Predictions
from keras_vid.training.reporting.charts import line_chart
from keras_vid.training.reporting.page import escape, page, paragraph, section, share_bar, table
from keras_vid.training.reporting.run_page import column, read_settings
from keras_vid.training.run.folder import read_log

from keras_vid.utils.files import write_whole


def write_comparison(runs, output="comparison.html") -> Path:
    """Write a page that compares runs with the first of them; returns its path."""
    runs = [Path(run) for run in runs]
    settings = [read_settings(run)[1] for run in runs]
    names = short_names(runs)
    numbers = [metrics.read_numbers(run / "metrics.json") if (run / "metrics.json").is_file() else {} for run in runs]
    tested = [Predictions.load(run) if (run / "predictions.npz").is_file() else None for run in runs]
    parts = [f"<h1>{escape(', '.join(names))}</h1>", _numbers(names, numbers), _differences(names, tested)]
    parts += [_curves(names, runs), _classes(names, tested), _settings(names, settings)]
    parts.append(section("To repeat it", f"<pre>{escape('keras-vid report ' + ' '.join(map(str, runs)))}</pre>"))
    path = Path(output)
    write_whole(path, page(" against ".join(names), parts))
    return path


def short_names(runs) -> list[str]:
    """The names of run folders, with as many of the folders above as tell them apart.

    >>> short_names(["runs/tsm", "runs/stm"]), short_names(["a/run", "b/run"])
    (['tsm', 'stm'], ['a/run', 'b/run'])
    """
    parts = [Path(run).resolve().parts for run in runs]
    for count in range(1, max(map(len, parts)) + 1):
        names = ["/".join(one[-count:]) for one in parts]
        if len(set(names)) == len(names):
            break
    return names


def _numbers(names, numbers):
    keys = (
        "top1",
        "top1_interval",
        "largest_class",
        *metrics.SHARES[2:],
        "loss",
        "clips",
        "groups",
        "part",
        "protocol",
    )
    head = ("", *names)
    rows = []
    for key in keys:
        if any(key in one for one in numbers):
            shown = [metrics.shown(key, one[key]) if key in one else "not tested" for one in numbers]
            rows.append((key.replace("_", " "), *shown))
    bars = [share_bar(one["top1"], one["top1_interval"], one["largest_class"]) if one else "" for one in numbers]
    rows.insert(1, ("", *bars)) if rows else None
    warning = ""
    if len({one.get("part") for one in numbers}) > 1 or len({one.get("protocol") for one in numbers}) > 1:
        warning = "These runs were not tested alike: see part and protocol."
    return section("Result", table(rows, head), paragraph(warning))


def _differences(names, tested):
    """Each run against the first, on the clips that both were tested on."""
    rows = []
    for name, other in zip(names[1:], tested[1:]):
        if tested[0] is None or other is None:
            rows.append((name, "not tested", "", "", "", ""))
            continue
        change = difference(other, tested[0])
        if change is None:
            rows.append((name, "other clips or other labels", "", "", "", ""))
            continue
        low, high = change["interval"]
        shown = (f"{change['difference']:+.1%}", f"{low:+.1%} to {high:+.1%}", f"{change['clips']:,}")
        rows.append((name, *shown, f"{change['gained']:,}", f"{change['lost']:,}"))
    head = (
        f"against {names[0]}",
        "difference of top-1",
        "95 % interval",
        "clips",
        "right here alone",
        "right there alone",
    )
    text = (
        "Paired bootstrap over sources of the clips that both were tested on. An interval that holds 0 says that these "
    )
    return section(
        "Differences", table(rows, head, range(1, 6)), paragraph(text + "clips cannot tell the two apart.", "soft")
    )


def difference(one, other) -> dict | None:
    """How much more often `one` is right than `other`, of the clips of both; None without any, or of other labels.

    Args:
        one, other: `Predictions`.
    """
    row_of = {path: i for i, path in enumerate(other.paths)}
    common = [(i, row_of[path]) for i, path in enumerate(one.paths) if path in row_of]
    if not common or list(one.labels) != list(other.labels):
        return None
    first_rows, other_rows = map(list, zip(*common))
    right, beside = (
        table.scores[rows].argmax(axis=1) == table.truth[rows]
        for table, rows in ((one, first_rows), (other, other_rows))
    )
    groups = np.asarray(one.groups)[first_rows]
    return {
        "clips": len(common),
        "difference": float(right.mean() - beside.mean()),
        "interval": metrics.difference_interval(right, beside, groups),
        "gained": int((right & ~beside).sum()),
        "lost": int((beside & ~right).sum()),
    }


def _curves(names, runs):
    logs = [read_log(run / "log.csv") for run in runs]
    charts = []
    for key, title in (("val_top1", "validation top-1"), ("val_loss", "validation loss"), ("loss", "training loss")):
        lines = [
            (name, [float(row["epoch"]) for row in log], column(log, key))
            for name, log in zip(names, logs)
            if log and "stage" not in log[0]
        ]
        charts.append(line_chart(lines, title, "epoch", percent=key == "val_top1"))
    shown = "".join(charts)
    return section("Training", f"<div class=cards>{shown}</div>" if shown else "")


def _classes(names, tested):
    """Correct shares by class of the runs, where they have the same classes; the largest spread first."""
    there = [one for one in tested if one is not None]
    if len(there) < 2 or any(list(one.labels) != list(there[0].labels) for one in there):
        return ""
    shares = np.array([metrics.class_accuracy(metrics.confusion(one.scores, one.truth)) for one in there])
    rows = [
        (there[0].labels[i], *("no clips" if np.isnan(share) else f"{share:.0%}" for share in shares[:, i]))
        for i in np.argsort(-np.nan_to_num(np.ptp(shares, axis=0)), kind="stable")[:30]
    ]
    head = ("class, the most different first", *(name for name, one in zip(names, tested) if one is not None))
    return section("Classes", table(rows, head, range(1, len(head))))


def _settings(names, settings):
    """The settings that differ."""
    left_out = ("command", "training_videos", "plan", "recipe", "choices")
    flat = [{**one["recipe"], **{k: v for k, v in one.items() if k not in left_out}} for one in settings]
    keys = [
        key for key in dict.fromkeys(key for one in flat for key in one) if len({str(one.get(key)) for one in flat}) > 1
    ]
    rows = [(key, *(str(one.get(key, "")) for one in flat)) for key in keys]
    return section("Settings that differ", table(rows, ("", *names)))
