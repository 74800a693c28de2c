"""An ablation table as Markdown and as a page, each row beside the paper's numbers, and the figure if there is one."""

import base64
import html
import io
from pathlib import Path

import numpy as np
from keras_vid.training.evaluation.metrics import wilson

from keras_vid.utils.files import atomic, write_whole

STYLE = """body{font:15px/1.5 system-ui,sans-serif;max-width:1100px;margin:2em auto;padding:0 1em;color:#222}
table{border-collapse:collapse}td,th{padding:.2em .8em;text-align:right;border-bottom:1px solid #ddd}
td:first-child,th:first-child{text-align:left}.wide{overflow-x:auto}pre{white-space:pre-wrap}"""


def write_tables(table, results, folder, command):
    """Write table.md, table.html and, where the paper has a figure, figure.png; returns the Markdown."""
    folder = Path(folder)
    head, rows = cells(table, results)
    lines = [f"## {table.title}", "", f"{table.source}. Trained here with:", "", f"```\n{command}\n```", ""]
    lines += ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    notes = _notes(table, results)
    lines += ["", *notes, ""]
    write_whole(folder / "table.md", "\n".join(lines))
    page = [f"<!doctype html><meta charset=utf-8><title>{html.escape(table.title)}</title><style>{STYLE}</style>"]
    page += [f"<h1>{html.escape(table.title)}</h1><p>{html.escape(table.source)}<pre>{html.escape(command)}</pre>"]
    page += ["<div class=wide><table><tr>" + "".join(f"<th>{html.escape(cell)}" for cell in head)]
    page += ["<tr>" + "".join(f"<td>{html.escape(cell)}" for cell in row) for row in rows]
    page += ["</table></div>", *(f"<p>{html.escape(note)}" for note in notes)]
    if table.plot:
        picture = draw(results)
        with atomic(folder / "figure.png") as part:
            part.write_bytes(picture)
        page += [f'<img src="data:image/png;base64,{base64.b64encode(picture).decode()}">']
    write_whole(folder / "table.html", "\n".join(page))
    return "\n".join(lines)


def cells(table, results):
    """(the head, the rows) of a table as text.

    >>> from keras_vid.training.ablations.tables import TABLES
    >>> table = TABLES["stm/table6"]
    >>> one = {"top1": 0.5, "top5": None, "parameters": 2_000_000, "macs": 10**9}
    >>> cells(table, [(table.rows[0], [one, {**one, "top1": 0.6}])])[1]
    [['TSN', '2.00M', '1.00G', '55.0 % (50.0 to 60.0)', '19.7 %']]
    """
    head = ["row", "parameters", "MACs", "top-1"]
    columns = [("top1", "top-1 in the paper", "{:.1f} %")]
    if table.reverse:
        head.append("top-1, frames backwards")
        columns.append(("reverse", "backwards in the paper", "{:.1f} %"))
    columns += [("parameters", "parameters in the paper", "{:.2f}M"), ("macs", "MACs in the paper", "{:.2f}G")]
    columns = [column for column in columns if any(column[0] in row.paper for row in table.rows)]
    rows = []
    for row, numbers in results:
        first = numbers[0]
        line = [row.name, f"{first['parameters'] / 1e6:.2f}M", f"{first['macs'] / 1e9:.2f}G", _spread(numbers, "top1")]
        if table.reverse:
            line.append(_spread(numbers, "reverse"))
        line += [form.format(row.paper[key]) if key in row.paper else "" for key, _, form in columns]
        rows.append(line)
    return head + [title for _, title, _ in columns], rows


def _spread(numbers, key):
    """The mean over seeds, and the lowest and highest where there are several."""
    values = [100 * one[key] for one in numbers]
    mean = f"{np.mean(values):.1f} %"
    return mean if len(values) == 1 else f"{mean} ({min(values):.1f} to {max(values):.1f})"


def _notes(table, results):
    """What the numbers mean, and which differences are within what the test clips alone can do."""
    first = results[0][1][0]
    seeds, clips = len(results[0][1]), first["clips"]
    noise = 100 * 1.96 * np.sqrt(2 * 0.25 / clips)
    notes = [f"{clips:,} test clips, {seeds} seed{'s' * (seeds > 1)} a row; {first['protocol']}."]
    notes.append(
        f"With so many clips two equally good networks may lie up to {noise:.0f} points apart by chance (95 %, at "
        "accuracies near one half)" + ("; one seed shows nothing of what another start would give." * (seeds == 1))
    )
    stated = [(row, np.mean([one["top1"] for one in numbers])) for row, numbers in results if "top1" in row.paper]
    return notes + _order(stated) + [note for note in (table.note,) if note]


def _order(stated):
    """Pairs of rows, each with its accuracy here, that stand the other way round in the paper."""
    other = []
    for i, (first, ours) in enumerate(stated):
        for second, ours2 in stated[i + 1 :]:
            if (first.paper["top1"] - second.paper["top1"]) * (ours - ours2) < 0:
                other.append(f"{first.name} and {second.name}")
    return [f"In the other order than in the paper: {'; '.join(other)}."] if other else []


def draw(results):
    """Accuracy against multiply-adds as PNG bytes: solid lines for top-heavy networks, dotted for bottom-heavy ones,
    orange for separable and blue for full 3D convolutions. Bars are what the number of test clips leaves open (95 %).
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5), dpi=120, layout="constrained")
    axes = figure.subplots()
    series = {}
    for row, numbers in results:
        top = np.mean([one["top1"] for one in numbers])
        low, high = wilson(top, numbers[0]["clips"])
        point = numbers[0]["macs"] / 1e9, 100 * top, 100 * (top - low), 100 * (high - top)
        series.setdefault(row.series or row.name, []).append(point)
    for name, points in series.items():
        xs, ys, *bars = zip(*sorted(points))
        line, marker = (":" if name.startswith("Bottom") else "-", "o") if len(points) > 1 else ("none", "s")
        style = {"linestyle": line, "marker": marker, "capsize": 3, "elinewidth": 0.7}
        style["color"] = "tab:orange" if "S3D" in name else "tab:blue" if "I3D" in name else "black"
        axes.errorbar(xs, ys, bars, label=name, **style)
    axes.set(xlabel="multiply-adds of a clip (billions)", ylabel="top-1 (%)")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    stream = io.BytesIO()
    figure.savefig(stream, format="png")
    return stream.getvalue()
