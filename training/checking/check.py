"""Checks of a whole data set: its classes, its clips, how it would be split, and what is wrong with it."""

import dataclasses
import types

import numpy as np
from keras_vid.training.checking.findings import findings_of
from keras_vid.training.checking.looks import look_at_all
from keras_vid.training.data.datasets import Dataset
from keras_vid.training.data.load import Parts, datasets

from keras_vid.inference.groups import groups_of
from keras_vid.utils.errors import InputError

SHOWN = 3  # clips of a finding on the terminal


@dataclasses.dataclass
class Checked:
    """What `check` found.

    Attributes:
        dataset: All clips, of all parts.
        looks: A keras_vid.training.checking.looks.Look of each.
        parts: How training would split them; None where it cannot, and `how` says why.
        findings: What is wrong, the gravest first.
    """

    data: str
    dataset: Dataset
    looks: list
    parts: Parts | None
    how: str
    findings: list

    def classes(self) -> list[tuple]:
        """(label, clips, sources, median seconds, frames from, to) of each class."""
        groups, rows = groups_of(self.dataset.items), []
        for number, label in enumerate(self.dataset.labels):
            index = [i for i, item in enumerate(self.dataset.items) if item.label == number]
            looks = [self.looks[i] for i in index if not self.looks[i].error]
            seconds = [look.seconds for look in looks if look.seconds is not None]
            frames = [look.frames for look in looks]
            length = float(np.median(seconds)) if seconds else None
            rows.append(
                (
                    label,
                    len(index),
                    len({groups[i] for i in index}),
                    length,
                    min(frames, default=0),
                    max(frames, default=0),
                )
            )
        return rows

    def common(self, field) -> list[tuple]:
        """The values of a field of the looks, (value, clips), the most frequent first."""
        values = [_value(look, field) for look in self.looks if not look.error]
        return sorted(((value, values.count(value)) for value in set(values)), key=lambda pair: (-pair[1], pair[0]))

    def lines(self):
        """The table for a terminal."""
        yield self.dataset.report()
        width = max(len(label) for label in self.dataset.labels)
        yield f"{'class':{width}}  clips  sources  seconds  frames"
        for label, clips, sources, seconds, low, high in self.classes():
            length = "-" if seconds is None else f"{seconds:.1f}"
            yield f"{label:{width}}  {clips:5,}  {sources:7,}  {length:>7}  {low:,} to {high:,}"
        for field, name in (("size", "sizes"), ("fps", "frames a second")):
            text = ", ".join(f"{value} ({count:,})" for value, count in self.common(field)[:5])
            yield f"{name}: {text or 'not known'}"
        yield f"split: {self.how}"
        for finding in self.findings:
            yield f"[{finding.kind}] {finding.text}"
            for path, detail in finding.clips[:SHOWN]:
                yield f"    {path}: {detail}"
            if len(finding.clips) > SHOWN:
                yield f"    and {len(finding.clips) - SHOWN:,} more"
        if not self.findings:
            yield "nothing suspicious was found"

    def as_dict(self) -> dict:
        """The same for a machine."""
        columns = ("label", "clips", "sources", "seconds", "least_frames", "most_frames")
        return {
            "data": self.data,
            "clips": len(self.dataset.items),
            "classes": [dict(zip(columns, row)) for row in self.classes()],
            "split": self.how,
            "findings": [dataclasses.asdict(finding) for finding in self.findings],
        }


def check(
    data,
    dataset=None,
    *,
    lists=None,
    split=1,
    group_by=None,
    network=None,
    seed=0,
    workers=None,
    decode_all=False,
) -> Checked:
    """Look at every clip of a folder, a CSV file or a public data set, once.

    Args:
        data: The folder or file, or the root of the data set.
        dataset: The public data set's name, such as "ucf101".
        lists, split, group_by, seed: As in training.
        network: Also look for likely label errors with this network's features: a name, a run folder, a `.keras` file.
        decode_all: Decode long files whole, which are else looked at in places.

    >>> import tempfile
    >>> from keras_vid.video import synthetic
    >>> folder = tempfile.mkdtemp()
    >>> _ = synthetic.write_dataset(folder, clips=2, frames=8, size=32, classes=synthetic.CLASSES[-2:])
    >>> sorted(row[:3] for row in check(folder).classes())
    [('green_shirt', 2, 2), ('red_shirt', 2, 2)]
    """
    asked = {"data": str(data), "lists": lists, "split": split, "group_by": group_by, "seed": seed}
    options = types.SimpleNamespace(**asked, val_data=None, service=None, validate=True)
    parts = datasets(types.SimpleNamespace(dataset=dataset or "folder"), options)
    there = [part for part in parts[:3] if part is not None]
    notes = list(dict.fromkeys(note for part in there for note in part.notes))
    whole = Dataset(
        parts.training.name,
        [item for part in there for item in part.items],
        parts.training.labels,
        list(dict.fromkeys(pair for part in there for pair in part.skipped)),
        notes,
    )
    looks = look_at_all(whole.items, workers, decode_all)
    if places := {item.path: look.places for item, look in zip(whole.items, looks) if look.places}:
        notes.append(
            f"{len(places):,} long files were looked at in {sum(places.values()):,} places: damage between them is not "
            "seen; --decode-all looks at every frame"
        )
    if all(look.error for look in looks):
        raise InputError(f"{data}: none of the {len(looks):,} clips can be read, such as {looks[0].error}")
    counts = [f"{name} {len(part.items):,}" for name, part in zip(parts._fields, parts) if isinstance(part, Dataset)]
    how = f"{', '.join(counts)} clips; {parts.how}"
    return Checked(str(data), whole, looks, parts, how, findings_of(whole, looks, parts, _network(network), seed))


def _network(name):
    if name is None:
        return None
    from keras_vid.inference.load import load_model
    from keras_vid.models.variants import VARIANTS
    from keras_vid.weights.table import WEIGHTS

    if name not in VARIANTS:
        return load_model(name)
    published = [weights for network, weights in WEIGHTS if network == name]
    if not published:
        raise InputError(f"--network {name}: there are no published weights of it; give a run folder, or i3d")
    return load_model(name, weights=published[0])


def _value(look, field):
    if field == "size":
        return f"{look.width} x {look.height}"
    return "not known" if look.fps is None else f"{look.fps:.4g}"
