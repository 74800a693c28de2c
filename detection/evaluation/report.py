"""Everything that is worth knowing about a file of detections, as one dict; the mean over splits; the curves drawn."""

import numpy as np
from keras_vid.detection.evaluation import error_kinds as errors
from keras_vid.detection.evaluation.frame_map import COCO_THRESHOLDS, frame_map, frame_maps

from keras_vid.utils.files import atomic

POINTS = 200  # of a class's curve that are kept


def report(gt, detections, rule="voc", threshold=0.5, frames="annotated"):
    """Frame-mAP by a named rule with what explains it: a dict of plain values, ready for JSON.

    "map" is over `frames`, "map_annotated" and "map_all" are both; "sweep" has mAP from IoU 0.5 to 0.95 and "map_coco"
    is their mean; "curves" has a class's recall and precision.

    >>> from keras_vid.detection.data import table
    >>> gt = table.make(["a"], [0], ["run"], [[0, 0, 9, 9]])
    >>> report(gt, table.make(["a"], [0], ["run"], [[0, 0, 9, 6]], score=[0.9]))["map_coco"]
    0.4
    """
    main, *others = frame_maps(gt, detections, (threshold, *COCO_THRESHOLDS), rule, frames)
    other = frame_map(gt, detections, rule, threshold, "all" if frames == "annotated" else "annotated")
    both = {f"map_{result['frames']}": result["map"] for result in (main, other)}
    mabo, recall = errors.coverage(gt, detections, threshold)
    summary = {k: main[k] for k in ("map", "rule", "match", "area", "threshold", "frames")} | both
    summary["ap"] = {name: None if np.isnan(ap) else ap for name, ap in main["ap"].items()}
    summary["sweep"] = {f"{result['threshold']:.2f}": result["map"] for result in others}
    summary["map_coco"] = float(np.mean(list(summary["sweep"].values())))
    summary |= {"mabo": mabo, "recall": recall, "errors": errors.analyse(gt, detections, threshold)}
    return summary | {"curves": {name: _thinned(*curve) for name, curve in main["curves"].items()}}


def mean_of(reports):
    """The mean over the reports of several splits, of every number that they have, as JHMDB is reported.

    >>> mean_of([{"map": 0.5, "ap": {"run": 1.0}}, {"map": 1.0, "ap": {"run": None}}])
    {'map': 0.75, 'ap': {'run': 1.0}}
    """
    summary = {}
    for key, value in reports[0].items():
        if key == "curves":
            continue
        values = [one[key] for one in reports]
        if isinstance(value, dict):
            summary[key] = mean_of(values)
        elif all(v == value for v in values):
            summary[key] = value
        elif all(isinstance(v, float) or v is None for v in values):
            known = [v for v in values if v is not None]
            summary[key] = float(np.mean(known))
    return summary


def draw_curves(curves, ap, path):
    """Precision over recall of every class, as a picture."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    names = sorted(curves, key=lambda name: -(ap[name] or 0))
    figure, axes = pyplot.subplots(figsize=(9, 6), layout="constrained")
    colours = pyplot.get_cmap("turbo")(np.linspace(0.02, 0.98, len(names)))
    for name, colour in zip(names, colours):
        score = "-" if ap[name] is None else f"{ap[name]:.3f}"
        axes.plot(curves[name]["recall"], curves[name]["precision"], color=colour, lw=1.2, label=f"{name} {score}")
    axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1.02))
    axes.legend(fontsize=7, loc="center left", bbox_to_anchor=(1, 0.5))
    with atomic(path) as part:
        figure.savefig(part, dpi=130)
    pyplot.close(figure)


def _thinned(recall, precision):
    keep = np.unique(np.linspace(0, len(recall) - 1, min(POINTS, len(recall))).astype("int64"))
    return {"recall": recall[keep].tolist(), "precision": precision[keep].tolist()}
