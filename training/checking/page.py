"""One self-contained HTML page of what `keras-vid check` found, with clips as the network will see them."""

import base64
import csv
import html
import io
from pathlib import Path

import numpy as np
from PIL import Image

from keras_vid.utils.files import write_whole

STYLE = """body{font:15px/1.5 system-ui,sans-serif;max-width:980px;margin:2em auto;padding:0 1em;color:#222}
table{border-collapse:collapse;width:100%}td,th{padding:.2em .8em .2em 0;text-align:left;vertical-align:top}
td.n,th.n{text-align:right}tr+tr{border-top:1px solid #eee}h2{margin-top:1.8em}h3{margin:1.4em 0 .2em}
.bar{background:#14468c;height:.8em;display:inline-block}.path{font:13px ui-monospace,monospace;overflow-wrap:anywhere}
details{margin:.2em 0 .8em}summary{cursor:pointer;color:#14468c}figure{margin:0 0 1em}figcaption{font-size:13px}
img{max-width:100%;display:block}"""
LISTED = 200  # clips of a finding on the page; check.csv has all
SIDE, PICTURES, CLASSES, CLIPS = 112, 8, 12, 2  # of the contact sheet


def write_page(checked, folder, recipe_name="i3d") -> Path:
    """Write check.html and check.csv into a folder; returns the page's path."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    parts = [f"<h1>{html.escape(checked.data)}</h1>", f"<p>{html.escape(checked.dataset.report())}</p>"]
    parts += [_classes(checked), f"<p>Split: {html.escape(checked.how)}</p>", _common(checked)]
    parts += ["<h2>What was found</h2>", *map(_finding, checked.findings)]
    if not checked.findings:
        parts.append("<p>Nothing suspicious was found.</p>")
    parts += ["<h2>Clips as the network sees them</h2>", *_sheet(checked, recipe_name)]
    head = f"<!doctype html><html lang=en><meta charset=utf-8><title>{html.escape(checked.data)}</title>"
    write_whole(folder / "check.html", f"{head}<style>{STYLE}</style>" + "\n".join(parts))
    table = io.StringIO()
    rows = [(finding.kind, *clip) for finding in checked.findings for clip in finding.clips]
    csv.writer(table, lineterminator="\n").writerows([("finding", "path", "detail"), *rows])
    write_whole(folder / "check.csv", table.getvalue())
    return folder / "check.html"


def _classes(checked):
    rows, most = checked.classes(), max(row[1] for row in checked.classes())
    lines = ["<tr><th>class<th class=n>clips<th><th class=n>sources<th class=n>seconds (median)<th class=n>frames"]
    for label, clips, sources, seconds, low, high in rows:
        length = "–" if seconds is None else f"{seconds:.1f}"
        bar = f"<span class=bar style='width:{200 * clips / max(most, 1):.0f}px'></span>"
        cells = (
            f"<td class=n>{clips:,}<td>{bar}<td class=n>{sources:,}<td class=n>{length}<td class=n>{low:,} to {high:,}"
        )
        lines.append(f"<tr><td>{html.escape(label)}{cells}")
    return "<table>" + "".join(lines) + "</table>"


def _common(checked):
    lines = []
    for field, name in (("size", "Sizes"), ("fps", "Frames a second")):
        told = ", ".join(f"{value} ({count:,})" for value, count in checked.common(field)[:12])
        lines.append(f"<p>{name}: {html.escape(told)}</p>")
    return "".join(lines)


def _finding(finding):
    head = f"<h3>{html.escape(finding.kind)}</h3><p>{html.escape(finding.text)}</p>"
    if not finding.clips:
        return head
    rows = [
        f"<tr><td class=path>{html.escape(path)}<td>{html.escape(detail)}" for path, detail in finding.clips[:LISTED]
    ]
    more = f"<p>check.csv lists all {len(finding.clips):,}.</p>" if len(finding.clips) > LISTED else ""
    opened = " open" if len(rows) <= 5 else ""
    summary = f"<summary>{len(finding.clips):,} rows</summary>"
    return f"{head}<details{opened}>{summary}<table>{''.join(rows)}</table>{more}</details>"


def _sheet(checked, recipe_name):
    """A few clips of each class, as they are tested and as they are trained on."""
    from keras_vid.training.data.labels import flip_swap
    from keras_vid.training.recipes import recipe

    row, labels = recipe(recipe_name), checked.dataset.labels
    told = f"recipe {recipe_name}: {row.frames} frames ({row.sample}) of {row.size} x {row.size}; above as in testing, "
    told += "below as in training: another crop and other frames each time"
    yield f"<p>{html.escape(told)}{', half of them in a mirror' if row.flip else ''}.</p>"
    swap, counts = flip_swap(labels), [0] * len(labels)
    for item, look in zip(checked.dataset.items, checked.looks):
        if look.error or counts[item.label] >= CLIPS or item.label >= CLASSES:
            continue
        counts[item.label] += 1
        try:
            strips = list(_strips(item, row, swap, sum(counts)))
        except (ValueError, OSError) as error:
            yield f"<p class=path>{html.escape(f'{item.path}: {error}')}</p>"
            continue
        caption = f"<b>{html.escape(labels[item.label])}</b> <span class=path>{html.escape(item.path)}</span>"
        yield f"<figure><figcaption>{caption}</figcaption>{_picture(np.concatenate(strips))}</figure>"
    if len(labels) > CLASSES:
        yield f"<p>and {len(labels) - CLASSES:,} more classes.</p>"


def _strips(item, row, swap, number):
    """Two rows of pictures of one clip: the centre crop of the middle frames, and one draw of the augmentation."""
    import dataclasses
    import functools

    import tensorflow as tf
    from keras_vid.training.data import views
    from keras_vid.training.data.pipeline import read_item

    one = dataclasses.replace(row, views=1, crops=1, test_frames=None, test_size=None)
    tested, _ = views.test_transform(one)(read_item(item, views.test_indices(one), row.short), 0, [0, number])
    rng = np.random.default_rng(number)
    frames = read_item(item, functools.partial(views.train_indices(row), rng=rng), row.short)
    trained, _ = views.train_transform(row, swap)(frames, tf.constant(item.label), [1, number])
    for clip in (tested[0], trained):
        chosen = [(2 * i + 1) * len(clip) // (2 * PICTURES) for i in range(PICTURES)]
        small = tf.image.resize(tf.gather(clip, chosen), (SIDE, SIDE), antialias=True)
        yield np.concatenate(list(np.clip(small.numpy()[..., :3], 0, 255).astype(np.uint8)), axis=1)


def _picture(array):
    stream = io.BytesIO()
    Image.fromarray(array).save(stream, "JPEG", quality=85)
    return f'<img alt="" src="data:image/jpeg;base64,{base64.b64encode(stream.getvalue()).decode()}">'
