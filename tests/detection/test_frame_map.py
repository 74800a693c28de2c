"""Frame-mAP: hand-computed cases of each rule, an independent package on random detections, real ground truth."""

import json

import numpy as np
import pytest
from keras_vid.detection.data import act_pickle, box_files, table
from keras_vid.detection.data.ground_truth import ground_truth
from keras_vid.detection.evaluation import error_kinds as errors
from keras_vid.detection.evaluation.frame_map import (
    RULES,
    average_precision,
    frame_map,
    frame_maps,
    ranks_in_class,
    sweep,
)
from keras_vid.detection.evaluation.matching import pairs
from keras_vid.detection.evaluation.report import report
from PIL import Image

from keras_vid import cli

BOX = [0, 0, 100, 100]


def boxes(rows, scored=True):
    video, frame, label, box, *score = zip(*rows)
    return table.make(video, frame, label, box, score=score[0] if scored else None)


def random_tables(seed, classes=3, videos=4, frames=12):
    """Ground truth with neighbours that overlap, detections around it, also on wrong frames and of wrong classes."""
    rng = np.random.default_rng(seed)
    gt, found = [], []
    for video in range(videos):
        for frame in range(frames):
            for _ in range(rng.integers(0, 4)):
                corner = rng.uniform(0, 100, 2)
                box = np.float32([*corner, *(corner + rng.uniform(40, 120, 2))])
                label = str(rng.integers(classes))
                gt.append((f"v{video}", frame, label, box))
                for _ in range(rng.integers(0, 4)):
                    near = box + rng.normal(0, 12, 4).astype("float32")
                    other = str(rng.integers(classes)) if rng.random() < 0.2 else label
                    found.append((f"v{video}", frame, other, near, rng.random()))
    return boxes(gt, scored=False), boxes(found)


def test_average_precision_by_hand():
    right = np.array([True, False, True, False])  # of 4 boxes: precision 1, 1/2, 2/3, 1/2
    assert average_precision(right, 4, "all_points") == pytest.approx((1 + 2 / 3) / 4)
    assert average_precision(right, 4, "trapezoid") == pytest.approx((1 + (1 / 2 + 2 / 3) / 2) / 4)
    # recall 0, .1, .2 are reached by the first, .3, .4, .5 by the third, the rest never
    assert average_precision(right, 4, "11_point") == pytest.approx((3 * 1 + 3 * 2 / 3) / 11)
    assert average_precision(np.array([], bool), 4) == 0
    late = np.array([False, True])  # precision 0, then 1/2
    assert [average_precision(late, 1, area) for area in ("all_points", "trapezoid", "11_point")] == [0.5, 0.25, 0.5]
    assert np.isnan(average_precision(right, 0))


def test_strict_and_remaining_by_hand():
    """Two boxes side by side; both detections lie best on the left one and touch the right one by more than half."""
    gt = boxes([("a", 0, "x", BOX), ("a", 0, "x", [20, 0, 120, 100])], scored=False)
    found = boxes([("a", 0, "x", BOX, 0.9), ("a", 0, "x", [5, 0, 105, 100], 0.8)])
    assert frame_map(gt, found, "voc")["map"] == 0.5
    assert frame_map(gt, found, "peng")["map"] == 1.0
    assert frame_map(gt, found, "act")["map"] == 1.0


def test_iou_of_exactly_the_threshold_counts():
    gt = boxes([("a", 0, "x", BOX)], scored=False)
    assert frame_map(gt, boxes([("a", 0, "x", [0, 0, 100, 50], 0.5)]))["map"] == 1.0
    assert frame_map(gt, boxes([("a", 0, "x", [0, 0, 100, 49], 0.5)]))["map"] == 0.0


def test_frames_without_ground_truth():
    gt = boxes([("a", 0, "x", BOX)], scored=False)
    found = boxes([("a", 1, "x", BOX, 0.9), ("a", 0, "x", BOX, 0.8)])
    assert frame_map(gt, found)["map"] == 1.0
    assert frame_map(gt, found, frames="all")["map"] == 0.5


def test_class_never_detected_counts_zero_and_class_without_ground_truth_not():
    gt = table.make(["a", "a"], [0, 1], ["x", "y"], [BOX, BOX], classes=["x", "y", "z"])
    result = frame_map(gt, boxes([("a", 0, "x", BOX, 0.9)]))
    assert result["map"] == 0.5 and result["ap"]["y"] == 0 and np.isnan(result["ap"]["z"])


def test_ties_keep_the_order_of_the_rows():
    gt = boxes([("a", 0, "x", BOX)], scored=False)
    right, wrong = ("a", 0, "x", BOX, 0.5), ("a", 0, "x", [200, 0, 210, 9], 0.5)
    assert frame_map(gt, boxes([right, wrong]))["map"] == 1.0
    assert frame_map(gt, boxes([wrong, right]))["map"] == 0.5


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("a", 0, "jump", BOX, 0.9), "classes do not match"),
        (("b", 0, "x", BOX, 0.9), "videos do not match"),
        (("a", 0, "x", [0, 0, 0.5, 0.5], 0.9), "fractions"),
        (("a", 0, "x", [0, 0, 640, 100], 0.9), "scale or clip them"),
        (("a", 0, "x", BOX, float("nan")), "not a finite number"),
        (("a", -1, "x", BOX, 0.9), "count from 0"),
    ],
)
def test_mismatch_is_an_error(row, message):
    gt = boxes([("a", 0, "x", BOX)], scored=False)
    gt.size = (320, 240)
    with pytest.raises(ValueError, match=message):
        frame_map(gt, boxes([row]))


@pytest.mark.parametrize("digits", [0, 1, 2, 9])
def test_places_are_those_of_a_stable_sort(digits):
    _, found = random_tables(0)
    found.score = np.round(found.score, digits)
    places = ranks_in_class(found, np.arange(len(found)))
    for label in range(len(found.classes)):
        rows = np.flatnonzero(found.label == label)
        order = rows[np.argsort(-found.score[rows], kind="stable")]
        assert places[order].tolist() == list(range(1, len(rows) + 1))
    some = np.flatnonzero(found.video == 1)
    assert (ranks_in_class(found, some)[some] == places[some]).all()


@pytest.mark.parametrize("by_class", [True, False])
def test_pairs_are_all_pairs_of_a_frame(by_class):
    gt, found = random_tables(2, frames=20)
    found.frame[::7] += 9  # also past the last box of a video
    left, right, _ = pairs(gt, found, by_class)
    same = (found.video[:, None] == gt.video) & (found.frame[:, None] == gt.frame)
    if by_class:
        same &= found.label[:, None] == gt.label
    want = np.argwhere(same)
    assert len(want) > 50 and sorted(zip(left, right)) == [tuple(w) for w in want] and (np.diff(left) >= 0).all()


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("seed", range(3))
def test_agrees_with_a_published_package(seed):
    """mean-average-precision (MIT): strict matching; its boxes are inclusive, so its x2 is ours less one pixel."""
    package = pytest.importorskip("mean_average_precision")
    gt, found = random_tables(seed)
    peer = package.MeanAveragePrecision2d(num_classes=len(gt.classes))
    for video in range(len(gt.videos)):
        for frame in range(12):
            mine = gt.rows((gt.video == video) & (gt.frame == frame))
            theirs = found.rows((found.video == video) & (found.frame == frame))
            flags = np.zeros((len(mine), 2))
            last = np.array([0, 0, 1, 1])
            scored = [theirs.box.astype("float64") - last, theirs.label[:, None], theirs.score[:, None]]
            peer.add(np.hstack(scored), np.hstack([mine.box.astype("float64") - last, mine.label[:, None], flags]))
    for threshold in (0.3, 0.5, 0.75):
        tenths = np.linspace(0, 1, 11) - 1e-9  # linspace says 0.30000000000000004, which a recall of 3 / 10 is below
        for rule, points in (("voc", None), ("voc07", tenths)):
            theirs = peer.value(iou_thresholds=threshold, recall_thresholds=points)[threshold]
            ours = frame_map(gt, found, rule, threshold)["ap"]
            for label, name in enumerate(gt.classes):
                assert ours[name] == pytest.approx(theirs[label]["ap"], abs=1e-6)
                assert 0 < ours[name] < 1


@pytest.mark.parametrize("seed", range(3))
def test_remaining_agrees_with_pycocotools(seed):
    """COCO's own evaluator lets a detection take the best box still free; its area is read at 101 recalls."""
    coco, cocoeval = pytest.importorskip("pycocotools.coco"), pytest.importorskip("pycocotools.cocoeval")
    gt, found = random_tables(seed)
    found.frame[::9] += 12  # frames without ground truth too
    images = {key: i + 1 for i, key in enumerate(np.ndindex(len(gt.videos), 24))}

    def rows(t):
        columns = zip(t.video.tolist(), t.frame.tolist(), t.label.tolist(), t.box.astype("float64").tolist())
        for i, (video, frame, label, (x1, y1, x2, y2)) in enumerate(columns):
            row = {
                "id": i + 1,
                "image_id": images[video, frame],
                "category_id": label,
                "bbox": [x1, y1, x2 - x1, y2 - y1],
            }
            yield row | {"area": 1.0, "iscrowd": 0} | ({} if t.score is None else {"score": float(t.score[i])})

    true, mine = coco.COCO(), coco.COCO()
    kinds = [{"id": i, "name": name} for i, name in enumerate(gt.classes)]
    about = {"images": [{"id": i} for i in images.values()], "categories": kinds}
    for peer, boxes in ((true, gt), (mine, found)):
        peer.dataset = about | {"annotations": list(rows(boxes))}
        peer.createIndex()
    peer = cocoeval.COCOeval(true, mine, "bbox")
    thresholds = np.array([0.3, 0.5, 0.75])
    peer.params.iouThrs, peer.params.maxDets = thresholds, [100]
    peer.params.areaRng, peer.params.areaRngLbl = [[0, 1e10]], ["all"]
    peer.evaluate()
    peer.accumulate()
    for place, result in enumerate(frame_maps(gt, found, thresholds, "peng", "all")):
        for label, name in enumerate(gt.classes):
            recall, precision = result["curves"][name]
            envelope = np.append(np.maximum.accumulate(precision[::-1])[::-1], 0.0)
            ours = envelope[np.searchsorted(recall, peer.params.recThrs)]
            np.testing.assert_allclose(ours, peer.eval["precision"][place, :, label, 0, 0], atol=1e-6)
            assert 0 < ours.mean() < 0.95


@pytest.mark.parametrize("seed", range(3))
def test_remaining_agrees_with_a_plain_loop(seed):
    gt, found = random_tables(seed)
    result = frame_map(gt, found, "peng", 0.3)
    for label, name in enumerate(gt.classes):
        right = plain_remaining(gt, found, label, 0.3)
        assert result["ap"][name] == pytest.approx(average_precision(right, (gt.label == label).sum()), abs=1e-12)


def plain_remaining(gt, found, label, threshold):
    free = [i for i in range(len(gt)) if gt.label[i] == label]
    right = []
    for d in sorted(np.flatnonzero(found.label == label), key=lambda d: -found.score[d]):
        best, place = 0, None
        for g in free:
            if gt.video[g] == found.video[d] and gt.frame[g] == found.frame[d]:
                x1, y1 = np.maximum(gt.box[g, :2].astype("float64"), found.box[d, :2])
                x2, y2 = np.minimum(gt.box[g, 2:].astype("float64"), found.box[d, 2:])
                shared = max(x2 - x1, 0) * max(y2 - y1, 0)
                sizes = [np.prod(b[2:].astype("float64") - b[:2]) for b in (gt.box[g], found.box[d])]
                overlap = shared / (sum(sizes) - shared)
                if overlap > best:
                    best, place = overlap, g
        right.append(best >= threshold)
        if right[-1]:
            free.remove(place)
    return np.array(right)


def test_a_box_that_is_there_twice_is_found_by_two_detections():
    gt = boxes([("a", 0, "x", BOX)] * 2, scored=False)
    assert frame_map(gt, boxes([("a", 0, "x", BOX, 0.9)] * 2))["map"] == 1.0
    assert frame_map(gt, boxes([("a", 0, "x", BOX, 0.9)] * 3 + [("a", 0, "x", BOX, 1.0)]))["map"] == 1.0


def test_detections_that_count_frames_from_one_are_told():
    gt = boxes([("a", t, "x", BOX) for t in range(3)], scored=False)
    gt.frames = {"a": 3}
    with pytest.raises(ValueError, match="which has 3 frames: frames count from 0"):
        frame_map(gt, boxes([("a", t + 1, "x", BOX, 0.9) for t in range(3)]))
    assert frame_map(gt, boxes([("a", t, "x", BOX, 0.9 - t / 10) for t in range(4)]), frames="all")["map"] == 1.0


def test_videos_that_nobody_annotated_are_not_scored():
    gt = boxes([("a", 0, "x", BOX)], scored=False)
    found = boxes([("a", 0, "x", BOX, 0.5), ("b", 0, "x", BOX, 0.9)])
    with pytest.raises(ValueError, match="videos do not match"):
        frame_map(gt, found, frames="all")
    gt.ignored = frozenset("b")
    assert frame_map(gt, found, frames="all")["map"] == 1.0


def test_names_without_detections_do_not_matter():
    gt = boxes([("a", 0, "x", BOX)], scored=False)
    found = boxes([("a", 0, "x", BOX, 0.5)])
    found.videos, found.classes = ["a", "of another split"], ["x", "of another set"]
    assert frame_map(gt, found)["map"] == 1.0


def test_no_detection_at_all_scores_zero():
    gt, found = random_tables(0)
    result = report(gt, found.rows(slice(0)))
    assert result["map"] == result["map_all"] == result["mabo"] == result["recall"] == 0
    assert set(result["ap"].values()) == {0.0} and result["errors"]["missed"] == 1


@pytest.mark.parametrize("rule", RULES)
def test_report_is_what_its_parts_say(rule):
    gt, found = random_tables(0)
    found.frame[::9] += 12
    result = report(gt, found, rule, 0.4, "all")
    assert result["map"] == result["map_all"] == frame_map(gt, found, rule, 0.4, "all")["map"]
    assert result["map_annotated"] == frame_map(gt, found, rule, 0.4)["map"] > result["map_all"]
    assert result["sweep"]["0.75"] == frame_map(gt, found, rule, 0.75, "all")["map"]
    assert result["map_coco"] == pytest.approx(np.mean(list(result["sweep"].values())))
    for name, curve in result["curves"].items():
        recall, precision = frame_map(gt, found, rule, 0.4, "all")["curves"][name]
        assert curve == {"recall": recall.tolist(), "precision": precision.tolist()}  # short enough to be whole
    json.dumps(result)


def test_sweep_falls():
    values = list(sweep(*random_tables(0)).values())
    assert len(values) == 10 and values == sorted(values, reverse=True) and values[0] > values[-1]


def test_error_kinds_by_hand():
    gt = table.make(["a", "a"], [0, 1], ["x", "y"], [BOX, BOX])
    rows = [("a", 0, "x", BOX, 0.9), ("a", 1, "y", [0, 0, 100, 30], 0.8)]
    result = errors.analyse(gt, boxes(rows))
    assert (result["right"], result["localisation"], result["missed"]) == (0.5, 0.5, 0.5)
    result = errors.analyse(gt, boxes([("a", 0, "y", BOX, 0.9), ("a", 7, "x", BOX, 0.8)]))
    assert (result["class"], result["time"], result["missed"]) == (0.5, 0.5, 1.0)
    two = table.make(["a", "a"], [0, 1], ["x", "x"], [BOX, BOX])
    assert errors.analyse(two, boxes([("a", 0, "x", BOX, 0.9)] * 2))["duplicate"] == 0.5
    far = [0, 200, 9, 209]
    tied = [("a", 0, "x", BOX, 0.9), ("a", 0, "x", far, 0.9), ("a", 0, "x", far, 0.9), ("a", 1, "y", BOX, 0.9)]
    assert errors.analyse(gt, boxes(tied))["right"] == 1.0  # one a box, the first of equal scores
    assert errors.analyse(gt, boxes(tied[::-1]))["right"] == 0.5
    assert errors.coverage(gt, boxes(rows)) == (pytest.approx(0.65), 0.5)


@pytest.mark.parametrize("kind", ["csv", "json", "npz"])
def test_files_keep_every_digit(tmp_path, kind):
    gt, found = random_tables(1)
    box_files.write_boxes(found, tmp_path / f"d.{kind}")
    again = box_files.read_boxes(tmp_path / f"d.{kind}")
    assert (again.box == found.box).all() and (again.score == found.score).all()
    assert frame_map(gt, again)["map"] == frame_map(gt, found)["map"]


def test_command(tmp_path, capsys):
    gt, found = random_tables(1)
    box_files.write_boxes(gt, tmp_path / "gt.csv")
    box_files.write_boxes(found, tmp_path / "d.csv")
    command = ["detect", "evaluate", str(tmp_path / "d.csv"), "--gt", str(tmp_path / "gt.csv")]
    assert cli.main([*command, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["rule"] == "voc" and result["map"] == frame_map(gt, found)["map"]
    assert cli.main(command) == 0
    assert "frame-mAP" in capsys.readouterr().out
    assert cli.main([*command[:2], "nowhere.csv", *command[3:]]) == 1
    assert capsys.readouterr().err.startswith("keras-vid: ")


def test_three_files_are_the_three_splits_and_their_mean(tmp_path, capsys):
    """A ground truth of three videos in the form of JHMDB-GT.pkl; in split k the k-th is the test set."""
    gt = boxes([(v, t, label, BOX) for v, label in zip("abc", "xyx") for t in range(4)], scored=False)
    gt.tube, gt.frames, gt.size = np.zeros(12, int), dict.fromkeys("abc", 4), (320, 240)
    act_pickle.write(gt, [{"train": [], "test": [v]} for v in "abc"], tmp_path / "gt.pkl")
    for k, (video, label) in enumerate(zip("abc", "xyx"), 1):
        rows = [(video, t, label, BOX if t < k else [0, 0, 9, 9], 0.9 - t / 10) for t in range(4)]
        box_files.write_boxes(boxes(rows), tmp_path / f"{k}.csv")
    command = ["detect", "evaluate", "--gt", str(tmp_path / "gt.pkl"), "--json"]
    paths = [str(tmp_path / f"{k}.csv") for k in (1, 2, 3)]
    assert cli.main([*command, *paths]) == 0
    told = capsys.readouterr()
    result = json.loads(told.out)
    assert [one["map"] for one in result["splits"]] == [0.25, 0.5, 0.75] and result["map"] == 0.5
    assert result["ap"] == {"x": 0.5, "y": 0.5}  # x: the mean over the two splits that have it
    assert "split 3, test: 1 videos, 4 frames" in told.err
    assert cli.main([*command, paths[1], "--split", "2"]) == 0
    assert json.loads(capsys.readouterr().out)["map"] == 0.5
    assert cli.main([*command, paths[1], "--split", "4"]) == 1
    assert "splits 1 to 3" in capsys.readouterr().err
    box_files.write_boxes(gt, tmp_path / "gt.csv")
    assert cli.main(["detect", "evaluate", *paths, "--gt", str(tmp_path / "gt.csv")]) == 1
    assert "has no splits" in capsys.readouterr().err
    assert cli.main(["detect", "evaluate", paths[0], "--gt", str(tmp_path / "gt.csv"), "--split", "9"]) == 1
    assert "has no splits: leave --split out" in capsys.readouterr().err


@pytest.mark.parametrize("iou", ["7", "nan", "-1", "0"])
def test_an_iou_out_of_its_range_is_refused(iou, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["detect", "evaluate", "d.csv", "--gt", "gt.csv", f"--iou={iou}"])
    assert stop.value.code == 2
    assert f"{iou} is not a number above 0 and up to 1" in capsys.readouterr().err


def test_plot_is_a_picture(tmp_path):
    pytest.importorskip("matplotlib")
    gt, found = random_tables(1)
    box_files.write_boxes(gt, tmp_path / "gt.csv")
    box_files.write_boxes(found, tmp_path / "d.csv")
    command = ["detect", "evaluate", str(tmp_path / "d.csv"), "--gt", str(tmp_path / "gt.csv")]
    assert cli.main([*command, "--plot", str(tmp_path / "c.png")]) == 0
    assert np.asarray(Image.open(tmp_path / "c.png").convert("RGB")).std() > 10


def test_convert_command(tmp_path, capsys):
    gt = boxes([("a", t, "x", [0.1, 0, 10, 20]) for t in range(4)], scored=False)
    gt.tube, gt.frames, gt.size = np.zeros(4, int), {"a": 4}, (320, 240)
    box_files.write_boxes(gt, tmp_path / "a.npz")
    for source, target in (("a.npz", "b.csv"), ("b.csv", "c.json"), ("c.json", "d.npz")):
        assert cli.main(["detect", "convert", str(tmp_path / source), "-o", str(tmp_path / target)]) == 0
        assert capsys.readouterr().out.endswith("4 boxes of 1 videos\n")
    again = box_files.read_boxes(tmp_path / "d.npz")
    assert (again.box == gt.box).all() and (again.tube == 0).all() and again.frame.tolist() == [0, 1, 2, 3]
    assert cli.main(["detect", "convert", str(tmp_path / "b.csv"), "-o", str(tmp_path / "b.pkl")]) == 1
    assert "frames and size" in capsys.readouterr().err
    assert cli.main(["detect", "convert", str(tmp_path / "a.npz"), "-o", str(tmp_path / "a.txt")]) == 1
    assert "written to .csv, .json or .npz" in capsys.readouterr().err


@pytest.mark.parametrize("rule", RULES)
def test_real_ground_truth_against_itself(data, rule):
    folder = data / "detection"
    every = [ground_truth(folder / "JHMDB-GT.pkl", None, split) for split in (1, 2, 3)]
    every.append(ground_truth(folder / "pyannot_with_class_names.pkl"))
    for gt in every:
        found = gt.rows(slice(None))
        found.score = np.ones(len(gt))
        assert frame_map(gt, found, rule, frames="all")["map"] == 1.0
        assert set(frame_map(gt, found, rule)["ap"].values()) == {1.0}


def test_every_class_counts_alike_in_the_coverage():
    """Three boxes of x are met exactly, the one of y not at all: half of the classes, three quarters of the boxes."""
    gt = table.make(["a"] * 4, range(4), ["x", "x", "x", "y"], [BOX] * 4)
    found = boxes([("a", frame, "y", BOX, 0.5) for frame in range(3)])
    assert errors.coverage(gt, found) == (0.5, 0.75)


def test_a_detection_far_from_all_boxes_of_its_frame_is_not_late():
    """Its class is annotated in this very frame, elsewhere: neither the wrong time nor the wrong place, but nothing."""
    gt = table.make(["a"], [0], ["x"], [BOX])
    far = [300, 300, 400, 400]
    for frame, kind in ((0, "other"), (1, "time")):
        found = errors.analyse(gt, boxes([("a", frame, "x", far, 0.9)]))
        assert {name: share for name, share in found.items() if share} == {kind: 1.0, "missed": 1.0}


def test_kinds_are_those_of_the_best_scores():
    """Of a class with two boxes the two best detections are told apart, in whatever order the rows stand."""
    gt = table.make(["a", "a"], [0, 1], ["x", "x"], [BOX, BOX])
    rows = [("a", 0, "x", BOX, 0.9), ("a", 1, "x", BOX, 0.8), *[("a", 0, "x", [300, 300, 400, 400], 0.1)] * 3]
    assert errors.analyse(gt, boxes(rows))["right"] == errors.analyse(gt, boxes(rows[::-1]))["right"] == 1.0
