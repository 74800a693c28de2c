"""`keras-vid check`: every kind of trouble in a folder is named, with its clips."""

import csv
import json
import re
import shutil

import numpy as np
import pytest

pytest.importorskip("tensorflow")

from keras_vid.training.checking import places
from keras_vid.training.checking.findings import findings_of
from keras_vid.training.checking.looks import Look, alike, look_at_all
from keras_vid.training.data.datasets import Dataset, Item
from keras_vid.training.data.load import load_dataset

from keras_vid.cli import main
from keras_vid.inference.groups import groups_of
from keras_vid.video import decode, read, synthetic, write


@pytest.fixture(scope="module")
def bad(tmp_path_factory):
    """Two classes of good clips, and one clip of each kind of trouble."""
    folder = tmp_path_factory.mktemp("bad") / "my videos"
    classes = synthetic.CLASSES[-2:]
    synthetic.write_dataset(folder, clips=3, frames=16, size=48, classes=classes)
    shutil.move(folder / "green_shirt", folder / "été à Nice")
    red, green = folder / "red_shirt", folder / "été à Nice"
    good = read(red / "red_shirt_0000.mp4")
    write(red / "frozen.mp4", np.repeat(good[:1], 12, axis=0))
    write(red / "black.mp4", np.zeros((12, 48, 48, 3), np.uint8))
    write(red / "short.mp4", synthetic.clip("red_shirt", 9, frames=5, size=48)[0])
    (red / "broken.mp4").write_bytes(b"this is not a video")
    (red / "empty.mp4").write_bytes(b"")
    shutil.copy(red / "red_shirt_0001.mp4", red / "copy.mp4")
    shutil.copy(red / "red_shirt_0002.mp4", green / "other_label.mp4")
    write(red / "again.mp4", np.clip(good[::-1].astype(int) + 5, 0, 255).astype(np.uint8))
    whole = (red / "red_shirt_0000.mp4").read_bytes()
    (red / "second_copy.mp4").write_bytes(whole)
    return folder


def found(capsys, *arguments):
    assert main(["check", *map(str, arguments), "--json"]) == 0
    checked = json.loads(capsys.readouterr().out)
    return {finding["kind"]: finding for finding in checked["findings"]}, checked


def clips(finding):
    return {path.rsplit("/", 1)[-1] for path, _ in finding["clips"]}


def test_each_kind_of_trouble_is_named(bad, capsys):
    findings, checked = found(capsys, bad)
    assert clips(findings["unreadable"]) == {"broken.mp4", "empty.mp4"}
    assert clips(findings["frozen"]) == {"frozen.mp4", "black.mp4"}
    assert clips(findings["black"]) == {"black.mp4"} and clips(findings["short"]) == {"short.mp4"}
    copies = [{path.rsplit("/", 1)[-1], told.rsplit("/", 1)[-1]} for path, told in findings["duplicates"]["clips"]]
    assert (
        len(copies) == 2
        and {"second_copy.mp4", "red_shirt_0000.mp4"} in copies
        and {"copy.mp4", "red_shirt_0001.mp4"} in copies
    )
    [(path, told)] = findings["two labels"]["clips"]
    assert "red_shirt and été à Nice" in told or "été à Nice and red_shirt" in told
    pairs = [
        {path.rsplit("/", 1)[-1], re.search(r"/([^/]+) \(", told)[1]}
        for path, told in findings["near-duplicates"]["clips"]
    ]
    assert {"again.mp4", "red_shirt_0000.mp4"} in pairs
    assert [row["label"] for row in checked["classes"]] == ["red_shirt", "été à Nice"]
    assert "imbalance" in findings and "weight" in findings["imbalance"]["clips"][0][1]


def test_the_page_stands_alone(bad, tmp_path, capsys):
    flags = ["-o", str(tmp_path), "--recipe", "tsm_resnet14/synthetic"]
    assert main(["check", str(bad), *flags]) == 0
    table = capsys.readouterr()
    assert "[two labels]" in table.out and "other_label.mp4" in table.out and "check.html" in table.err
    page = (tmp_path / "check.html").read_text()
    assert page.count("data:image/jpeg;base64,") == 4  # two clips of each class
    assert not re.search(r"(src|href)=[\"']?http", page) and "été à Nice" in page
    with open(tmp_path / "check.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {"unreadable", "frozen", "two labels"} <= {row["finding"] for row in rows}


def test_leaks_of_a_table_are_told(bad, tmp_path, capsys):
    """A source on both sides of the column `split`, and clips that look alike whatever their groups say."""
    paths = sorted(bad.glob("*/*_000?.mp4")) + [bad / "red_shirt/again.mp4"]
    rows = [(path, path.parent.name, f"g{i}", "train" if i < 4 else "val") for i, path in enumerate(paths)]
    rows[5] = (*rows[5][:2], "g0", "val")
    shutil.rmtree(tmp_path / "table", ignore_errors=True)
    with open(tmp_path / "clips.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("path", "label", "group", "split"), *rows])
    findings, _ = found(capsys, tmp_path / "clips.csv")
    assert [path for path, _ in findings["leak"]["clips"]] == ["g0"]
    assert any("again.mp4" in path + told for path, told in findings["leak by looks"]["clips"])


def test_grouped_by_looks(bad):
    items = load_dataset("folder", bad, group_by="looks").items
    groups = {item.path.rsplit("/", 1)[-1]: group for item, group in zip(items, groups_of(items))}
    assert (
        groups["again.mp4"] == groups["red_shirt_0000.mp4"] == groups["second_copy.mp4"] != groups["red_shirt_0001.mp4"]
    )
    assert groups["other_label.mp4"] == groups["red_shirt_0002.mp4"]


def test_the_same_video_under_two_labels_at_other_seconds_is_fine(bad, tmp_path, capsys):
    video = bad / "red_shirt/red_shirt_0000.mp4"
    for ends, kinds in ((("0.5", "0.5"), set()), (("0.8", "0.5"), {"two labels"})):
        text = f"path,label,start,end\n{video},a,0,{ends[0]}\n{video},b,{ends[1]},1.2\n"
        (tmp_path / "clips.csv").write_text(text)
        findings, _ = found(capsys, tmp_path / "clips.csv")
        assert {"two labels"} & set(findings) == kinds


def test_a_header_that_names_more_frames_than_there_are(tmp_path):
    """An MP4 whose last third is gone: its index is at the front and still names all frames."""
    import av

    path, whole = tmp_path / "cut.mp4", synthetic.clip("walking_right", frames=60, size=64)[0]
    with av.open(str(path), "w", options={"movflags": "faststart"}) as out:
        stream = out.add_stream("mpeg4", rate=12)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        for picture in whole:
            out.mux(stream.encode(av.VideoFrame.from_ndarray(picture)))
        out.mux(stream.encode())
    [look] = look_at_all([Item(str(path), 0)])
    assert look.trouble == () and look.frames == 60
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    [look] = look_at_all([Item(str(path), 0)])
    assert 10 < look.frames < 55 and look.trouble[0].startswith(f"cut off: {look.frames} of the 60 frames")


def test_a_long_video_is_sought_in_unless_all_is_asked_for(tmp_path, monkeypatch, capsys):
    """What is shown of a place is the frame that decoding in order yields there."""
    import av

    monkeypatch.setattr(places, "LONG", 300)
    path = tmp_path / "videos/a/long.mp4"
    path.parent.mkdir(parents=True)
    pictures = synthetic.clip("jump_then_wave", frames=300, size=64)[0]
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=12, options={"g": "24"})
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for picture in pictures:
            out.mux(stream.encode(av.VideoFrame.from_ndarray(picture)))
        out.mux(stream.encode())
    synthetic.write_dataset(tmp_path / "videos", clips=1, frames=8, size=64, classes=["red_shirt"])
    every = [frame.pts for frame in decode.up_to_damage(path)]
    times, numbers, shown = places.in_places(path, [(2.0, 4.0), (None, None)], lambda frame: frame.pts)
    assert shown == [every[number] for number in numbers] and len(numbers) < 70
    assert len(times) == 300 and sum(24 <= number < 48 for number in numbers) >= places.OF_A_SEGMENT
    for flags, found in ([], True), (["--decode-all"], False):
        assert main(["check", str(tmp_path / "videos"), *flags]) == 0
        told = capsys.readouterr().out
        assert ("1 long files were looked at in 60 places" in told) == found and "300 to 300" in told


def test_alike_is_a_correlation_of_pictures(bad):
    names = ["red_shirt_0000", "again", "red_shirt_0001", "black"]
    looks = look_at_all([Item(str(bad / f"red_shirt/{name}.mp4"), 0) for name in names])
    [(i, j, likeness)] = alike(looks)
    pictures = [look.pictures.reshape(5, -1) for look in looks]
    assert (i, j) == (0, 1) and likeness == pytest.approx(
        max(np.corrcoef(pictures[0], pictures[1])[:5, 5:].ravel()), abs=1e-3
    )


@pytest.mark.parametrize(
    "text, told",
    [
        ("path\nx.mp4\n", "needs one called 'label'"),
        ("path,label\nnone.mp4,x\n", "none of its 1 videos exists"),
        ("path,label\nbad.mp4,x\n", "none of the 1 clips can be read"),
    ],
)
def test_what_cannot_be_checked_costs_one_line(tmp_path, capsys, text, told):
    (tmp_path / "bad.mp4").write_bytes(b"x")
    (tmp_path / "clips.csv").write_text(text)
    assert main(["check", str(tmp_path / "clips.csv")]) == 1
    said = capsys.readouterr().err.strip().splitlines()
    assert len(said) == 1 and told in said[0]


def test_a_wrong_label_is_suspected(tmp_path, capsys):
    """One red shirt among the green ones: a probe on other sources is sure that it is red."""
    import keras_vid

    classes = synthetic.CLASSES[-2:]
    synthetic.write_dataset(tmp_path / "videos", clips=12, frames=8, size=48, classes=classes)
    wrong = tmp_path / "videos/green_shirt/wrong.mp4"
    write(wrong, synthetic.clip("red_shirt", 30, frames=8, size=48)[0])
    keras_vid.create("tsn_resnet14", classes=2, frames=4, size=48).save(tmp_path / "network.keras")
    findings, _ = found(capsys, tmp_path / "videos", "--network", tmp_path / "network.keras")
    first, told = findings["labels"]["clips"][0]
    assert first == str(wrong) and told.startswith("labelled green_shirt, looks like red_shirt")


def test_pictures_of_nearly_one_colour_look_like_nothing():
    """What coding leaves on a wall, a grey level here and there, is the same in every clip of that wall."""
    noise = np.random.default_rng(0).integers(0, 2, (5, 16, 16))
    assert alike([Look(pictures=100.0 + noise), Look(pictures=180.0 + noise)]) == []
    assert len(alike([Look(pictures=100.0 + 40 * noise), Look(pictures=90.0 + 40 * noise)])) == 1


def test_a_split_clip_by_clip_harms_only_where_clips_share_a_source():
    labels = [i % 2 for i in range(20)]
    for sources, told in ((20, None), (2, "4 of 4 held-out clips")):
        items = [Item(f"{i}.mp4", label, group=f"g{i % sources}") for i, label in enumerate(labels)]
        found = findings_of(Dataset("x", items, ["a", "b"]), [Look()] * 20, None)
        texts = [finding.text for finding in found if finding.kind == "sources"]
        assert not texts if told is None else told in texts[0]
