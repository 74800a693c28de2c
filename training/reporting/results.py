"""What a test says, as sections of a page: the result, the classes, the confused pairs, the clips, the calibration."""

import numpy as np
from keras_vid.training.evaluation import metrics
from keras_vid.training.reporting.charts import calibration_chart, confusion_chart
from keras_vid.training.reporting.clips import beside, confused, right, wrong
from keras_vid.training.reporting.confusion import draw_confusion
from keras_vid.training.reporting.page import Raw, escape, figure, folded, image, paragraph, section, share_bar, table

CLASSES = 30  # shown; the others are folded away
DRAWN = 40  # classes up to which the confusion matrix is drawn with names and numbers
NAMES = {"top1": "correct (top-1)", "top1_interval": "95 % interval", "largest_class": "always the largest class"}
NAMES |= {"groups": "sources", "top5": "correct among five (top-5)", "mean_class_accuracy": "mean over classes"}


def result(numbers) -> str:
    """The result, what it is to be compared with, and on which clips it was found."""
    if not numbers:
        return paragraph("Not tested yet: keras-vid evaluate RUN does it.")
    low, high = numbers["top1_interval"]
    clips, groups = numbers["clips"], numbers["groups"]
    sources = f", which come from {groups:,} sources" if groups < clips else ""
    parts = [f"<p class=result data-name=result>{numbers['top1']:.1%}</p>"]
    parts.append(f"<p>of {clips:,} clips{sources} are classified correctly; with 95 % confidence, {low:.1%} to ")
    parts[-1] += f"{high:.1%}. Always saying the largest class: {numbers['largest_class']:.1%}.</p>"
    parts.append(share_bar(numbers["top1"], (low, high), numbers["largest_class"]))
    parts.append("<p class=soft>line: 95 % interval; orange mark: always saying the largest class</p>")
    if numbers.get("part") == "validation":
        parts.append(paragraph("These clips chose the network: on clips that it has never met it will be worse."))
    elif numbers.get("part") == "test":
        parts.append(paragraph("These clips did not choose the network."))
    if test := numbers.get("test"):
        text = f"Test on {test['clips']:,} clips that were set aside and chose nothing: {test['top1']:.1%} "
        parts.append(paragraph(f"{text}(95 % interval {test['low']:.1%} to {test['high']:.1%})."))
        parts += [paragraph(note) for note in test.get("notes", ())]
    keys = ("top1", "top1_interval", "largest_class", *metrics.SHARES[2:], "loss", "clips", "groups", "unreadable")
    keys = [key for key in keys if key in numbers]
    rows = [(NAMES.get(key, key.replace("_", " ")), metrics.shown(key, numbers[key])) for key in keys]
    texts = [key for key in ("data", "split", "protocol") if numbers.get(key)]
    rows += [({"data": "tested on"}.get(key, key), numbers[key]) for key in texts]
    return "\n".join([*parts, table(rows, names=[*keys, *texts])])


def stages(numbers) -> str:
    """What was tried on one's own videos: each stage by the same folds."""
    rows = []
    for row in numbers.get("stages", ()):
        interval = (row["low"], row["high"])
        bar = share_bar(row["top1"], interval)
        rows.append((row["stage"], bar, f"{row['top1']:.1%}", f"{row['low']:.1%} to {row['high']:.1%}"))
    return section("What was tried", table(rows, ("", "", "correct", "95 % interval"), (2, 3)))


def classes(tested) -> str:
    """The confusion matrix, and each class with its share of correct clips, the worst first."""
    matrix = metrics.confusion(tested.scores, tested.truth)
    if len(tested.labels) <= DRAWN:
        drawn = confusion_chart(matrix, tested.labels)
    else:
        drawn = figure(image(draw_confusion(matrix, tested.labels), "image/png", "confusion matrix"))
    head = ("class, the worst first", "", "correct", "clips", "most often taken for")
    rows = _class_rows(tested, matrix)
    more = folded(f"{len(rows) - CLASSES:,} more classes", table(rows[CLASSES:], head, (2, 3)))
    return section("Classes", drawn, table(rows[:CLASSES], head, (2, 3)), more)


def _class_rows(tested, matrix):
    shares, rows = metrics.class_accuracy(matrix), []
    correct, groups = tested.scores.argmax(axis=1) == tested.truth, np.asarray(tested.groups)
    off = matrix - np.diag(np.diag(matrix))
    for i in np.argsort(np.nan_to_num(shares, nan=2), kind="stable"):
        if not matrix[i].sum():
            rows.append((tested.labels[i], Raw(""), "no clips", "0", ""))
            continue
        of_class = tested.truth == i
        interval = metrics.interval(correct[of_class], groups[of_class], draws=300) if len(rows) < CLASSES else None
        taken = f"{tested.labels[off[i].argmax()]} ({off[i].max():,})" if off[i].any() else ""
        rows.append(
            (tested.labels[i], share_bar(shares[i], interval), f"{shares[i]:.0%}", f"{matrix[i].sum():,}", taken)
        )
    return rows


def examples(tested, clips) -> str:
    """Clips to look at: the most confused pairs, wrong ones and correct ones of which the network is most sure."""
    parts = [_pairs(tested, clips)]
    for title, numbers in (("Wrong, and most sure of it", wrong(tested, 6)), ("Correct", right(tested))):
        parts.append(section(title, _cards(clips, numbers)))
    if clips.explainer and any(parts):
        text = "Beside each clip: what in it speaks for the class that the network says, weak in yellow, strong in red "
        parts.insert(
            0, paragraph(f"{text}(class activation of the middle clip; its shares add up to the logit).", "soft")
        )
    return "\n".join(filter(None, parts))


def _pairs(tested, clips):
    """The pairs that are confused most often: a mistaken clip beside a correct one of the class it was taken for."""
    parts = []
    for true, said, count in confused(tested):
        names = f"{tested.labels[true]} taken for {tested.labels[said]}"
        parts.append(f"<h3>{escape(names)}: {count:,} of {(tested.truth == true).sum():,}</h3>")
        parts.append(_cards(clips, beside(tested, true, said)))
    return section("Most confused", *parts)


def _cards(clips, numbers):
    shown = "".join(clips.figure(number) for number in numbers)
    return f"<div class=cards>{shown}</div>" if shown else ""


def calibration(tested, numbers) -> str:
    """How often the network is right, by how sure it is."""
    error = f"Expected calibration error {numbers['calibration_error']:.1%}: 0 is as sure as it should be."
    return section("How sure it is", calibration_chart(tested.scores, tested.truth), paragraph(error))
