"""One self-contained HTML page of what `keras-vid check` found, with clips as the network will see them."""

import csv
import io
from pathlib import Path

import numpy as np
from keras_vid.training.reporting.page import Raw, escape, figure, folded, image, page, paragraph, share_bar, table
from PIL import Image

from keras_vid.utils.files import write_whole

LISTED = 200  # clips of a finding on the page; check.csv has all
SIDE, PICTURES, CLASSES, CLIPS = 112, 8, 12, 2  # of the contact sheet


def write_page(checked, folder, recipe_name="i3d") -> Path:
    """Write check.html and check.csv into a folder; returns the page's path."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    parts = [f"<h1>{escape(checked.data)}</h1>", paragraph(checked.dataset.report())]
    parts += [_classes(checked), paragraph(f"Split: {checked.how}"), *_common(checked)]
    parts += ["<h2>What was found</h2>", *map(_finding, checked.findings)]
    if not checked.findings:
        parts.append(paragraph("Nothing suspicious was found."))
    parts += ["<h2>Clips as the network sees them</h2>", *_sheet(checked, recipe_name)]
    write_whole(folder / "check.html", page(checked.data, parts))
    lines = io.StringIO()
    rows = [(finding.kind, *clip) for finding in checked.findings for clip in finding.clips]
    csv.writer(lines, lineterminator="\n").writerows([("finding", "path", "detail"), *rows])
    write_whole(folder / "check.csv", lines.getvalue())
    return folder / "check.html"


def _classes(checked):
    rows, most = [], max(row[1] for row in checked.classes())
    for label, clips, sources, seconds, low, high in checked.classes():
        length = "–" if seconds is None else f"{seconds:.1f}"
        bar = share_bar(clips / max(most, 1))
        rows.append((label, f"{clips:,}", bar, f"{sources:,}", length, f"{low:,} to {high:,}"))
    return table(rows, ("class", "clips", "", "sources", "seconds (median)", "frames"), (1, 3, 4, 5))


def _common(checked):
    for field, name in (("size", "Sizes"), ("fps", "Frames a second")):
        shown = ", ".join(f"{value} ({count:,})" for value, count in checked.common(field)[:12])
        yield paragraph(f"{name}: {shown}")


def _finding(finding):
    head = f"<h3>{escape(finding.kind)}</h3>{paragraph(finding.text)}"
    rows = [(Raw(f"<span class=path>{escape(path)}</span>"), detail) for path, detail in finding.clips[:LISTED]]
    more = paragraph(f"check.csv lists all {len(finding.clips):,}." if len(finding.clips) > LISTED else "")
    if len(rows) <= 5:
        return head + table(rows)
    return head + folded(f"{len(finding.clips):,} rows", table(rows), more)


def _sheet(checked, recipe_name):
    """A few clips of each class, as they are tested and as they are trained on."""
    from keras_vid.training.data.labels import flip_swap
    from keras_vid.training.recipes import recipe

    row, labels = recipe(recipe_name), checked.dataset.labels
    text = f"recipe {recipe_name}: {row.frames} frames ({row.sample}) of {row.size} x {row.size}; above as in testing, "
    text += "below as in training: another crop and other frames each time"
    yield paragraph(f"{text}{', half of them in a mirror' if row.flip else ''}.")
    swap, counts = flip_swap(labels), [0] * len(labels)
    for item, look in zip(checked.dataset.items, checked.looks):
        if look.error or counts[item.label] >= CLIPS or item.label >= CLASSES:
            continue
        counts[item.label] += 1
        try:
            strips = list(_strips(item, row, swap, sum(counts)))
        except (ValueError, OSError) as error:
            yield paragraph(f"{item.path}: {error}", "path")
            continue
        caption = f"<b>{escape(labels[item.label])}</b> <span class=path>{escape(item.path)}</span>"
        yield figure(_picture(np.concatenate(strips)), caption)
    if len(labels) > CLASSES:
        yield paragraph(f"and {len(labels) - CLASSES:,} more classes.")


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
    return image(stream.getvalue(), "image/jpeg")
