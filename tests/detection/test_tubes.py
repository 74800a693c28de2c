"""Tubes and video-mAP: linking and trimming by hand and against all possibilities, overlaps, real annotations."""

import itertools
import json

import numpy as np
import pytest
from keras_vid.detection.data import box_files, table
from keras_vid.detection.data.boxes import iou, paired_iou
from keras_vid.detection.data.ground_truth import ground_truth
from keras_vid.detection.evaluation import linking
from keras_vid.detection.evaluation.frame_map import RULES, average_precision
from keras_vid.detection.evaluation.linking import greedy, viterbi
from keras_vid.detection.evaluation.tubes import Tube, link, named_tubes, trim
from keras_vid.detection.evaluation.video_map import tube_iou, tube_maps, video_map

from keras_vid import cli

LEFT, RIGHT = [0, 0, 40, 80], [100, 0, 140, 80]


def rows(*boxes):
    """A table of detections of class x in video a, from (frame, box, score)."""
    frame, box, score = zip(*boxes)
    return table.make(["a"] * len(frame), frame, ["x"] * len(frame), box, score=score)


def still(video, label, start, frames, box=LEFT, score=1.0):
    return Tube(video, label, start, np.tile(np.float32(box), (frames, 1)), np.full(frames, score), score)


def spans(tubes):
    return [(tube.start, tube.end, tube.boxes[0, 0]) for tube in tubes]


@pytest.mark.parametrize("method", ["greedy", "viterbi"])
def test_two_actors_are_two_tubes(method):
    found = rows(*[(t, box, 0.9 - 0.1 * (box is RIGHT)) for t in range(4) for box in (LEFT, RIGHT)])
    tubes = link(found, method, min_length=1)
    assert sorted(spans(tubes)) == [(0, 4, 0.0), (0, 4, 100.0)]
    assert sorted(tube.score for tube in tubes) == pytest.approx([0.8, 0.9])


def test_greedy_takes_the_best_score_that_overlaps_enough():
    """At frame 1 the better detection overlaps by 1/3, the worse lies exactly there; a third is too far away."""
    box = np.array([[0, 0, 10, 10], [50, 0, 60, 10], [5, 0, 15, 10], [0, 0, 10, 10]])
    frame, score = np.array([0, 1, 1, 1]), np.array([0.5, 0.9, 0.8, 0.7])
    assert [path.tolist() for path in greedy(frame, box, score)] == [[0, 2], [1], [3]]
    assert [path.tolist() for path in greedy(frame, box, score, overlap=0.5)] == [[0, 3], [1], [2]]


def test_greedy_lets_the_better_tube_choose_first():
    """Both tubes overlap the one detection of frame 1; the tube of the better mean takes it."""
    box = np.array([[0, 0, 10, 10], [4, 0, 14, 10], [2, 0, 12, 10]])
    assert [p.tolist() for p in greedy(np.array([0, 0, 1]), box, np.array([0.9, 0.8, 0.7]))] == [[0, 2], [1]]


def test_which_tube_is_better_changes_as_it_grows():
    """The tube on the left starts better and then falls behind: what both overlap at frame 2 goes to the right one."""
    box = np.array([[0, 0, 10, 10], [6, 0, 16, 10], [6, 0, 16, 10], [0, 0, 10, 10], [3, 0, 13, 10]])
    frame, score = np.array([0, 0, 1, 1, 2]), np.array([0.9, 0.8, 0.7, 0.1, 0.6])
    assert [path.tolist() for path in greedy(frame, box, score, overlap=0.5)] == [[1, 2, 4], [0, 3]]


@pytest.mark.parametrize(("gap", "want"), [(2, [(0, 5)]), (1, [(0, 1), (4, 5)])])
def test_a_tube_ends_after_the_gap(gap, want):
    """Frames 1 and 2 of 0 to 3 have nothing; what is linked over them lies halfway."""
    found = rows((0, LEFT, 0.8), (3, [30, 0, 70, 80], 0.5), (4, [30, 0, 70, 80], 0.5))
    tubes = link(found, "greedy", min_length=1, gap=gap)
    if gap == 2:
        assert spans(tubes) == [(0, 5, 0.0)] and tubes[0].boxes[:, 0].tolist() == [0, 10, 20, 30, 30]
        assert tubes[0].scores == pytest.approx([0.8, 0.7, 0.6, 0.5, 0.5]) and tubes[0].score == pytest.approx(0.6)
    else:
        assert [(t.start, t.end) for t in tubes] == [(0, 1), (3, 5)]


def test_viterbi_finds_the_best_of_all_paths():
    rng = np.random.default_rng(0)
    for _ in range(20):
        sizes = rng.integers(1, 4, size=4)
        frame = np.repeat(np.arange(4), sizes)
        corner = rng.uniform(0, 30, (len(frame), 2))
        box, score = np.hstack([corner, corner + 40]), rng.random(len(frame))
        near = iou(box, box)

        def worth(path, near=near, score=score):
            return sum(score[a] + score[b] + near[a, b] for a, b in itertools.pairwise(path))

        best = max(itertools.product(*(np.flatnonzero(frame == t) for t in range(4))), key=worth)
        paths = viterbi(frame, box, score)
        assert tuple(paths[0]) == best
        assert len(paths) == min(3, sizes.min())
        assert len(np.unique(np.concatenate(paths))) == 4 * len(paths)  # none is taken twice


def test_viterbi_of_one_frame_takes_the_best_scores():
    assert np.concatenate(viterbi(np.zeros(4, int), np.tile(LEFT, (4, 1)), np.array([4, 3, 2, 1.0]))).tolist() == [
        0,
        1,
        2,
    ]


def many(seed=0):
    rng = np.random.default_rng(seed)
    size = 300
    corner = rng.integers(0, 12, (size, 2)) * 8
    names = rng.choice(["a", "b"], size), rng.integers(0, 20, size), rng.choice(["x", "y"], size)
    return table.make(*names, np.hstack([corner, corner + 40]), score=rng.integers(1, 6, size) / 5)


@pytest.mark.parametrize("method", ["greedy", "viterbi"])
def test_the_order_of_the_rows_changes_nothing(method):
    found = many()
    want = link(found, method, min_length=2, max_per_frame=4)
    assert len(want) >= 4
    for seed in range(3):
        again = link(
            found.rows(np.random.default_rng(seed).permutation(len(found))), method, min_length=2, max_per_frame=4
        )
        assert [(t.video, t.label, t.start, t.score) for t in again] == [
            (t.video, t.label, t.start, t.score) for t in want
        ]
        assert all((a.boxes == b.boxes).all() for a, b in zip(again, want))


def test_what_linking_leaves_out():
    found = rows(*[(t, LEFT, 0.9) for t in range(5)], *[(t, RIGHT, 0.1) for t in range(5)], (9, RIGHT, 0.9))
    assert len(link(found, min_length=1, gap=0)) == 3
    assert spans(link(found, min_length=2, gap=0, min_score=0.2)) == [(0, 5, 0.0)]
    assert spans(link(found, min_length=2, gap=0, max_per_frame=1)) == [(0, 5, 0.0)]
    with pytest.raises(ValueError, match="greedy or viterbi"):
        link(found, "best")


def test_trimming_is_the_best_of_all_labellings():
    rng = np.random.default_rng(0)
    for switch_cost in (0.1, 0.5, 1.5):
        for _ in range(10):
            score = rng.random(7)

            def worth(labels, score=score, switch_cost=switch_cost):
                return np.where(labels, score, 1 - score).sum() - switch_cost * np.abs(np.diff(labels)).sum()

            best = max(itertools.product((1, 0), repeat=7), key=worth)
            inside = np.zeros(7)
            for part in trim([Tube(0, 0, 3, np.zeros((7, 4)), score, 0.5)], switch_cost):
                inside[part.start - 3 : part.end - 3] = 1
                assert part.score == pytest.approx(score[part.start - 3 : part.end - 3].mean())
            assert worth(inside) == pytest.approx(worth(best))


def test_tube_iou_by_hand():
    assert tube_iou(still(0, 0, 0, 10), still(0, 0, 0, 10)) == 1.0
    assert tube_iou(still(0, 0, 0, 10), still(0, 0, 5, 5)) == 0.5  # half of the time
    assert tube_iou(still(0, 0, 0, 10), still(0, 0, 0, 10, [0, 0, 20, 80])) == 0.5  # half of the place
    assert tube_iou(still(0, 0, 0, 10), still(0, 0, 5, 10, [0, 0, 20, 80])) == pytest.approx(0.5 * 5 / 15)
    assert tube_iou(still(0, 0, 0, 10), still(0, 0, 10, 10)) == 0.0


def annotated(*tubes):
    """Ground truth of videos a, b and classes x, y from tubes."""
    columns = [
        (("ab"[t.video], t.start + i, "xy"[t.label], box, number))
        for number, t in enumerate(tubes)
        for i, box in enumerate(t.boxes)
    ]
    video, frame, label, box, tube = zip(*columns)
    gt = table.make(video, frame, label, box, tube=tube, classes=["x", "y"])
    gt.videos = ["a", "b"] if len(gt.videos) == 2 else ["a"]
    return gt


def test_video_map_by_hand():
    """Class x: two actors in video a. Best tube right, second in the wrong video, third right; y is never found."""
    gt = annotated(still(0, 0, 0, 10), still(0, 0, 0, 10, RIGHT), still(1, 1, 0, 10))
    found = [still(0, 0, 0, 10, score=0.9), still(1, 0, 0, 10, score=0.8), still(0, 0, 0, 6, RIGHT, score=0.7)]
    low, high = tube_maps(gt, found, (0.5, 0.75))
    assert low["ap"] == {"x": pytest.approx((1 + 2 / 3) / 2), "y": 0.0} and low["map"] == pytest.approx(5 / 12)
    assert high["ap"]["x"] == 0.5


def test_a_second_tube_on_an_actor_is_false():
    gt = annotated(still(0, 0, 0, 10), still(0, 0, 0, 10, [10, 0, 50, 80]))  # overlap 0.6
    found = [still(0, 0, 0, 10, score=0.9), still(0, 0, 0, 10, score=0.8)]
    assert tube_maps(gt, found, (0.5,), "voc")[0]["ap"]["x"] == 0.5
    assert tube_maps(gt, found, (0.5,), "peng")[0]["ap"]["x"] == 1.0


def test_agrees_with_a_plain_loop():
    rng = np.random.default_rng(0)

    def noisy(tube):
        first, last = sorted(rng.choice(np.arange(len(tube.boxes) + 1), 2, replace=False))
        boxes = tube.boxes[first:last] + rng.normal(0, 4, (last - first, 4))
        return Tube(tube.video, tube.label, tube.start + first, boxes, np.ones(last - first), float(rng.random()))

    true = [
        still(v, k, int(rng.integers(5)), int(rng.integers(5, 20)), np.add(LEFT, rng.uniform(0, 60)))
        for v in (0, 1)
        for k in (0, 1)
        for _ in range(4)
    ]
    gt, found = annotated(*true), [noisy(true[i]) for i in rng.integers(0, len(true), 60)]
    for threshold in (0.2, 0.4):
        result = tube_maps(gt, found, (threshold,))[0]
        for label, name in enumerate(gt.classes):
            wanted = [t for t in true if t.label == label]
            right, taken = [], set()
            for tube in sorted((t for t in found if t.label == label), key=lambda t: -t.score):
                near = [slow_iou(tube, t) if t.video == tube.video else 0 for t in wanted]
                best = int(np.argmax(near))
                right.append(near[best] >= threshold and best not in taken)
                taken |= {best} if right[-1] else set()
            assert 0 < result["ap"][name] < 1
            assert result["ap"][name] == pytest.approx(average_precision(np.array(right), len(wanted)), abs=1e-9)


def slow_iou(a, b):
    """The mean over all frames that either has of the boxes' IoU, 0 where one has none."""
    total = []
    for frame in range(min(a.start, b.start), max(a.end, b.end)):
        both = a.start <= frame < a.end and b.start <= frame < b.end
        total.append(iou([a.boxes[frame - a.start]], [b.boxes[frame - b.start]])[0, 0] if both else 0.0)
    return float(np.mean(total))


@pytest.mark.parametrize("file", ["JHMDB-GT.pkl", "pyannot_with_class_names.pkl"])
def test_real_tubes_against_themselves(data, file):
    for split in (1, 2, 3) if file.startswith("JHMDB") else (1,):
        gt = ground_truth(data / "detection" / file, None, split)
        tubes = named_tubes(gt)
        assert len(tubes) == {"J": len(gt.videos), "p": 1315}[file[0]]
        for rule in RULES:
            assert [result["map"] for result in tube_maps(gt, tubes, (0.2, 0.95, 1.0), rule)] == [1.0] * 3
        if file.startswith("JHMDB"):  # one actor a video: its boxes link back to its tube
            gt.score = np.ones(len(gt))
            for method in ("greedy", "viterbi"):
                assert set(video_map(gt, gt, method)["map"].values()) == {1.0}


def test_ground_truth_without_tubes_says_so():
    gt = table.make(["a"], [0], ["x"], [LEFT])
    with pytest.raises(ValueError, match="column tube"):
        video_map(gt, rows((0, LEFT, 0.5)))


def test_no_detection_scores_zero():
    gt = annotated(still(0, 0, 0, 20))
    nothing = rows((0, LEFT, 0.9)).rows(slice(0))
    assert set(video_map(gt, nothing)["map"].values()) == {0.0}


def test_tubes_of_a_peer_are_scored_as_they_are(tmp_path, capsys):
    """Tubes whose boxes change places at every frame: linking by overlap finds the actors, the column names them."""
    gt = annotated(still(0, 0, 0, 20), still(0, 0, 0, 20, RIGHT))
    box_files.write_boxes(gt, tmp_path / "gt.csv")
    gt.score = np.where(gt.tube == 0, 0.9, 0.8)
    box_files.write_boxes(gt, tmp_path / "right.csv")
    gt.tube = np.where(gt.frame % 2, 1 - gt.tube, gt.tube)
    box_files.write_boxes(gt, tmp_path / "mixed.csv")

    def video(name, *flags):
        command = ["detect", "evaluate", str(tmp_path / name), "--gt", str(tmp_path / "gt.csv"), "--video", "--json"]
        assert cli.main([*command, *flags]) == 0
        return json.loads(capsys.readouterr().out)["video"]

    assert video("right.csv")["link"] == "column" and video("right.csv")["map"]["0.75"] == 1
    assert video("mixed.csv")["map"]["0.75"] == 0
    assert video("mixed.csv", "--link", "greedy")["map"]["0.75"] == 1


def test_flags_of_linking_reach_it(tmp_path, capsys):
    gt = annotated(still(0, 0, 0, 20))
    box_files.write_boxes(gt, tmp_path / "gt.csv")
    found = gt.rows((gt.frame < 8) | (gt.frame > 11))  # four frames without a detection
    found.score, found.tube = np.full(len(found), 0.5), None
    box_files.write_boxes(found, tmp_path / "d.csv")
    command = ["detect", "evaluate", str(tmp_path / "d.csv"), "--gt", str(tmp_path / "gt.csv"), "--video", "--json"]

    def best(*flags):
        assert cli.main([*command, *flags]) == 0
        return json.loads(capsys.readouterr().out)["video"]["map"]["0.50"]

    assert best() == 1 and best("--gap", "4") == 1 and best("--gap", "3") == 0
    assert best("--min-length", "20") == 1 and best("--min-length", "21") == 0 and best("--min-score", "0.6") == 0
    assert cli.main([*command[:-2], "--gap", "3"]) == 2
    assert "--gap belongs to --video" in capsys.readouterr().err


def test_linking_measures_overlap_as_everything_else_does():
    rng = np.random.default_rng(0)
    boxes = rng.uniform(0, 20, (200, 2, 4))
    boxes[..., 2:] = boxes[..., :2] + rng.uniform(0, 15, (200, 2, 2))
    for a, b in boxes:
        assert linking._iou(a.tolist(), b.tolist()) == pytest.approx(paired_iou(a, b).item(), abs=1e-12)


@pytest.mark.parametrize("link", ["greedy", "viterbi"])
def test_command(tmp_path, capsys, link):
    gt = annotated(still(0, 0, 0, 20), still(0, 1, 0, 20, RIGHT))
    box_files.write_boxes(gt, tmp_path / "gt.csv")
    gt.score, gt.tube = np.full(len(gt), 0.9), None
    box_files.write_boxes(gt, tmp_path / "d.csv")
    command = [
        "detect",
        "evaluate",
        str(tmp_path / "d.csv"),
        "--gt",
        str(tmp_path / "gt.csv"),
        "--video",
        "--link",
        link,
    ]
    assert cli.main([*command, "--json"]) == 0
    video = json.loads(capsys.readouterr().out)["video"]
    assert video["map"] == {"0.20": 1.0, "0.50": 1.0, "0.75": 1.0, "0.50:0.95": 1.0} and video["link"] == link
    assert cli.main([*command, "--trim", "3"]) == 0
    assert "video-mAP" in capsys.readouterr().out
