"""Ground truth from every kind of file: small ones made here, and the real ones counted and compared box by box."""

import pickle

import numpy as np
import pytest
from keras_vid.detection.data import act_pickle, box_files, jhmdb, table, ucf24
from keras_vid.detection.data.ground_truth import KNOWN, counts, ground_truth, notes, open_set


def same(a, b):
    """Two tables of the same set agree row by row, whatever files they come from."""
    a, b = table.in_order(a), table.in_order(b)
    assert a.videos == b.videos and a.classes == b.classes and a.frames == b.frames and a.size == b.size
    for column in ("video", "frame", "label", "box", "tube"):
        assert np.array_equal(getattr(a, column), getattr(b, column)), column


@pytest.mark.parametrize("key", KNOWN)
def test_counts_are_the_published_ones(data, key):
    name, split, subset = key
    file = {"JHMDB": "JHMDB-GT.pkl", "UCF101-24": "pyannot_with_class_names.pkl"}[name]
    gt = ground_truth(data / "detection" / file, None, split, subset)
    assert tuple(counts(gt).values()) == KNOWN[key] and len(gt.classes) == {"JHMDB": 21, "UCF101-24": 24}[name]
    assert gt.notes[0].endswith(": as published")
    assert gt.box.min() >= 0 and (gt.box.max(axis=0)[2:] <= [320, 240]).all() and gt.frame.min() == 0
    assert (gt.box[:, 2:] > gt.box[:, :2]).all()  # nothing overflowed


@pytest.mark.parametrize("split", [1, 2, 3])
def test_jhmdb_pickle_and_mat_and_lists_agree(data, split):
    pytest.importorskip("scipy")
    folder = data / "detection"
    for subset in ("train", "test"):
        a = ground_truth(folder / "JHMDB-GT.pkl", None, split, subset)
        same(a, ground_truth(folder / "jhmdb_annot.mat", folder / "JHMDB_splits", split, subset))
    lists = jhmdb.splits(folder / "JHMDB_splits")[split - 1]
    known = open_set(folder / "JHMDB-GT.pkl")[1][split - 1]
    assert {k: set(v) for k, v in lists.items()} == {k: set(v) for k, v in known.items()}


def test_frames_without_a_mask(data):
    gt = ground_truth(data / "detection" / "JHMDB-GT.pkl", subset="all")
    rows = np.flatnonzero(jhmdb.without_mask(gt))
    assert len(rows) == 14 and len(np.unique(gt.video[rows])) == 3
    assert any("14 frames have no puppet mask" in note for note in gt.notes)
    first = rows[np.flatnonzero(np.diff(gt.video[rows], prepend=-1))]
    assert (gt.box[rows] == gt.box[np.repeat(first - 1, [6, 7, 1])]).all()
    test = ground_truth(data / "detection" / "JHMDB-GT.pkl")
    assert len(test.rows(~jhmdb.without_mask(test))) == 9126  # what evaluations on the masks alone count


@pytest.mark.parametrize("subset", ["train", "test"])
def test_ucf24_pickle_and_mat_agree(data, subset):
    pytest.importorskip("scipy")
    folder = data / "detection"
    a = ground_truth(folder / "pyannot_with_class_names.pkl", None, 1, subset)
    same(a, ground_truth(folder / "finalAnnots.mat", folder / "testlist01.txt", 1, subset))


def test_ucf24_official_list_names_four_more(data):
    folder = data / "detection"
    gt = ground_truth(folder / "pyannot_with_class_names.pkl", folder / "UCF101_video_testlist01.txt")
    assert len(gt.videos) == 910 and len(gt.ignored) == 4 and "LongJump/v_LongJump_g07_c04" in gt.ignored
    assert any("60,072 of the file's 573,862" in note for note in gt.notes)
    same(gt, ground_truth(folder / "pyannot_with_class_names.pkl"))


def test_real_sets_survive_the_act_pickle(data, tmp_path):
    folder = data / "detection"
    for file in ("JHMDB-GT.pkl", "pyannot_with_class_names.pkl"):
        whole, splits, name = open_set(folder / file)
        assert notes(whole, name)[0].endswith(": as published")
        act_pickle.write(whole, splits, tmp_path / "a.pkl")
        again, splits_again, _ = open_set(tmp_path / "a.pkl")
        same(whole, again)
        assert splits == splits_again


def tiny_jhmdb(tmp_path):
    """Two videos as puppet masks, with split lists: the person is a rectangle that moves right by 2 pixels a frame."""
    scipy_io = pytest.importorskip("scipy.io")
    boxes = {}
    for place, (video, frames) in enumerate({"wave/a_wave_1": 4, "run/b_run_1": 3}.items()):
        mask = np.zeros((240, 320, frames), np.uint8)
        boxes[video] = [[20 + 2 * t, 30, 60 + 2 * t + place, 90] for t in range(frames)]
        for t, (x1, y1, x2, y2) in enumerate(boxes[video]):
            mask[y1:y2, x1:x2, t] = 1 + place
            mask[y1, x1, t] = 0  # a corner that is not the person
        (tmp_path / "puppet_mask" / video).mkdir(parents=True)
        scipy_io.savemat(tmp_path / "puppet_mask" / video / "puppet_mask.mat", {"part_mask": mask})
        (tmp_path / "splits").mkdir(exist_ok=True)
        name, clip = video.split("/")
        for split in (1, 2, 3):
            (tmp_path / "splits" / f"{name}_test_split{split}.txt").write_text(
                f"{clip}.avi {1 + (place + split) % 2}\n"
            )
    return boxes


def test_puppet_masks(tmp_path):
    boxes = tiny_jhmdb(tmp_path)
    gt = ground_truth(tmp_path / "puppet_mask", subset="all")
    assert gt.videos == ["run/b_run_1", "wave/a_wave_1"] and gt.classes == ["run", "wave"] and gt.size == (320, 240)
    assert gt.box.tolist() == boxes["run/b_run_1"] + boxes["wave/a_wave_1"]
    assert gt.frame.tolist() == [0, 1, 2, 0, 1, 2, 3] and gt.frames == {"run/b_run_1": 3, "wave/a_wave_1": 4}
    assert "published are 928" in gt.notes[0]
    for split, video in ((1, "wave/a_wave_1"), (2, "run/b_run_1")):
        assert ground_truth(tmp_path / "puppet_mask", None, split).videos == [video]
        assert ground_truth(tmp_path / "puppet_mask", tmp_path / "splits", split, "train").videos != [video]


def test_masks_that_end_early_repeat_their_last_box():
    video, (masked, length) = next(iter(jhmdb.SHORT_MASKS.items()))
    box = np.float32([[t, 0, t + 9, 9] for t in range(masked)])
    gt = jhmdb._one_tube_a_video({video: (np.arange(masked), box)}, (320, 240))
    assert len(gt) == length == gt.frames[video] and (gt.box[masked:] == box[-1]).all()
    assert jhmdb.without_mask(gt).tolist() == [False] * masked + [True] * (length - masked)


def test_a_mask_of_one_frame_and_an_empty_one():
    mask = np.zeros((20, 30, 2), np.uint8)
    mask[3, 4, 1] = 9
    frames, box = jhmdb.mask_boxes(mask)
    assert frames.tolist() == [1] and box.tolist() == [[4, 3, 5, 4]]
    assert jhmdb.mask_boxes(mask[..., 1])[1].tolist() == [[4, 3, 5, 4]]  # MATLAB drops a last axis of 1


def tiny_ucf24():
    """Content of a pyannot.pkl: two actors in one video, one in the other; a box whose x + w passes 255."""
    boxes = np.uint8([[201, 11, 100, 50], [201, 12, 100, 50]])
    tubes = [{"label": np.uint8(0), "sf": 1, "ef": 3, "boxes": boxes}]
    tubes.append({"label": np.uint8(0), "sf": 0, "ef": 1, "boxes": np.uint16([[1, 1, 320, 240]])})
    one = [{"label": 1, "sf": 4, "ef": 6, "boxes": np.uint8([[5, 6, 7, 8], [5, 6, 7, 9]])}]
    a = {"annotations": tubes, "numf": np.uint8(5), "label": 0}
    return {"Biking/v_Biking_g01_c01": a, "Diving/v_Diving_g09_c02": {"annotations": one, "numf": 9, "label": 1}}


@pytest.mark.parametrize("named", [True, False])
def test_pyannot(tmp_path, named):
    content = tiny_ucf24()
    content = {"db": content, "classes": ["Biking", "Diving"]} if named else content
    (tmp_path / "pyannot.pkl").write_bytes(pickle.dumps(content))
    (tmp_path / "testlist01.txt").write_text("Biking/v_Biking_g01_c01\nBiking/v_Biking_g01_c09\nYoYo/v_YoYo_g01_c01\n")
    gt = ground_truth(tmp_path / "pyannot.pkl")
    assert gt.videos == ["Biking/v_Biking_g01_c01"] and gt.classes == ["Biking", "Diving"]
    assert gt.box.tolist() == [[200, 10, 300, 60], [200, 11, 300, 61], [0, 0, 320, 240]]
    assert gt.frame.tolist() == [1, 2, 0] and gt.tube.tolist() == [0, 0, 1]
    assert gt.ignored == {"Biking/v_Biking_g01_c09"} and gt.notes[1].startswith("2 of the file's 5 boxes")
    assert "never scored: Biking/v_Biking_g01_c09" in gt.notes[-1]
    assert ground_truth(tmp_path / "pyannot.pkl", subset="train").frame.tolist() == [4, 5]


def test_final_annots_mat(tmp_path):
    scipy_io = pytest.importorskip("scipy.io")
    videos = []
    for name, video in tiny_ucf24().items():
        tubes = [
            {"sf": t["sf"] + 1, "ef": t["ef"], "class": int(t["label"]) + 1, "boxes": t["boxes"]}
            for t in video["annotations"]
        ]
        videos.append({"name": name, "num_imgs": int(video["numf"]), "tubes": tubes})
    scipy_io.savemat(tmp_path / "finalAnnots.mat", {"annot": videos})
    mat, _, name = open_set(tmp_path / "finalAnnots.mat", wanted=False)
    same(mat, ucf24.from_pickle(tiny_ucf24(), ""))
    assert name == "UCF101-24"


def test_jhmdb_annot_mat(tmp_path):
    scipy_io = pytest.importorskip("scipy.io")
    annot = {"action": ["run", "wave", "run"], "video_id": ["b_run_1", "a_wave_1", "b_run_1"], "frame": [2, 1, 1]}
    annot = {k: np.array(v, object if k != "frame" else float) for k, v in annot.items()}
    annot["bound"] = np.array([[5, 6, 10, 20], [1, 1, 320, 240], [3, 4, 10, 20]])
    scipy_io.savemat(tmp_path / "jhmdb_annot.mat", {"annot": annot})
    gt, _, name = open_set(tmp_path / "jhmdb_annot.mat", wanted=False)
    assert gt.videos == ["run/b_run_1", "wave/a_wave_1"] and gt.frame.tolist() == [0, 1, 0] and name == "JHMDB"
    assert gt.box.tolist() == [[2, 3, 12, 23], [4, 5, 14, 25], [0, 0, 320, 240]]


def test_damaged_mat_files_say_so(tmp_path):
    scipy_io = pytest.importorskip("scipy.io")
    (tmp_path / "a.mat").write_text("no such thing")
    with pytest.raises(ValueError, match="a.mat: not a .mat file"):
        ground_truth(tmp_path / "a.mat")
    scipy_io.savemat(tmp_path / "b.mat", {"other": [1]})
    with pytest.raises(ValueError, match="b.mat: holds no variable annot"):
        ground_truth(tmp_path / "b.mat")


def test_act_pickle_by_hand(tmp_path):
    gt = table.make(["b", "a", "a"], [0, 5, 4], ["x"] * 3, [[0, 0, 10, 20]] * 3, tube=[0, 1, 1])
    gt.frames, gt.size = {"a": 6, "b": 1}, (320, 240)
    act_pickle.write(gt, [{"train": ["a"], "test": ["b"]}], tmp_path / "a.pkl")
    content = pickle.loads((tmp_path / "a.pkl").read_bytes())
    assert content["gttubes"]["a"][0][0].tolist() == [[5, 0, 0, 9, 19], [6, 0, 0, 9, 19]]  # from 1, the last pixel
    own = ground_truth(tmp_path / "a.pkl")
    assert own.videos == ["b"] and own.notes == ("a, split 1, test: 1 videos, 1 frames, 1 frames with boxes, 1 boxes",)
    assert content["resolution"]["a"] == (240, 320) and content["test_videos"] == [["b"]]
    gt.tube = None
    with pytest.raises(ValueError, match="column tube"):
        act_pickle.write(gt, [], tmp_path / "a.pkl")


@pytest.mark.parametrize("kind", ["csv", "json", "npz"])
def test_tables_keep_everything(tmp_path, kind):
    box = np.float32([[0.1, 1 / 3, 10, 20], [5, 5, 6.5, 7.25]])
    gt = table.make(["b", "a"], [0, 5], ["y y", "x"], box, score=[1 / 3, 1e-9], tube=[0, 7])
    box_files.write_boxes(gt, tmp_path / f"a.{kind}")
    again = box_files.read_boxes(tmp_path / f"a.{kind}")
    same(again, gt)
    assert (again.score == gt.score).all()


def test_npz_of_names_and_of_numbers(tmp_path):
    columns = {"frame": [0, 3], "box": [[0, 0, 5, 5]] * 2, "score": [0.5, 0.25]}
    np.savez(tmp_path / "a.npz", video=["b", "a"], label=["x", "x"], **columns)
    np.savez(tmp_path / "b.npz", video=[1, 0], label=[0, 0], videos=["a", "b"], classes=["x"], **columns)
    same(box_files.read_boxes(tmp_path / "a.npz"), box_files.read_boxes(tmp_path / "b.npz"))
    np.savez(tmp_path / "b.npz", video=[2, 0], label=[0, 0], videos=["a", "b"], classes=["x"], **columns)
    with pytest.raises(ValueError, match="b.npz: column video has numbers outside 0 to 1"):
        box_files.read_boxes(tmp_path / "b.npz")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", "", "csv, .json or .npz"),
        ("a.csv", "", "no column 'video'"),
        ("a.csv", "video,frame,label\na,0,x\n", "no column 'x1'"),
        ("a.csv", "video,frame,label,x1,y1,x2,y2\na,0,x,1,2,3\n", "6 fields instead of 7 in the line a,0,x,1,2,3"),
        ("a.csv", "video,frame,label,x1,y1,x2,y2\na,zero,x,1,2,3,4\n", "a.csv: .*'zero'"),
        ("a.csv", "video,frame,label,x1,y1,x2,y2\na,3,x,9,2,3,4\n", "a.csv: box 9 2 3 4 in frame 3 of a: x2 < x1"),
        ("a.csv", "video,frame,label,x1,y1,x2,y2\na,3,x,1,2,nan,4\n", "in frame 3 of a: a corner is not finite"),
        ("a.csv", "video,frame,label,x1,y1,x2,y2,score\na,3,x,1,2,3,4,inf\n", "its score inf is not a finite number"),
        ("a.csv", "video,frame,label,x1,y1,x2,y2,score,score\na,3,x,1,2,3,4,1,0\n", "column score is there 2 times"),
        ("a.json", "{}", "not a list of objects"),
        ("a.json", "[{", "a.json: "),
        ("a.npz", "no archive", "a.npz is damaged, or not an .npz file"),
    ],
)
def test_files_that_are_no_tables_say_so(tmp_path, name, content, message):
    (tmp_path / name).write_text(content)
    with pytest.raises(ValueError, match=message):
        box_files.read_boxes(tmp_path / name)


def test_a_file_that_is_not_there_says_so(tmp_path):
    with pytest.raises(FileNotFoundError, match="a.csv does not exist"):
        box_files.read_boxes(tmp_path / "a.csv")


def test_a_table_without_rows(tmp_path):
    (tmp_path / "a.csv").write_text("video,frame,label,x1,y1,x2,y2,score\n")
    assert len(box_files.read_boxes(tmp_path / "a.csv")) == 0


def test_ground_truth_that_is_none_says_so(tmp_path):
    (tmp_path / "a.pkl").write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(ValueError, match="a.pkl: neither gttubes"):
        ground_truth(tmp_path / "a.pkl")
    (tmp_path / "b.pkl").write_bytes(pickle.dumps(tiny_ucf24()))
    with pytest.raises(ValueError, match="testlist01.txt"):
        ground_truth(tmp_path / "b.pkl")
    with pytest.raises(FileNotFoundError, match="nowhere"):
        ground_truth(tmp_path / "nowhere")
    (tmp_path / "puppet_mask").mkdir()
    with pytest.raises(FileNotFoundError, match="puppet_mask.mat"):
        ground_truth(tmp_path / "puppet_mask")
