import csv
import json

import pytest
from keras_vid.training.data.datasets import Item
from keras_vid.training.data.labels import flip_swap
from keras_vid.training.data.load import load_dataset
from keras_vid.training.data.official import DATASETS


def touch(root, *names, content=b"x"):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)


def shown(dataset, root):
    return [(item.path.removeprefix(f"{root}/"), dataset.labels[item.label]) for item in dataset.items]


def test_kinetics_from_the_official_csv(tmp_path):
    table = "label,youtube_id,time_start,time_end,split\nair drumming,abc_def-123,5,15,train\n"
    touch(
        tmp_path,
        "kinetics-400_train.csv",
        content=(table + "abseiling,xyz,1,11,train\nzumba,gone,1,2,train\n").encode(),
    )
    touch(tmp_path, "train/air_drumming/abc_def-123_000005_000015.mp4", "train/abseiling/xyz.mkv")
    dataset = load_dataset("kinetics400", tmp_path, "train")
    assert shown(dataset, tmp_path) == [
        ("train/air_drumming/abc_def-123_000005_000015.mp4", "air drumming"),
        ("train/abseiling/xyz.mkv", "abseiling"),
    ]
    assert dataset.skipped == [("gone_000001_000002", "missing")]
    assert len(dataset.labels) == 400 and "398 labels without a clip" in dataset.report()


def test_kinetics_as_folders(tmp_path):
    touch(tmp_path, "train/air_drumming/a.mp4", "val/air_drumming/b.mp4", "val/zumba/c.mp4")
    for name in ("kinetics600", "mini_kinetics200"):
        dataset = load_dataset(name, tmp_path, "val")
        assert shown(dataset, tmp_path) == [("val/air_drumming/b.mp4", "air drumming"), ("val/zumba/c.mp4", "zumba")]


def test_mini_kinetics_from_its_lists_of_ids(tmp_path):
    table = b"label,youtube_id,time_start,time_end,split\nair drumming,abc_def-123,5,15,train\n"
    touch(tmp_path, "lists/kinetics-400_train.csv", content=table + b"abseiling,xyz,1,11,train\nzumba,uvw,1,2,train\n")
    touch(tmp_path, "lists/train_ytid_list.txt", content=b"abc_def-123\nuvw\nno_such\n")
    videos = ["air_drumming/abc_def-123_000005_000015.mp4", "abseiling/xyz_000001_000011.mp4", "zumba/uvw.mp4"]
    touch(tmp_path, *(f"train/{video}" for video in videos))
    expected = [(f"train/{videos[0]}", "air drumming"), (f"train/{videos[2]}", "zumba")]
    for lists in (tmp_path, tmp_path / "folders"):  # with Kinetics' CSV, and with folders of classes alone
        touch(tmp_path, "folders/train_ytid_list.txt", content=b"abc_def-123\nuvw\n")
        dataset = load_dataset("mini_kinetics200", tmp_path, "train", lists)
        assert shown(dataset, tmp_path) == expected and dataset.labels == ["air drumming", "zumba"]


@pytest.mark.parametrize("name, prefix", [("something_v1", "something-something-v1"), ("jester", "jester-v1")])
def test_something_v1_and_jester(tmp_path, name, prefix):
    touch(tmp_path, f"{prefix}-labels.csv", content=b"Swiping Left\nThumb Up\n")
    touch(tmp_path, f"{prefix}-train.csv", content=b"7;Thumb Up\n12;Swiping Left\n")
    touch(tmp_path, f"{prefix}-validation.csv", content=b"9;Swiping Left\n")
    touch(tmp_path, *(f"20bn/{i}/{j:05d}.jpg" for i in (7, 9) for j in (1, 2)))
    dataset = load_dataset(name, tmp_path)
    assert shown(dataset, tmp_path) == [("20bn/7", "Thumb Up")] and dataset.skipped == [("12", "missing")]
    assert shown(load_dataset(name, tmp_path, "val"), tmp_path) == [("20bn/9", "Swiping Left")]


@pytest.mark.parametrize("prefix", ["something-something-v2-", "labels/"])
def test_something_v2(tmp_path, prefix):
    labels = {"Pushing something from left to right": "1", "Holding something": "0"}
    rows = [{"id": "5", "label": "holding a cup", "template": "Holding [something]", "placeholders": ["a cup"]}]
    touch(tmp_path, f"{prefix}labels.json", content=json.dumps(labels).encode())
    touch(tmp_path, f"{prefix}validation.json", content=json.dumps(rows).encode())
    touch(tmp_path, "videos/5.webm")
    dataset = load_dataset("something_v2", tmp_path, "val")
    assert dataset.labels == ["Holding something", "Pushing something from left to right"]
    assert dataset.items == [Item(str(tmp_path / "videos/5.webm"), 0)]


def test_ucf101_splits(tmp_path):
    touch(tmp_path, "ucfTrainTestlist/classInd.txt", content=b"1 Archery\r\n2 Basketball\r\n")
    for split in (1, 2, 3):
        line = f"Basketball/v_Basketball_g0{split}_c01.avi 2\n"
        touch(tmp_path, f"ucfTrainTestlist/trainlist0{split}.txt", content=line.encode())
        touch(tmp_path, f"ucfTrainTestlist/testlist0{split}.txt", content=b"Archery/v_Archery_g01_c01.avi\n")
        touch(tmp_path, f"UCF-101/Basketball/v_Basketball_g0{split}_c01.avi")
    touch(tmp_path, "frames/v_Archery_g01_c01/img_00001.jpg")
    for split, number in (("train", 1), ("train2", 2), ("train3", 3)):
        path = f"UCF-101/Basketball/v_Basketball_g0{number}_c01.avi"
        assert shown(load_dataset("ucf101", tmp_path, split), tmp_path) == [(path, "Basketball")]
    assert shown(load_dataset("ucf101", tmp_path, "test2"), tmp_path) == [("frames/v_Archery_g01_c01", "Archery")]
    with pytest.raises(ValueError, match="train3"):
        load_dataset("ucf101", tmp_path, "train4")


def test_hmdb51_splits(tmp_path):
    touch(tmp_path, "splits/wave_test_split2.txt", content=b"#20_wave_u.avi 1 \nwave_b.avi 2\nwave_c.avi 0\n")
    touch(tmp_path, "splits/sit_test_split2.txt", content=b"wave_b.avi 2\n")
    touch(tmp_path, "wave/#20_wave_u.avi", "wave/wave_b.avi", "wave/wave_c.avi", "sit/wave_b.avi")
    assert shown(load_dataset("hmdb51", tmp_path, "train2"), tmp_path) == [("wave/#20_wave_u.avi", "wave")]
    # the same file name in two classes
    assert shown(load_dataset("hmdb51", tmp_path, "test2"), tmp_path) == [
        ("sit/wave_b.avi", "sit"),
        ("wave/wave_b.avi", "wave"),
    ]
    with pytest.raises(FileNotFoundError, match="test_split3"):
        load_dataset("hmdb51", tmp_path, "test3")


def test_csv(tmp_path):
    touch(tmp_path, "a b.mp4", "c.mp4")
    touch(tmp_path, "empty.mp4", content=b"")
    table = "path,label,start,end\na b.mp4,run,1.5,3\nc.mp4,sit\nempty.mp4,sit\nnone.mp4,run\n"
    touch(tmp_path, "list.csv", content=table.encode())
    dataset = load_dataset("csv", tmp_path / "list.csv")
    assert dataset.labels == ["run", "sit"]
    assert dataset.items == [Item(str(tmp_path / "a b.mp4"), 0, 1.5, 3.0), Item(str(tmp_path / "c.mp4"), 1)]
    dataset.write_skipped(tmp_path / "skipped.csv")
    with open(tmp_path / "skipped.csv", newline="") as file:
        assert [row[1] for row in csv.reader(file)] == ["reason", "missing", "missing"]


@pytest.mark.parametrize("line", ["c.mp4", "c.mp4,sit,x,2", "c.mp4,sit,5,2"])
def test_a_wrong_line_is_named(tmp_path, line):
    touch(tmp_path, "c.mp4")
    touch(tmp_path, "list.csv", content=f"c.mp4,1\n{line}\n".encode())
    with pytest.raises(ValueError, match="line 2"):
        load_dataset("csv", tmp_path / "list.csv")


def test_numbers_as_labels(tmp_path):
    touch(tmp_path, "c.mp4")
    touch(tmp_path, "list.csv", content=b"c.mp4,2\n")
    dataset = load_dataset("csv", tmp_path / "list.csv")
    assert dataset.items[0].label == 2 and len(dataset.labels) == 3


def test_nothing_found_is_an_error(tmp_path):
    touch(tmp_path, "jester-v1-labels.csv", content=b"Thumb Up\n")
    touch(tmp_path, "jester-v1-train.csv", content=b"7;Thumb Up\n")
    with pytest.raises(ValueError, match="none of the 1 clips"):
        load_dataset("jester", tmp_path)
    with pytest.raises(ValueError, match="kinetics400"):
        load_dataset("no_such", tmp_path)
    with pytest.raises(FileNotFoundError):
        load_dataset("folder", tmp_path / "none")


def test_directions_are_not_flipped():
    labels = ["Pushing something from left to right", "Pushing something from right to left", "Holding something"]
    assert flip_swap(labels) == [-1, -1, 2] and flip_swap(labels, swap=True) == [1, 0, 2]
    assert flip_swap(["Turning Hand Clockwise", "Turning Hand Counterclockwise"], swap=True) == [1, 0]
    assert flip_swap(["copyright", "walking_left", "walking_right"], swap=True) == [0, 2, 1]
    assert flip_swap(["Swiping Left"], swap=True) == [-1]


def test_kinetics_names_are_the_official_ones():
    names = DATASETS["kinetics400"][2]()
    assert len(names) == 400 and names == sorted(names) and flip_swap(names) == list(range(400))
