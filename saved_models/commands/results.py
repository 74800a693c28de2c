"""Where the labels of videos go: lines, JSON, a table, and a folder of labelled copies with one page of all."""

import base64
import csv
import html
import io
import json
import os
import sys
from pathlib import Path

from keras_vid.utils.files import write_whole

WIDEST = 48  # letters of a video's name in a line of several


class Results:
    """Takes the labels of one video after another.

    Args:
        args: The command's `json`, `csv`, `output`, `top` and `model`.
        videos: The names of all videos.
    """

    def __init__(self, args, videos):
        self.args, self.several = args, len(videos) > 1
        self.width = min(WIDEST, max(len(video) for video in videos))
        self.table = Table(args.csv, args.top) if args.csv else None
        self.copies = Copies(args.output, args.model) if args.output else None

    def add(self, video, labels, note, error):
        """Show one video's labels `[(label, probability), ...]`, with a note, or the error that it has instead."""
        if error is not None:
            error = " ".join(str(error).split())
            print(f"keras-vid: {error}", file=sys.stderr)
        elif note and not self.args.json:
            print(f"{video}: {note}", file=sys.stderr)
        if self.args.json:
            row = {"video": video, "model": self.args.model}
            row |= {"error": error} if error else {"labels": as_json(labels)}
            print(json.dumps({**row, "note": note} if note else row), flush=True)
        elif labels:
            self._print(video, labels)
        if self.table:
            self.table.add(video, labels or [], error or note or "")
        if self.copies and labels:
            self.copies.add(video, labels, note)

    def _print(self, video, labels):
        if not self.several:
            for label, score in labels:
                print(f"{score:7.1%}  {label}", flush=True)
            return
        name = video if len(video) <= WIDEST else f"...{video[-WIDEST + 3 :]}"
        print(f"{name:{self.width}} " + " ".join(f"{score:6.1%} {label}" for label, score in labels[:3]), flush=True)

    def end(self):
        if self.table:
            self.table.end()
        if self.copies:
            print(self.copies.end())


class Table:
    """A CSV file, a video a row, which appears whole at the end."""

    def __init__(self, path, top):
        self.path, self.top, self.text = Path(path), top, io.StringIO()
        self.writer = csv.writer(self.text, lineterminator="\n")
        numbered = [(f"label_{i}", f"probability_{i}") for i in range(2, top + 1)]
        self.writer.writerow(["path", "label", "probability", *(name for pair in numbered for name in pair), "note"])

    def add(self, video, labels, note):
        cells = [cell for label, score in labels for cell in (label, f"{score:.6f}")]
        self.writer.writerow([video, *cells, *[""] * (2 * self.top - len(cells)), note])

    def end(self):
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(self.path, self.text.getvalue())


class Copies:
    """A folder of videos with their labels written onto them, and `index.html` with all of them on one page."""

    def __init__(self, folder, model):
        self.folder, self.model = Path(folder), model
        self.folder.mkdir(parents=True, exist_ok=True)
        self.names, self.cards = set(), []

    def add(self, video, labels, note):
        from keras_vid.inference.labelled_video import write_labelled

        name = self._name(video)
        path = write_labelled(self.folder / f"{name}.mp4", video, labels[:3])
        self.cards.append(card(f"{name}.mp4", middle_picture(path), video, labels, note))

    def end(self):
        """Write the page; returns its path."""
        page = self.folder / "index.html"
        write_whole(page, PAGE.format(model=html.escape(self.model), cards="\n".join(self.cards)))
        return page

    def _name(self, video):
        stem = Path(video.split("?")[0]).stem or "video"
        name = next(n for n in (stem, *(f"{stem}-{i}" for i in range(2, 10**6))) if n not in self.names)
        self.names.add(name)
        return name


def middle_picture(path):
    """A JPEG file of the middle of a video, 240 wide, as a data address."""
    import av
    from PIL import Image

    with av.open(os.fspath(path)) as container:
        stream = container.streams.video[0]
        half = stream.frames // 2
        frame = next(frame for i, frame in enumerate(container.decode(stream)) if i >= half)
    image = Image.fromarray(frame.to_ndarray(format="rgb24"))
    image.thumbnail((240, 240))
    buffer = io.BytesIO()
    image.save(buffer, format="jpeg", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def card(file, picture, video, labels, note):
    """One video of the page."""
    bars = "".join(
        f'<div class="bar" style="--p:{score:.0%}">{html.escape(label)} <b>{score:.0%}</b></div>'
        for label, score in labels
    )
    text = f'<p class="note">{html.escape(note)}</p>' if note else ""
    name = html.escape(video)
    return (
        f'<figure><a href="{html.escape(file)}"><img src="{picture}" alt="{name}"></a>'
        f"<figcaption>{name}</figcaption>{bars}{text}</figure>"
    )


def as_json(labels):
    """
    >>> as_json([("run", 0.98765432)])
    [{'label': 'run', 'probability': 0.987654}]
    """
    return [{"label": label, "probability": round(score, 6)} for label, score in labels]


PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Labels by {model}</title>
<style>
body {{ font: 14px system-ui, sans-serif; margin: 16px; color: #222 }}
main {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(250px, 1fr)); gap: 16px }}
figure {{ margin: 0; border: 1px solid #ddd; border-radius: 6px; padding: 8px; overflow: hidden }}
img {{ width: 100%; border-radius: 4px; display: block }}
figcaption {{ color: #666; font-size: 12px; overflow-wrap: anywhere; margin: 4px 0 }}
.bar {{ padding: 1px 4px; margin: 2px 0; background: linear-gradient(#cde3ff 0 0) 0 / var(--p) 100% no-repeat }}
.bar b {{ float: right; font-weight: 600 }} .note {{ color: #a40; margin: 4px 0 0 }}
</style>
<h1>Labels by {model}</h1>
<main>
{cards}
</main>
</html>
"""
