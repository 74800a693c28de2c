"""What came out: the network, what folds said of it, and the run folder that every other command reads."""

import dataclasses
import json
import sys
from pathlib import Path

import keras
import numpy as np
from keras_vid.training.data.splits import some_videos
from keras_vid.training.evaluation import metrics
from keras_vid.training.evaluation.predictions import Predictions
from keras_vid.training.recipes.fields import of_view
from keras_vid.training.reporting.run_page import write_report
from keras_vid.training.small.choose import starting_weights

from keras_vid import __version__
from keras_vid.models.variants import VARIANTS
from keras_vid.utils.files import as_json, write_whole

COLUMNS = ("epoch", "step", "stage", "rate", "loss", "top1", "val_loss", "val_top1", "low", "high")


@dataclasses.dataclass
class Result:
    """A classifier of someone's videos.

    Attributes:
        network: The Keras network that is kept, trained on every clip; its view is `network.view`.
        labels: Names of its classes.
        plan: What was decided, and why.
        stage: Of probe, tune and combine, the one that is kept.
        judged: What the folds said; None where the data has too few sources.
        items, groups: The clips that could be read, and their sources.
        failures: {path: reason} of those that could not.
        test: The numbers of the part that was set aside; None without one.
        folder: The run folder, or None.
        seconds: What everything took.
    """

    network: keras.Model
    labels: list
    plan: object
    stage: str
    judged: object
    items: list
    groups: np.ndarray
    failures: dict
    test: dict | None = None
    folder: Path | None = None
    seconds: float = 0.0

    @property
    def table(self) -> list:
        """A dict a stage: stage, top1, its 95 % interval (low, high) and loss, on sources that were not trained on."""
        return self.judged.table if self.judged else []

    @property
    def folds(self) -> np.ndarray | None:
        """Of each clip its fold; -1 was never tested."""
        return self.judged.fold if self.judged else None

    @property
    def numbers(self) -> dict:
        """What is reported: each fold by the stage that the other folds chose."""
        if not self.judged:
            return {}
        tested = self.judged.tested
        scores, truth = self.judged.scores[tested], np.array([item.label for item in self.items])[tested]
        return {**metrics.summary(scores, truth, self.groups[tested]), "unreadable": len(self.failures)}

    def text(self) -> str:
        """The table and what is kept, to print."""
        if not self.judged:
            lines = ["not validated: every class comes from one source alone, so that no other can be tested"]
        else:
            lines = [f"{'':26} right   95 % of sources"]
            lines += [
                f"{row['stage']:26} {row['top1']:.1%}   {row['low']:.1%} to {row['high']:.1%}" for row in self.table
            ]
            numbers = self.numbers
            chosen = f"kept: {self.stage}. On sources that it was not trained on: {numbers['top1']:.1%}"
            low, high = numbers["top1_interval"]
            lines.append(f"{chosen} (95 % interval {low:.1%} to {high:.1%})")
        if self.test:
            test = self.test
            share = f"{test['top1']:.1%} (95 % interval {test['low']:.1%} to {test['high']:.1%})"
            lines.append(f"test, {test['clips']:,} clips that chose nothing: {share}")
            lines += test["notes"]
        return "\n".join(lines)


def write_run(folder, result, data, settings, choices):
    """The run folder: args.json, view.json, log.csv, best.keras, predictions, metrics.json, report and card."""
    result.folder = folder.path
    folder.path.mkdir(parents=True, exist_ok=True)
    folder.save_network(result.network, "best.keras")
    recipe = _recipe(result.plan, choices)
    args = {
        "model": recipe.model,
        "labels": result.labels,
        "parameters": result.network.count_params(),
        "clips": len(result.items),
        "recipe": dataclasses.asdict(recipe),
        "data": str(data),
        **settings,
        "stage": result.stage,
        "training_videos": some_videos(result.items),
        "choices": dataclasses.asdict(choices),
        "plan": [" ".join(map(str, line)) for line in result.plan.lines],
        "command": " ".join(sys.argv),
        "versions": {"keras": keras.__version__, "keras_vid": __version__},
    }
    folder.write_settings(args, result.network)
    rows = [{**row, "val_loss": row.get("loss", ""), "val_top1": row["top1"]} for row in result.table]
    rows = [{**row, "loss": "", "top1": "", "epoch": i, "step": 0} for i, row in enumerate(rows, 1)]
    folder.write_log(rows, COLUMNS)
    if result.failures:
        lines = [f"{json.dumps(path)},{json.dumps(reason)}" for path, reason in result.failures.items()]
        write_whole(folder.path / "unreadable.csv", "\n".join(["path,reason", *lines]) + "\n")
    if result.judged:
        _write_predictions(folder.path, result)
    write_report(folder.path)


def _write_predictions(folder, result):
    tested = np.flatnonzero(result.judged.tested)
    items = [result.items[i] for i in tested]
    paths = [str(item.path) if item.start is None else f"{item.path} {item.start:g}" for item in items]
    truth = np.array([item.label for item in items])
    scores, groups = result.judged.scores[tested].astype("float32"), result.groups[tested].tolist()
    Predictions(paths, truth, scores, result.labels, groups).save(folder / "predictions")
    folds, sources = result.judged.fold.max() + 1, len(set(groups))
    split = f"{folds} folds over {sources} sources, each clip by a network that saw none of its source"
    view = result.network.view
    protocol = f"the middle {view.frames} frames of {view.height} x {view.width}"
    numbers = {"source": str(folder), "protocol": protocol, "split": split, **result.numbers}
    numbers |= {"stages": result.table} | ({"test": result.test} if result.test else {})
    write_whole(folder / "metrics.json", as_json(numbers))


def _recipe(plan, choices):
    """The fields by which `evaluate` shows the network other clips as it was shown these."""
    name, weights = plan.network.name, starting_weights(choices)
    return of_view(
        plan.reading.view,
        name if name in VARIANTS else str(choices.model),
        weights=None if weights == "none" else weights,
        bn="frozen",
        source="chosen for this data: keras-vid train --data",
    )
