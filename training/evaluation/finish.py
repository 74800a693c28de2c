"""After the last step: the test by the recipe's protocol, its files in the run folder, the report, TensorBoard."""

from pathlib import Path

from keras_vid.training.evaluation import metrics
from keras_vid.training.evaluation.evaluate import evaluate
from keras_vid.training.reporting.clips import gif, wrong
from keras_vid.training.reporting.confusion import draw_confusion
from keras_vid.training.reporting.run_page import write_report

from keras_vid.utils.files import as_json, room_for, write_whole


def finish(run, order="forward", part=None, **options):
    """Test a run and write predictions.csv, predictions.npz, metrics.json and, forwards, the report: the numbers.

    Another order of frames is a control and gets files of its own, `predictions_reverse.csv` and so on; so does a part
    of the data that is asked for, `predictions_validation.csv`. Options: as of `evaluate`.
    """
    run = Path(run)
    numbers, predictions = evaluate(run, order=order, part=part, **options)
    end = ("" if part is None else f"_{part}") + ("" if order == "forward" else f"_{order}")
    predictions.save(run / f"predictions{end}")
    write_whole(run / f"metrics{end}.json", as_json(numbers))
    if not end:
        write_report(run)
        to_tensorboard(run / "events", predictions)
    return numbers


def to_tensorboard(folder, predictions):
    """The confusion matrix, and the most certain wrong answers as moving pictures."""
    import tensorflow as tf

    message = tf.compat.v1.Summary()
    matrix = metrics.confusion(predictions.scores, predictions.truth)
    pictures = [("test/confusion", draw_confusion(matrix, predictions.labels))]
    for place in wrong(predictions):
        said, true = (predictions.labels[i] for i in (predictions.scores[place].argmax(), predictions.truth[place]))
        try:
            pictures.append((f"wrong/{said} instead of {true}/{place}", gif(predictions.paths[place])))
        except (ValueError, OSError):
            continue
    for tag, content in pictures:
        message.value.add(tag=tag, image=tf.compat.v1.Summary.Image(encoded_image_string=content))
    with room_for(folder):
        writer = tf.summary.create_file_writer(str(folder))
        with writer.as_default():
            tf.summary.experimental.write_raw_pb(message.SerializeToString(), step=0)
        writer.close()
