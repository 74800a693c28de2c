"""A run of a detector on one page, report.html: frame-mAP by rule, curves, kinds of errors, drawn boxes."""

from pathlib import Path

import numpy as np
from keras_vid.detection.data import box_files, sets
from keras_vid.detection.data.inputs import Clips, keyframes
from keras_vid.detection.draw import WHITE, draw
from keras_vid.detection.evaluation.frame_map import RULES, frame_map
from keras_vid.detection.evaluation.report import report
from keras_vid.detection.predict import detect_set
from keras_vid.detection.train import load
from keras_vid.training.reporting.charts import line_chart
from keras_vid.training.reporting.clips import still
from keras_vid.training.reporting.page import escape, figure, folded, image, page, paragraph, section, share_bar, table
from keras_vid.training.reporting.run_page import column, curves, path_of, told_seconds
from keras_vid.training.run.folder import RunFolder

from keras_vid.utils.errors import InputError
from keras_vid.utils.files import write_whole
from keras_vid.video import read
from keras_vid.video.scale import resize

DRAWN, CLASSES, SIDE = 6, 8, 288  # keyframes; classes of the curves; height of a drawn frame


def write_page(run, detections=None, output=None, progress=None) -> Path:
    """Write report.html into the run folder of a detector; returns its path.

    Args:
        detections: A file of the detections of the test set; None: those of `detections.npz` in the run folder, which
            is written by the detector where it is not there or older than best.keras.
        output: Another path of the page.
    """
    folder = RunFolder(run)
    settings = folder.settings()
    source = settings.get("source") or {}
    if "classes" not in settings or not source.get("dataset"):
        raise InputError(f"{run} is not a run of keras-vid detect train; of a classifier: keras-vid report {run}")
    gt, paths = sets.load(source["dataset"], source["data"], source.get("split") or 1, "test")
    predicted = box_files.read_boxes(detections or _detections(folder.path, source, gt, paths, progress))
    result, log = report(gt, predicted), folder.read_log()
    title = f"Detection on {source['dataset']}"
    parts = [f"<h1>{escape(title)}</h1>", _result(result, gt, predicted), curves(log, ("frame_map",), ("frame-mAP",))]
    parts += [_classes(result), _errors(result), _drawn(gt, predicted, paths), _cost(log)]
    rows = [(name, path_of(value)) for name, value in settings.items() if name != "command"]
    parts.append(section("Settings", folded("all settings", table(rows))))
    _, _, started = settings.get("command", "").partition(" ")
    commands = [started and f"keras-vid {started}", f"keras-vid detect report {run}"]
    parts.append(section("To repeat it", f"<pre>{escape(chr(10).join(filter(None, commands)))}</pre>"))
    path = Path(output or folder.path / "report.html")
    write_whole(path, page(title, parts))
    return path


def _detections(run, source, gt, paths, progress):
    """The run's file of detections of the test set, made anew where best.keras is newer."""
    path = run / "detections.npz"
    network = next((run / name for name in ("best.keras", "last.keras") if (run / name).is_file()), None)
    if path.is_file() and (network is None or path.stat().st_mtime >= network.stat().st_mtime):
        return path
    detector = load(run)
    flow = sets.locate(source["flow"], gt.videos) if source.get("flow") else None
    box_files.write_boxes(detect_set(detector, gt, Clips(paths, detector.settings, flow), progress=progress), path)
    return path


def _result(result, gt, predicted):
    parts = [f"<p class=result data-name=result>{result['map']:.1%}</p>"]
    frames = len(keyframes(gt))
    parts.append(paragraph(f"frame-mAP at IoU 0.5 (rule voc) of {frames:,} annotated test frames, {len(gt):,} boxes."))
    parts.append(paragraph("The same test frames, or some of them, chose best.keras: on others it will be worse."))
    rows = []
    for rule, (match, area) in RULES.items():
        rows.append((rule, f"match {match}, area {area}", f"{frame_map(gt, predicted, rule)['map']:.4f}"))
    rows.append(("voc, all frames", "detections in frames without boxes are false", f"{result['map_all']:.4f}"))
    rows += [(f"voc at IoU {k}", "", f"{result['sweep'][k]:.4f}") for k in ("0.75",)]
    rows.append(("voc over IoU 0.50:0.95", "", f"{result['map_coco']:.4f}"))
    return "\n".join([*parts, table(rows, ("rule", "", "frame-mAP"), (2,), [row[0] for row in rows])])


def _classes(result):
    order = sorted(result["ap"], key=lambda name: -(result["ap"][name] or 0))
    known = [name for name in order if result["ap"][name] is not None]
    shown = known if len(known) <= CLASSES else [*known[: CLASSES // 2], *known[-CLASSES // 2 :]]
    lines = [(name, result["curves"][name]["recall"], result["curves"][name]["precision"]) for name in shown]
    chart = line_chart(lines, "precision over recall", "recall", percent=True, limits=((0, 1), (0, 1)))
    rows = [(name, share_bar(result["ap"][name]), f"{result['ap'][name]:.4f}") for name in known]
    return section("Classes", chart, table(rows, ("class", "", "AP at IoU 0.5"), (2,)))


def _errors(result):
    kinds = dict(result["errors"])
    missed = kinds.pop("missed")
    rows = [(kind, share_bar(share), f"{share:.1%}") for kind, share in kinds.items()]
    head = ("the best detections, as many as there are boxes", "", "share")
    text = f"No detection finds {missed:.1%} of the boxes. Whatever its label, some detection overlaps "
    text += f"{result['recall']:.1%} of the boxes by half; the mean best overlap is {result['mabo']:.3f}."
    return section("What is wrong", table(rows, head, (2,)), paragraph(text))


def _drawn(gt, predicted, paths, min_score=0.3):
    """Keyframes spread over the test set, with what is found; the ground truth is white."""
    keys, figures = keyframes(gt), []
    for video, frame in keys[np.unique(np.linspace(0, len(keys) - 1, DRAWN).astype(int))].tolist():
        name = gt.videos[video]
        try:
            picture = read(paths[name], [frame])[0]
        except (KeyError, ValueError, OSError):
            continue
        scale = np.array([picture.shape[1] / gt.size[0], picture.shape[0] / gt.size[1]] * 2) if gt.size else 1
        height, width = picture.shape[:2]
        zoom = SIDE / height  # drawn at the size at which it is shown, so that labels can be read
        picture = resize(picture, (SIDE, round(width * zoom)))
        scale = scale * zoom
        boxes = gt.box[(gt.video == video) & (gt.frame == frame)] * scale
        picture = draw(picture, boxes, [""] * len(boxes), [WHITE] * len(boxes))
        at = np.zeros(len(predicted), bool)
        if name in predicted.videos:
            at = (
                (predicted.video == predicted.videos.index(name))
                & (predicted.frame == frame)
                & (predicted.score >= min_score)
            )
        names = [predicted.classes[label] for label in predicted.label[at]]
        numbers = [gt.classes.index(label) if label in gt.classes else WHITE for label in names]
        texts = [f"{label} {score:.2f}" for label, score in zip(names, predicted.score[at])]
        content = image(still(draw(picture, predicted.box[at] * scale, texts, numbers)), "image/webp", name)
        figures.append(figure(content, f"<span class=path>{escape(name)}</span>, frame {frame}"))
    note = paragraph(f"White: the ground truth. Coloured: detections with a score of at least {min_score:g}.", "soft")
    return section("Frames", f"<div class=cards>{''.join(figures)}</div>", note) if figures else ""


def _cost(log):
    seconds = np.array(column(log, "seconds"))
    if not len(log) or not np.isfinite(seconds).any():
        return ""
    rows = [("training with validation", told_seconds(np.nansum(seconds)))]
    rows.append(("keyframes a second (median)", f"{np.nanmedian(column(log, 'clips_per_second')):.3g}"))
    return section("Time", table(rows, numbers=(1,)))
