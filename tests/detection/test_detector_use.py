"""Around the detector: examples made of boxes and videos, data sets on disk, what is found and drawn."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from keras_vid.detection.data import box_files, sets, table
from keras_vid.detection.data.inputs import Clips, examples, keyframes, mirror
from keras_vid.detection.draw import colour, draw
from keras_vid.detection.modeling.settings import Settings
from keras_vid.detection.predict import detect_set, detect_video, draw_video
from keras_vid.detection.recipes import DEFAULTS, RECIPES, recipe

from keras_vid import cli
from keras_vid.video import read, write

GIVEN = Settings(size=(32, 48), frames=4)


def video(count=6, height=24, width=36):
    """Frame t has the grey value 10 t, and a white left edge."""
    frames = np.zeros((count, height, width, 3), "uint8") + (10 * np.arange(count, dtype="uint8"))[:, None, None, None]
    frames[:, :, : width // 4] = 255
    return frames


def boxes(rows, size=None):
    names, frames, labels, box = zip(*rows)
    made = table.make(names, frames, labels, box, classes=["run", "sit"])
    made.size = size
    return made


ROWS = [("a", 0, "run", [0, 0, 9, 12]), ("a", 5, "sit", [9, 0, 18, 12]), ("a", 5, "run", [0, 12, 9, 24])]


def batches(gt, clips, steps=4, **options):
    data = examples(gt, clips, 1, flip=False, **options).take(steps)
    return [{kind: value.numpy()[0] for kind, value in batch.items()} for batch in data]


def test_an_example_by_hand():
    """Frame 5 of 6: the clip is frames 3, 4, 5, 5; the boxes grow with the picture by 4/3."""
    found = {len(b["labels"][b["labels"].any(-1)]): b for b in batches(boxes(ROWS), Clips({"a": video()}, GIVEN))}
    assert found[2]["clip"][:, 0, -1, 0].tolist() == [30, 40, 50, 50]
    assert found[2]["keyframe"][0, -1, 0] == 50
    np.testing.assert_allclose(found[2]["boxes"], [[12, 0, 24, 16], [0, 16, 12, 32]])
    assert found[2]["labels"].tolist() == [[0, 1], [1, 0]]
    np.testing.assert_allclose(found[1]["boxes"], [[0, 0, 12, 16], [0, 0, 0, 0]])
    assert found[1]["labels"].tolist() == [[1, 0], [0, 0]]


def test_boxes_measured_in_other_pixels_than_the_video():
    """A table of 18x12 pixels (JHMDB's are 320x240) on a video of twice the size."""
    found = batches(boxes([("a", 0, "run", [0, 0, 9, 6])], size=(18, 12)), Clips({"a": video()}, GIVEN), 1)[0]
    np.testing.assert_allclose(found["boxes"], [[0, 0, 24, 16]])


def test_a_mirror_turns_pictures_flow_and_boxes():
    given = Settings(size=(32, 48), frames=4, streams="rgb")
    example = batches(boxes(ROWS[:1]), Clips({"a": video()}, given), 1)[0]
    example["flow"] = np.full((4, 32, 48, 2), 155, "uint8")
    mirrored = mirror(example, 48)
    np.testing.assert_array_equal(mirrored["clip"], example["clip"][:, :, ::-1])
    np.testing.assert_array_equal(mirrored["keyframe"], example["keyframe"][:, ::-1])
    assert mirrored["boxes"].tolist() == [[36, 0, 48, 16]]
    assert mirrored["flow"][0, 0, 0].tolist() == [100, 155]
    again = mirror(mirrored, 48)
    assert all((again[kind] == example[kind]).all() for kind in example)


def test_a_run_goes_on_where_it_ended():
    clips = Clips({"a": video()}, GIVEN)
    whole = examples(boxes(ROWS), clips, 1, seed=3).take(6)
    rest = examples(boxes(ROWS), clips, 1, seed=3, start_step=4).take(2)
    for ours, theirs in zip(list(whole)[4:], rest):
        assert all((ours[kind] == theirs[kind]).numpy().all() for kind in ours)


def test_broken_and_missing_videos_end_nothing(tmp_path):
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    rows = ROWS + [("b", 0, "run", ROWS[0][3]), ("c", 0, "run", ROWS[0][3]), ("a", 99, "run", ROWS[0][3])]
    clips = Clips({"a": video(), "b": str(tmp_path / "broken.mp4")}, GIVEN)
    assert len(batches(boxes(rows), clips, steps=10)) == 10
    assert sorted(clips.skipped) == ["a", "b", "c"]
    assert "has 6 frames" in clips.skipped["a"] and "not found" in clips.skipped["c"]


def test_one_box_with_two_labels_is_one_box_for_a_sigmoid():
    rows = [ROWS[0], ("a", 0, "sit", ROWS[0][3])]
    given = Settings(size=(32, 48), frames=4, scores="sigmoid")
    assert batches(boxes(rows), Clips({"a": video()}, given), 1)[0]["labels"].tolist() == [[1, 1], [0, 0]]


def test_folders_of_frames_and_memory(tmp_path):
    from PIL import Image

    for t, frame in enumerate(video()):
        Image.fromarray(frame).save(tmp_path / f"{t + 1:05d}.png")
    folder, array = (Clips({"a": path}, GIVEN, memory=0) for path in (str(tmp_path), video()))
    np.testing.assert_allclose(folder("a", 5)["clip"].astype(int), array("a", 5)["clip"].astype(int), atol=2)
    assert not folder.kept and len(array.kept) == 1  # a folder's frames are read one by one, and only those needed


class FixedDetector:
    """Finds the white left edge in every keyframe, and a fainter box at the right."""

    settings = GIVEN
    classes = ["run", "sit"]

    def predict_on_batch(self, inputs):
        count = len(inputs["keyframe"])
        found = np.float32([[0, 0, 12, 32], [40, 0, 48, 32], [0, 0, 0, 0]])
        assert (inputs["keyframe"][:, :, :11] > 200).all()
        return {
            "boxes": np.tile(found, (count, 1, 1)),
            "scores": np.tile(np.float32([0.9, 0.2, 0]), (count, 1)),
            "labels": np.tile([1, 0, 0], (count, 1)),
            "count": np.full(count, 2),
        }


def test_a_video_is_detected_in_its_own_pixels_and_drawn(tmp_path):
    path = write(tmp_path / "in.mp4", video(), 10)
    found = detect_video(FixedDetector(), path)
    assert len(found) == 6
    np.testing.assert_allclose(found[5][0], [[0, 0, 9, 24], [30, 0, 36, 24]])
    draw_video(path, found, FixedDetector.classes, tmp_path / "out.mp4")
    before, after = read(path).astype(int), read(tmp_path / "out.mp4").astype(int)
    assert after.shape == before.shape
    changed = np.abs(after - before).max(axis=(0, 3)) > 60
    assert changed[:, 0].all() and not changed[14:-2, 28:].any()  # the likely box alone is drawn


def test_width_and_height_of_a_video_are_scaled_each_by_its_own(tmp_path):
    """Pictures of 64 x 24 in a detector of 48 x 32: x grows by 4/3, y shrinks by 3/4."""
    wide = np.zeros((6, 24, 64, 3), "uint8")
    wide[:, :, :16] = 255
    found = detect_video(FixedDetector(), write(tmp_path / "wide.mp4", wide, 10))
    np.testing.assert_allclose(found[0][0], [[0, 0, 16, 24], [160 / 3, 0, 64, 24]], rtol=1e-5)


def test_a_set_is_detected_in_the_pixels_of_its_boxes():
    """Boxes measured in 18 x 6 pixels: half of the width of the video, a quarter of its height."""
    gt = boxes([("a", 0, "run", [0, 0, 9, 6]), ("b", 0, "run", [0, 0, 9, 6])], size=(18, 6))
    clips = Clips({"a": video()}, GIVEN)
    found = detect_set(FixedDetector(), gt, clips, min_score=0.5)
    assert found.videos == ["a"] and found.frame.tolist() == [0] and found.classes == ["sit"]
    np.testing.assert_allclose(found.box, [[0, 0, 4.5, 6]])
    assert list(clips.skipped) == ["b"]


def test_keyframes_annotated_and_all():
    gt = boxes(ROWS)
    assert keyframes(gt).tolist() == [[0, 0], [0, 5]]
    with pytest.raises(ValueError, match="how many frames"):
        keyframes(gt, "all")
    gt.frames = {"a": 7}
    assert keyframes(gt, "all")[:, 1].tolist() == list(range(7))


def test_drawing_keeps_to_the_box():
    frame = np.zeros((96, 128, 3), "uint8")
    picture = draw(frame, [[40, 30, 80, 70]], ["sit 0.50"], [1])
    assert not frame.any()
    for y, x in ((30, 60), (69, 60), (50, 40), (50, 79)):
        assert tuple(picture[y, x]) == colour(1)
    assert not picture[72:].any() and not picture[32:68, 42:78].any()
    edge = draw(frame, [[100, 0, 128, 20]], ["a long label 0.99"])  # text that would leave the picture
    assert edge[:, :90].any() and edge.shape == frame.shape
    assert not draw(frame, [[5, 5, 5, 9]], ["nothing"]).any()


def test_data_sets_on_disk(tmp_path):
    sets.write_synthetic(tmp_path, clips=(1, 1), frames=4, size=32)
    for subset in ("train", "test"):
        gt, paths = sets.load("synthetic", tmp_path, subset=subset)
        assert len(gt) == 8 * 4 and len(paths) == 8 and len(gt.classes) == 8
    same, _ = sets.load("csv", tmp_path, subset="test")
    np.testing.assert_array_equal(same.box, gt.box)
    with pytest.raises(FileNotFoundError, match="JHMDB-GT.pkl"):
        sets.load("jhmdb", tmp_path)
    with pytest.raises(ValueError, match="no data set"):
        sets.load("ava", tmp_path)


def test_videos_are_found_by_class_and_name(tmp_path):
    for path in ("Frames/run/a", "Frames/sit/a"):
        (tmp_path / path).mkdir(parents=True)
        (tmp_path / path / "00001.jpg").write_bytes(b"")
    (tmp_path / "clips/wave").mkdir(parents=True)
    (tmp_path / "clips/wave/v_b.avi").write_bytes(b"")
    found = sets.locate(tmp_path, ["run/a", "sit/a", "wave/v_b", "wave/none", "clips/wave/v_b.avi"])
    assert {name: path.removeprefix(str(tmp_path)) for name, path in found.items()} == {
        "clips/wave/v_b.avi": "/clips/wave/v_b.avi",
        "run/a": "/Frames/run/a",
        "sit/a": "/Frames/sit/a",
        "wave/v_b": "/clips/wave/v_b.avi",
    }


def test_recipes_name_settings_that_exist():
    assert set(DEFAULTS) == set(sets.SETS)
    for name, row in RECIPES.items():
        Settings(**row["settings"])
        assert set(row) == set(RECIPES["paper"]) and recipe(name) == row
    assert recipe("quick", settings={"units": 7})["settings"]["network"] == RECIPES["quick"]["settings"]["network"]
    with pytest.raises(ValueError, match="no recipe"):
        recipe("slow")


@pytest.mark.slow
def test_the_command_from_training_to_a_score(tmp_path, capsys, monkeypatch):
    """Two steps of the quick recipe, one more after resuming; a drawn video, JSON, detections, a score."""
    from keras_vid.detection import recipes

    row = {**RECIPES["quick"], "epoch": 1, "batch_size": 1}
    monkeypatch.setitem(recipes.RECIPES, "quick", row)
    sets.write_synthetic(tmp_path / "data", clips=(1, 1), frames=4, size=32)
    (tmp_path / "data/train/red_shirt/red_shirt_0000.mp4").write_bytes(b"broken")
    (tmp_path / "data/train/green_shirt/green_shirt_0000.mp4").unlink()
    start = ["detect", "train", "--dataset", "synthetic", "--data", str(tmp_path / "data"), "-o", str(tmp_path / "run")]
    assert cli.main([*start, "--steps", "2", "--set", "frames=4"]) == 0
    assert cli.main([*start, "--steps", "3"]) == 1
    assert "holds a run" in capsys.readouterr().err
    assert cli.main([*start, "--steps", "3", "--resume"]) == 0
    lines = (tmp_path / "run/log.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == ["epoch", "1", "2", "3"]
    assert "green_shirt" in (tmp_path / "run/skipped.csv").read_text()
    assert list((tmp_path / "run/events/pictures").iterdir())
    capsys.readouterr()
    video = str(tmp_path / "data/test/red_shirt/red_shirt_0000.mp4")
    use = ["detect", "predict", "--model", str(tmp_path / "run")]
    assert cli.main([*use, video, "-o", str(tmp_path / "out.mp4"), "--json", "--min-score", "0"]) == 0
    rows = json.loads(capsys.readouterr().out)["detections"]
    assert {row["frame"] for row in rows} == {0, 1, 2, 3}
    assert len(read(tmp_path / "out.mp4")) == 4
    found = str(tmp_path / "found.npz")
    assert (
        cli.main([*use, "--dataset", "synthetic", "--data", str(tmp_path / "data"), "-o", found, "--min-score", "0"])
        == 0
    )
    assert (
        len(box_files.read_boxes(found))
        and cli.main(["detect", "evaluate", found, "--gt", str(tmp_path / "data/test.csv")]) == 0
    )
    assert "frame-mAP" in capsys.readouterr().out
    assert cli.main(use) == 1 and "either a VIDEO" in capsys.readouterr().err
    assert SimpleNamespace(**rows[0]).box[2] <= 32
