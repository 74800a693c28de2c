"""A run on one page: curves, confusion, the classes it cannot tell apart, wrongly classified clips, a model card."""

import base64
import html
import io
import json
from pathlib import Path

import numpy as np
from keras_vid.training.evaluation import metrics
from keras_vid.training.evaluation.evaluate import read_args
from keras_vid.training.evaluation.predictions import Predictions
from keras_vid.training.run.folder import read_log
from PIL import Image, ImageDraw

from keras_vid.utils.files import atomic
from keras_vid.video import read, write

WRONG = 8  # clips shown
STYLE = """body{font:15px/1.5 system-ui,sans-serif;max-width:960px;margin:2em auto;padding:0 1em;color:#222}
table{border-collapse:collapse}td,th{padding:.15em .8em .15em 0;text-align:left}td.n{text-align:right}
figure{display:inline-block;margin:0 1em 1em 0}figcaption{font-size:13px;max-width:180px}
svg text{font:11px system-ui,sans-serif}h2{margin-top:1.6em}"""


def write_report(run):
    """Write report.html, confusion.png and MODEL_CARD.md into a run folder from what is in it; answers report.html."""
    run = Path(run)
    recipe, args = read_args(run)
    log = read_log(run / "log.csv")
    numbers = json.loads((run / "metrics.json").read_text()) if (run / "metrics.json").is_file() else {}
    tested = Predictions.load(run) if (run / "predictions.npz").is_file() else None
    parts = [f"<h1>{html.escape(recipe.model)} on {html.escape(args['data'])}</h1>", _facts(args, log, numbers)]
    if log:
        parts += ["<h2>Training</h2>", _curves(log, ("loss", "val_loss")), _curves(log, ("top1", "val_top1"))]
    if tested:
        matrix = metrics.confusion(tested.scores, tested.truth)
        picture = draw_confusion(matrix, tested.labels)
        _write_bytes(run / "confusion.png", picture)
        parts += ["<h2>Confusion</h2>", _image(picture, "image/png"), _class_table(matrix, tested.labels)]
        parts += ["<h2>Wrong, and most certain of it</h2>", *_wrong_clips(tested)]
    parts += ["<h2>Settings</h2>", f"<pre>{html.escape(json.dumps(args, indent=1))}</pre>"]
    page = f"<!doctype html><meta charset=utf-8><title>{html.escape(recipe.model)}</title><style>{STYLE}</style>"
    _write_bytes(run / "report.html", (page + "\n".join(parts)).encode())
    _write_bytes(run / "MODEL_CARD.md", model_card(recipe, args, log, numbers).encode())
    return run / "report.html"


def model_card(recipe, args, log, numbers):
    """What the network is, what it saw, what it reached and by which protocol, and what is not known of it."""
    lines = [f"# {recipe.model}", "", f"- Task: one of {len(args['labels'])} actions for a clip"]
    lines += [f"- Parameters: {args['parameters']:,}", f"- Trained on: {args['clips']:,} clips of `{args['data']}`"]
    if recipe.options:
        lines += [f"- Options: {listed(recipe.options)}"]
    lines += [f"- Started from: {recipe.weights or 'random weights'}", f"- Recipe: {recipe.source}"]
    lines += [f"- Command: `{args['command']}`"]
    lines += [f"- Versions: {', '.join(f'{k} {v}' for k, v in args['versions'].items())}"]
    if log:
        lines += [f"- Epochs: {log[-1]['epoch']}, steps: {log[-1]['step']}"]
    lines += ["", "## Measured", ""]
    if numbers:
        told = [
            metrics.in_words(numbers),
            numbers["protocol"],
            numbers.get("split"),
            f"{numbers['unreadable']} unreadable",
        ]
        lines += ["; ".join(filter(None, told)) + ".", ""]
        if numbers.get("part") == "validation":
            lines += ["These clips chose the network: on clips that it has never met it will be worse.", ""]
        keys = [key for key in metrics.SHARES if key in numbers]
        lines += ["| " + " | ".join(key.replace("_", " ") for key in keys) + " |", "|---" * len(keys) + "|"]
        lines += ["| " + " | ".join(f"{numbers[key]:.2%}" for key in keys) + " |"]
    else:
        lines += ["Not tested yet: `keras-vid evaluate` does it."]
    lines += ["", "## Not measured", "", "Other cameras, other people, other places than those of the data above.", ""]
    lines += ["## Labels", "", ", ".join(args["labels"]), ""]
    return "\n".join(lines)


def listed(options):
    """A network's options in a line.

    >>> listed({"modules": ("cmm",), "fusion": "concat"})
    'modules=cmm, fusion=concat'
    """
    shown = {key: ",".join(map(str, v)) if isinstance(v, (list, tuple)) else v for key, v in options.items()}
    return ", ".join(f"{key}={value}" for key, value in shown.items())


def draw_confusion(matrix, labels, cell=None):
    """The confusion matrix as PNG bytes, each row in shares of its class.

    >>> draw_confusion([[3, 0], [1, 2]], ["run", "sit"])[1:4]
    b'PNG'
    """
    matrix = np.asarray(matrix, float)
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    count = len(matrix)
    cell = cell or max(2, min(48, 900 // count))
    named = cell >= 12
    margin = 8 + (max(len(name) for name in labels) * 6 if named else 0)
    image = Image.new("RGB", (margin + count * cell + 8, margin + count * cell + 8), "white")
    draw = ImageDraw.Draw(image)
    for i in range(count):
        for j in range(count):
            x, y = margin + j * cell, margin + i * cell
            dark = shares[i, j] ** 0.7
            colour = tuple(int(255 - dark * (255 - c)) for c in (20, 70, 140))
            draw.rectangle((x, y, x + cell - 2, y + cell - 2), fill=colour)
            if cell >= 28 and matrix[i, j]:
                text = f"{int(matrix[i, j])}"
                draw.text((x + cell / 2 - 3 * len(text), y + cell / 2 - 6), text, "white" if dark > 0.5 else "black")
    if named:
        for i, name in enumerate(labels):
            draw.text((4, margin + i * cell + cell / 2 - 6), name, "black")
            upright = Image.new("RGB", (margin, 12), "white")
            ImageDraw.Draw(upright).text((2, 0), name, "black")
            image.paste(upright.rotate(90, expand=True), (margin + i * cell + (cell - 12) // 2, 0))
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


def wrong(tested, count=WRONG):
    """Places of the wrongly classified clips, the most certain first."""
    answers = tested.scores.argmax(axis=1)
    places = np.flatnonzero(answers != tested.truth)
    return places[np.argsort(-tested.scores[places].max(axis=1), kind="stable")][:count]


def clip_gif(path, frames=12, side=120):
    """A small animated GIF of a video, as bytes."""
    import tempfile

    def indices(count):
        return [i * count // frames for i in range(frames)]

    pictures = read(path, indices, size=side)
    with tempfile.TemporaryDirectory() as folder:
        return write(Path(folder) / "clip.gif", pictures, fps=6).read_bytes()


def _facts(args, log, numbers):
    rows = [("parameters", f"{args['parameters']:,}"), ("training clips", f"{args['clips']:,}")]
    if args["recipe"].get("options"):
        rows.append(("options", listed(args["recipe"]["options"])))
    if log:
        rows.append(("epochs, steps", f"{log[-1]['epoch']}, {log[-1]['step']}"))
    part = numbers.get("part", "test")
    for key in ("protocol", "split", "clips", "groups", "top1_interval", *metrics.SHARES, "unreadable"):
        if key in numbers:
            rows.append((f"{part}: {key.replace('_', ' ')}", metrics.shown(key, numbers[key])))
    return "<table>" + "".join(f"<tr><th>{a}<td>{html.escape(b)}" for a, b in rows) + "</table>"


def _curves(log, names, width=440, height=220):
    """Lines over epochs as SVG; dashed is the validation."""
    series = [(name, [float(row[name]) for row in log if row.get(name)]) for name in names]
    series = [(name, values) for name, values in series if values and np.isfinite(values).all()]
    if not series:
        return ""
    top = max(max(values) for _, values in series) or 1.0
    lines = []
    for number, (name, values) in enumerate(series):
        xs = np.linspace(40, width - 10, len(values)) if len(values) > 1 else [width / 2]
        points = " ".join(f"{x:.1f},{height - 25 - v / top * (height - 45):.1f}" for x, v in zip(xs, values))
        dash = ' stroke-dasharray="5 4"' if number else ""
        lines.append(f'<polyline points="{points}" fill="none" stroke="#14468c" stroke-width="2"{dash}/>')
        lines.append(f'<text x="{50 + 110 * number}" y="14">{"- - " if number else "— "}{name} {values[-1]:.3f}</text>')
    axis = f'<path d="M40 20V{height - 25}H{width - 10}" fill="none" stroke="#999"/>'
    axis += f'<text x="2" y="28">{top:.2f}</text><text x="20" y="{height - 22}">0</text>'
    axis += f'<text x="{width - 70}" y="{height - 8}">epoch {log[-1]["epoch"]}</text>'
    return f'<svg width="{width}" height="{height}">{axis}{"".join(lines)}</svg>'


def _class_table(matrix, labels):
    shares = metrics.class_accuracy(matrix)
    off = np.array(matrix, float)
    np.fill_diagonal(off, 0)
    rows = []
    for i in np.argsort(np.nan_to_num(shares, nan=2), kind="stable")[:30]:
        taken = labels[off[i].argmax()] if off[i].any() else ""
        share = "no clips" if np.isnan(shares[i]) else f"{shares[i]:.0%}"
        name = html.escape(labels[i])
        rows.append(f"<tr><td>{name}<td class=n>{share}<td class=n>{matrix[i].sum()}<td>{html.escape(taken)}")
    return "<table><tr><th>class, worst first<th>right<th>clips<th>most often taken for" + "".join(rows) + "</table>"


def _wrong_clips(tested):
    for place in wrong(tested):
        path, row = str(tested.paths[place]), tested.scores[place]
        try:
            shown = _image(clip_gif(path), "image/gif")
        except (ValueError, OSError):
            shown = "(the video cannot be read any more)"
        true, said = tested.labels[tested.truth[place]], tested.labels[row.argmax()]
        caption = f"{html.escape(said)} ({row.max():.0%}), but is {html.escape(true)}<br>{html.escape(Path(path).name)}"
        yield f"<figure>{shown}<figcaption>{caption}</figcaption></figure>"


def _image(content, kind):
    return f'<img src="data:{kind};base64,{base64.b64encode(content).decode()}">'


def _write_bytes(path, content):
    with atomic(path) as part:
        part.write_bytes(content)
