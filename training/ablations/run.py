"""Trains the rows of an ablation table, each from the same recipe, and writes down what each reached."""

import dataclasses
import fnmatch
import re
import sys
from pathlib import Path

import keras
from keras_vid.training.ablations.tables import TABLES
from keras_vid.training.evaluation.evaluate import for_testing, read_args
from keras_vid.training.evaluation.finish import finish
from keras_vid.training.evaluation.metrics import read_numbers
from keras_vid.training.recipes import CUSTOM, recipe
from keras_vid.training.run.start import with_all_options
from keras_vid.training.run.train import train

from keras_vid.explain.macs import macs, parameters
from keras_vid.inference.load import load_model
from keras_vid.models.variants import VARIANTS
from keras_vid.utils.errors import InputError
from keras_vid.utils.files import as_json, read_json, write_whole
from keras_vid.video import read, synthetic

SYNTHETIC = "synthetic"
SMALL = "resnet14"  # what a table's networks stand on where it is trained on the synthetic set
RESULT = "ablation.json"  # of one row and seed, in its run folder
FIELDS = {"clips": int, "top1": float, "parameters": int, "macs": int, "protocol": str}  # of RESULT


def find_table(name):
    """A table by its name."""
    if name not in TABLES:
        raise InputError(f"no ablation is called {name!r}; `keras-vid ablate --list` shows: {', '.join(TABLES)}")
    return TABLES[name]


def rows_of(table, pattern=None):
    """The rows whose name matches a pattern, with no regard to case."""
    rows = [row for row in table.rows if fnmatch.fnmatch(row.name.lower(), (pattern or "*").lower())]
    if not rows:
        raise InputError(f"no row matches {pattern!r}; there are: {', '.join(row.name for row in table.rows)}")
    return rows


def row_recipe(table, row, dataset, backbone=None, **changes):
    """The recipe that a row is trained by: that of the table's main network, with the row's network and options.

    >>> table = TABLES["stm/table5"]
    >>> row_recipe(table, table.rows[0], "synthetic", "resnet14").model
    'tsn_resnet14'
    """
    backbone = backbone or (SMALL if dataset == SYNTHETIC else table.backbone)
    base = recipe(f"{_network(table.main, backbone)}/{dataset}")
    if dataset not in (SYNTHETIC, CUSTOM):
        base = dataclasses.replace(base, **table.fields)
    options, fields = dict(row.options), dict(row.fields)
    if "length" in options:  # frames of a super-image are a field of the recipe; their number stays
        fields["neighbours"] = options.pop("length")
        fields["frames"] = changes.pop("frames", base.frames) // base.neighbours * fields["neighbours"]
    row_fields = {"model": _network(row.model, backbone), "options": options, **fields}
    return dataclasses.replace(base, **{**changes, **row_fields})


def _network(name, backbone):
    on_backbone = f"{name}_{backbone}"
    if name not in VARIANTS and on_backbone not in VARIANTS:
        raise InputError(f"{name} does not stand on {backbone}: take another --backbone")
    return name if name in VARIANTS else on_backbone


def synthetic_data(folder, clips, size, frames=16):
    """The synthetic set in `folder`, made if it is not there: `clips` of each class to train, half as many to test, and
    a quarter that chooses the network."""
    for part, count, seed in (("train", clips, 0), ("val", max(clips // 4, 1), 1), ("test", max(clips // 2, 1), 2)):
        listed = folder / part / "labels.csv"
        if not listed.is_file():
            synthetic.write_dataset(folder / part, count, frames, size, seed)
            continue
        videos = [line.partition(",")[0] for line in listed.read_text().splitlines()[1:]]
        there = len(videos) // len(synthetic.CLASSES), read(folder / part / videos[0], [0]).shape[1]
        if there != (count, size):
            raise InputError(
                f"{folder / part} has {there[0]} clips of each class and {there[1]} pixels, not {count} and {size}: "
                "give the same --clips and --pixels as before, or another -o"
            )
    return folder


def train_row(table, chosen, options, folder):
    """Train and test one row with one seed, unless it is done, and return its numbers."""
    if other := other_settings(folder, chosen, options):
        raise InputError(f"{folder} was trained with other settings ({other}): give the same flags, or another -o")
    result = folder / RESULT
    if result.is_file():
        return read_json(result, FIELDS)
    if not (folder / "metrics.json").is_file():
        train(chosen, dataclasses.replace(options, resume=(folder / "args.json").is_file()), folder)
        finish(folder, workers=options.workers)
    if table.reverse and not (folder / "metrics_reverse.json").is_file():
        finish(folder, order="reverse", workers=options.workers)
    tested = read_numbers(folder / "metrics.json")
    trained, _ = read_args(folder)
    network = for_testing(load_model(folder), trained)
    size = trained.test_size or trained.size
    numbers = {"clips": tested["clips"], "protocol": tested["protocol"], "top1": tested["top1"]}
    numbers |= {"top5": tested.get("top5"), "parameters": parameters(network)}
    numbers |= {"macs": macs(network, network.input_shape[1] or trained.frames, size)}
    if table.reverse:
        numbers["reverse"] = read_numbers(folder / "metrics_reverse.json")["top1"]
    write_whole(result, as_json(numbers))
    keras.backend.clear_session()
    return numbers


def other_settings(folder, chosen, options):
    """In words, what a run that is there was trained with other than now; empty where there is none."""
    if not (folder / "args.json").is_file():
        return ""
    row, args = read_args(folder)
    before = {**dataclasses.asdict(row), "data": args["data"]}
    now = {**dataclasses.asdict(with_all_options(chosen)), "data": options.data}
    return "; ".join(f"{name} was {before[name]}, now {now[name]}" for name in now if now[name] != before[name])


def run_table(name, dataset, options, output, *, seeds=1, pattern=None, backbone=None, changes=None):
    """Train every row of a table with every seed. After each row comes [(row, [numbers of each seed])] of all rows
    that are done, those of earlier calls too; what is done stays done.

    Args:
        dataset: Whose recipe the rows are trained by: "synthetic", "folder", or a public data set.
        options: `keras_vid.training.run.train.Options`, the seed aside.
        output: The folder of the runs; a row and seed has a folder of its own in it.
        changes: Fields of the recipe that differ in all rows.
    """
    table = find_table(name)
    rows = rows_of(table, pattern)

    def trained_by(row):
        return row_recipe(table, row, dataset, backbone, **(changes or {}))

    folders = {
        row.name: [Path(output) / _slug(row.name) / f"seed{seed}" for seed in range(seeds)] for row in table.rows
    }
    for number, row in enumerate(rows, 1):
        for seed, folder in enumerate(folders[row.name]):
            print(f"{name}, row {number} of {len(rows)}: {row.name}, seed {seed}", file=sys.stderr, flush=True)
            train_row(table, trained_by(row), dataclasses.replace(options, seed=seed), folder)
        done = [row for row in table.rows if all((folder / RESULT).is_file() for folder in folders[row.name])]
        yield [
            (row, [read_json(folder / RESULT, FIELDS) for folder in folders[row.name]])
            for row in done
            if not any(other_settings(folder, trained_by(row), options) for folder in folders[row.name])
        ]


def _slug(name):
    return re.sub(r"[^a-z0-9]+", "_", name.lower().replace("+", "plus")).strip("_")
