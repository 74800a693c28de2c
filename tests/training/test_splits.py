"""Splits that do not leak, and the CSV files and names that they are made from."""

import json

import numpy as np
import pytest
from keras_vid.training.data.datasets import Item
from keras_vid.training.data.load import datasets, load_dataset
from keras_vid.training.data.splits import folds, held_out, hold_out, shared_sources
from keras_vid.training.evaluation import metrics
from keras_vid.training.recipes import recipe
from keras_vid.training.run.train import Options

from keras_vid.cli import main
from keras_vid.inference.groups import groups_of
from keras_vid.video import synthetic


def table(folder, text, name="clips.csv"):
    """A CSV file whose videos exist, as files of a byte that nobody opens."""
    (folder / name).write_text(text, encoding="utf-8")
    for line in text.splitlines():
        for cell in line.split(","):
            if cell.endswith(".mp4"):
                (folder / cell).parent.mkdir(parents=True, exist_ok=True)
                (folder / cell).write_bytes(b"x")
    return folder / name


def random_clips(seed, clips=200, sources=40, classes=3):
    rng = np.random.default_rng(seed)
    groups = rng.integers(sources, size=clips)
    return (groups + rng.integers(2, size=clips)) % classes, groups


def test_columns_by_name_in_any_order(tmp_path):
    text = "person,end,label,path,start\nanna,3,été à Nice,a b.mp4,1.5\nbo,,run,c.mp4,\n"
    dataset = load_dataset("csv", table(tmp_path, text))
    assert dataset.labels == ["run", "été à Nice"]
    assert dataset.items == [Item(str(tmp_path / "a b.mp4"), 1, 1.5, 3.0), Item(str(tmp_path / "c.mp4"), 0)]
    assert "column 'person' is not used" in dataset.report()
    dataset = load_dataset("csv", tmp_path / "clips.csv", group_by="person")
    assert [item.group for item in dataset.items] == ["anna", "bo"] and "not used" not in dataset.report()


def test_the_column_split_chooses_rows(tmp_path):
    text = "path,label,split\na.mp4,x,train\nb.mp4,y,Validation\nc.mp4,z,test\n"
    file = table(tmp_path, text)
    for part, name in (("train", "a.mp4"), ("val", "b.mp4"), ("test", "c.mp4")):
        dataset = load_dataset("csv", file, part)
        assert [item.path for item in dataset.items] == [str(tmp_path / name)]
        assert dataset.labels == ["x", "y", "z"]  # numbered alike in every part
    assert len(load_dataset("csv", file, None).items) == 3


@pytest.mark.parametrize(
    "text, told",
    [
        ("path\na.mp4\n", "label"),
        ("file,label\na.mp4,x\n", "'path'"),
        ("path,label,label\na.mp4,x,y\n", "'label'"),
        ("a.mp4,x\nb.mp4,y,fight 1\n", "line 2: start and end are seconds, not fight 1"),
        ("a.mp4,x,0,1,g\n", "line 1: 5 columns"),
        ("path,label,split\na.mp4,x,oops\n", "line 2: split is train, val or test, not 'oops'"),
        ("path,label,start,end\na.mp4,x,3,nan\n", "line 2"),
        ("path,label\na.mp4,\n", "line 2: expected"),
        ("path,label\n", "no clips"),
        ("path,label\nnot there,x\n", "none of its 1 videos exists"),
        ("path,label\na.mp4,x\nb.mp4,x\n", "all training clips have one label"),
    ],
)
def test_a_table_that_cannot_be_used_costs_one_line(tmp_path, capsys, text, told):
    file = table(tmp_path, text)
    assert main(["train", "tsm_resnet14", "--data", str(file), "-o", str(tmp_path / "run")]) == 1
    said = capsys.readouterr().err.splitlines()
    assert told in said[-1] and "clips.csv" in said[-1]


def test_a_table_that_is_not_utf8_costs_one_line(tmp_path, capsys):
    (tmp_path / "clips.csv").write_bytes("path,label\na.mp4,été\n".encode("latin-1"))
    assert main(["train", "tsm_resnet14", "--data", str(tmp_path / "clips.csv"), "-o", str(tmp_path / "run")]) == 1
    assert "UTF-8" in capsys.readouterr().err.splitlines()[-1]


def test_groups_by_folder_and_by_pattern(tmp_path):
    for name in ("run/anna/1.mp4", "run/bo/2.mp4", "sit/anna/3.mp4", "sit/bo/cam2/4.mp4"):
        table(tmp_path, name, "unused")
    groups = {
        how: [item.group for item in load_dataset("folder", tmp_path, group_by=how).items]
        for how in ("folder", r"anna|bo", r"/(\w)\w*/\d")
    }
    assert groups["folder"] == ["anna", "bo", "anna", "bo/cam2"]
    assert groups["anna|bo"] == ["anna", "bo", "anna", "bo"]
    assert groups[r"/(\w)\w*/\d"] == ["a", "b", "a", "c"]
    for wrong, told in (("[", "regular expression"), ("zed", "none of the paths")):
        with pytest.raises(ValueError, match=told):
            load_dataset("folder", tmp_path, group_by=wrong)


def test_names_of_public_data_sets_tell_the_source():
    names = {
        "UCF/v_Archery_g01_c03.avi": "v_Archery_g01",
        "v_Archery_g01_c04.avi": "v_Archery_g01",
        "April_09_brush_hair_u_nm_np1_ba_goo_0.avi": "April_09",
        "Sexy_girl_on_the_bed_brush_hair_f_nm_np1_ba_med_1.avi": "Sexy_girl_on_the_bed",
        "The_Matrix_run_f_cm_np1_ri_med_12.avi": "The_Matrix",
        "abseiling/3E7Jib8Yq5M_000118_000128.mp4": "3E7Jib8Yq5M",
        "mine/holiday_c01.mp4": "mine/holiday_c01.mp4",
    }
    assert groups_of([Item(path, 0) for path in names]).tolist() == list(names.values())


def test_segments_of_one_file_are_one_group_whatever_the_column_says():
    items = [Item("a", 0, 0, 1, "x"), Item("b", 0, None, None, "y"), Item("a", 0, 1, 2, "y"), Item("c", 0)]
    groups = groups_of(items)
    assert groups[0] == groups[1] == groups[2] != groups[3]


def test_groups_that_share_a_file_are_told(tmp_path, capsys):
    """What the column keeps apart, the file puts together: the numbers of sources are others than in the table."""
    synthetic.write_dataset(tmp_path, clips=2, frames=12, size=32, classes=synthetic.CLASSES[-2:])
    red, green = "red_shirt/red_shirt_000", "green_shirt/green_shirt_000"
    rows = [f"{red}0.mp4,red,0,0.5,p1", f"{red}0.mp4,red,0.5,1,p2", f"{red}1.mp4,red,,,p3"]
    rows += [f"{green}0.mp4,green,,,p4", f"{green}1.mp4,green,,,p4"]
    (tmp_path / "clips.csv").write_text("\n".join(["path,label,start,end,group", *rows]))
    assert main(["check", str(tmp_path / "clips.csv")]) == 0
    told = capsys.readouterr().out.splitlines()[0]
    assert "1 files name several groups" in told and "red_shirt_0000.mp4 (p1, p2)" in told


@pytest.mark.parametrize("seed", range(5))
def test_held_out_clips_share_no_source_and_are_of_every_class(seed):
    labels, groups = random_clips(seed)
    mask = held_out(labels, groups, 0.2, seed)
    assert not set(groups[mask]) & set(groups[~mask])
    for label in range(3):
        assert 0.1 < mask[labels == label].mean() < 0.3
    assert (mask == held_out(labels, groups, 0.2, seed)).all()
    assert (mask != held_out(labels, groups, 0.2, seed + 1)).any()


@pytest.mark.parametrize("seed", range(5))
def test_folds_share_no_source_and_leave_every_class_to_train(seed):
    labels, groups = random_clips(seed, clips=60, sources=12)
    labels[groups == 3] = 3  # a class of one source
    fold = folds(labels, groups, 5, seed)
    assert set(fold) == {-1, 0, 1, 2, 3, 4} and set(groups[fold == -1]) == {3}
    for number in range(5):
        assert not set(groups[fold == number]) & set(groups[fold != number])
        assert set(labels[fold != number]) == {0, 1, 2, 3}
    assert (fold == folds(labels, groups, 5, seed)).all()


def test_few_sources():
    assert held_out([0, 0, 1, 1], ["a", "a", "b", "b"]).sum() == 0  # one source a class: nothing can be held out
    with pytest.raises(ValueError, match="one source"):
        folds([0, 0, 1, 1], ["a", "a", "b", "b"])
    assert held_out([0, 0, 1, 1], ["a", "b", "c", "d"]).sum() == 2
    assert set(folds([0, 0, 1, 1], ["a", "b", "c", "d"], 5)) <= {-1, 0, 1, 2, 3}


def test_a_leak_between_parts_is_told(tmp_path):
    text = "path,label,group,split\na.mp4,x,1,train\nb.mp4,y,2,train\nc.mp4,x,2,val\nd.mp4,y,3,val\n"
    parts = datasets(recipe("tsm_resnet14"), Options(str(table(tmp_path, text))))
    assert "leak: 1 sources are in training too, such as 2" in parts.validation.report()


def test_held_out_parts_of_a_data_set(tmp_path):
    text = "path,label,group\n" + "".join(f"{i}.mp4,{'xy'[i % 2]},{i // 4}\n" for i in range(80))
    rest, held = hold_out(load_dataset("csv", table(tmp_path, text)))
    assert len(rest.items) + len(held.items) == 80 and shared_sources(rest, held) == []
    assert 12 <= len(held.items) <= 20 and "held out" in rest.report()


def test_the_interval_is_that_of_groups():
    """Copies of a clip change nothing: against scipy's bootstrap over the groups' own shares."""
    from scipy.stats import bootstrap

    rng = np.random.default_rng(0)
    shares = rng.random(30) < 0.7
    low, high = metrics.interval(np.repeat(shares, 9), np.repeat(np.arange(30), 9))
    peer = bootstrap((shares.astype(float),), np.mean, method="percentile", rng=np.random.default_rng(1))
    assert [low, high] == pytest.approx(list(peer.confidence_interval), abs=0.035)
    alone = metrics.interval(np.repeat(shares, 9), np.arange(270))
    assert high - low > 2 * (alone[1] - alone[0])


def test_the_interval_where_all_are_right_is_wilsons():
    from scipy.stats import binomtest

    peer = binomtest(7, 7).proportion_ci(method="wilson")
    assert metrics.interval([1] * 14, list(range(7)) * 2) == pytest.approx((peer.low, peer.high), abs=1e-4)
    assert json.dumps(metrics.interval([1, 0], [0, 1]))


def test_another_seed_deals_the_sources_into_other_folds():
    labels, groups = random_clips(0, clips=60, sources=20)
    dealt = [folds(labels, groups, 5, seed) for seed in range(4)]
    for seed, fold in enumerate(dealt[1:], 1):
        same = [np.array_equal(np.unique(groups[fold == i]), np.unique(groups[dealt[0] == i])) for i in range(5)]
        assert not all(same), seed
