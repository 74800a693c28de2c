"""Optical flow as a modality, and frame rates: through the command line, and by hand."""

import csv
import json
import os
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import tensorflow as tf
from keras_vid.training.data.augment import flip
from keras_vid.training.data.datasets import Item
from keras_vid.training.data.pipeline import read_item
from keras_vid.training.data.records import dense, records
from keras_vid.training.data.views import look
from keras_vid.training.data.views import test_indices as indices_of_test
from keras_vid.training.recipes import recipe as recipe_of
from PIL import Image

from keras_vid.cli import main
from keras_vid.video import VideoError, read, sample, synthetic, write
from keras_vid.video.images import read_flow
from keras_vid.video.reading import frame_rate
from keras_vid.view import ClipView
from keras_vid.weights.table import WEIGHTS

SMALL = "--size 32 --short 36 --frames 4 --epochs 1 -b 2 --warmup 0 --weights none --no-test -j 2".split()


def store_flow(folder, fields, seed=0, shape=(40, 48)):
    """Stored flow of noise, in PNG so that every value is known: (T, H, W, 2)."""
    folder.mkdir(parents=True)
    values = np.random.default_rng(seed).integers(0, 256, (fields, *shape, 2), "uint8")
    for i, pair in enumerate(values, 1):
        for channel, axis in enumerate("xy"):
            Image.fromarray(pair[..., channel]).save(folder / f"flow_{axis}_{i:05d}.png")
    return values


def test_stacks_are_neighbouring_fields_x_before_y(tmp_path):
    values = store_flow(tmp_path / "a", 7)
    assert np.array_equal(read_flow(tmp_path / "a"), values)
    stacks = read(tmp_path / "a", channels=10)
    assert stacks.shape == (3, 40, 48, 10)
    for frame in range(3):
        for field in range(5):
            assert np.array_equal(stacks[frame, ..., 2 * field : 2 * field + 2], values[frame + field])
    few = store_flow(tmp_path / "b", 3)
    assert np.array_equal(read(tmp_path / "b", channels=10)[0, ..., 4:], np.concatenate([few[2]] * 3, axis=-1))


def test_a_mirrored_stack_is_the_flow_of_the_mirrored_video():
    """Pixels from left to right, x to the right: in a mirror they come the other way round, and x is 255 - x."""
    clip = np.array([[[[10, 20, 30, 40], [50, 60, 70, 80]]]], np.uint8)
    mirrored = np.array([[[[205, 60, 185, 80], [245, 20, 225, 40]]]], np.uint8)
    seen = {flip(tf.constant(clip), 0, [seed, 0], flow=True)[0].numpy().tobytes() for seed in range(20)}
    assert seen == {clip.tobytes(), mirrored.tobytes()}


def test_the_view_of_a_flow_network_reads_flow(tmp_path):
    values = store_flow(tmp_path / "a", 9, shape=(32, 32))
    view = ClipView(frames=4, height=28, width=28, channels=2, group=1)
    clip = view.read(tmp_path / "a")
    assert np.array_equal(clip, values[[1, 3, 5, 7], 2:30, 2:30])
    assert np.array_equal(view.read(values), clip)
    with pytest.raises(VideoError, match="keras-vid flow makes one"):
        view.read(write(tmp_path / "a.mp4", np.zeros((4, 32, 32, 3), "uint8"), 10))
    with pytest.raises(VideoError, match="optical flow"):
        ClipView(frames=4, height=28, width=28, group=1).read(tmp_path / "a")


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """RGB videos, and flow folders of the same names."""
    root = tmp_path_factory.mktemp("both")
    synthetic.write_dataset(root / "rgb", clips=6, frames=12, size=40, classes=synthetic.CLASSES[:2])
    for number, video in enumerate(sorted((root / "rgb").glob("*/*.mp4"))):
        store_flow(root / "flow" / video.parent.name / video.stem, 11, number)
    return root


@pytest.fixture(scope="module")
def streams(both, tmp_path_factory):
    """A run of each stream."""
    runs = tmp_path_factory.mktemp("runs")
    assert main(["train", "tsm_resnet14", "--data", str(both / "rgb"), "-o", str(runs / "rgb"), *SMALL]) == 0
    flow = ["--modality", "flow", "--data", str(both / "flow"), "-o", str(runs / "flow")]
    assert main(["train", "tsm_resnet14", *flow, *SMALL]) == 0
    return runs


def test_two_streams_are_trained_and_fused(streams, both, tmp_path, capsys):
    view = json.loads((streams / "flow/view.json").read_text())
    assert view["channels"] == 10
    for name in ("rgb", "flow"):
        assert main(["evaluate", str(streams / name), "--split", "validation"]) == 0
        (streams / name / "predictions_validation.npz").rename(streams / name / "predictions.npz")
    capsys.readouterr()
    pair = [str(streams / "rgb"), str(streams / "flow")]
    assert main(["evaluate", "--fuse", *pair, "--weights", "1,1.5", "-o", str(tmp_path), "--json"]) == 0
    numbers = json.loads(capsys.readouterr().out)
    tables = [np.load(streams / name / "predictions.npz") for name in ("rgb", "flow")]
    assert numbers["clips"] == len(tables[0]["scores"]) > 0 and numbers["unmatched"] == 0
    names = [[path.split("/")[-1].split(".")[0] for path in table["paths"]] for table in tables]
    rows = [tables[1]["scores"][names[1].index(name)] for name in names[0]]
    expected = (tables[0]["scores"] + 1.5 * np.stack(rows)) / 2.5
    np.testing.assert_allclose(np.load(tmp_path / "predictions.npz")["scores"], expected, atol=1e-6)
    with open(tmp_path / "predictions.csv") as file:
        assert len(list(csv.reader(file))) == 1 + numbers["clips"]


@pytest.mark.slow
def test_two_streams_of_real_clips(tmp_path, capsys):
    """The beginnings of files of UCF101: flow extracted, both streams trained for two steps, fused."""
    videos = sorted((Path(os.environ.get("KERAS_VID_DATA", "none")) / "clips").glob("v_*_g*_c*.avi"))
    if not videos:
        pytest.skip("KERAS_VID_DATA names no folder of real data")
    rgb, flow = tmp_path / "rgb", tmp_path / "flow"
    for video in videos:
        (rgb / video.stem.split("_")[1]).mkdir(parents=True, exist_ok=True)
        write(rgb / video.stem.split("_")[1] / f"{video.stem}.mp4", read(video, range(16), 64), 25)
    assert main(["flow", str(rgb), "-o", str(flow), "--size", "36", "-j", "1"]) == 0
    for data, more in ((rgb, []), (flow, ["--modality", "flow"])):
        run = str(tmp_path / f"run_{data.name}")
        train = ["train", "tsm_resnet14", "--data", str(data), "-o", run, *SMALL, "--no-validation", *more]
        assert main(train) == 0
        assert main(["evaluate", run, "--test-data", str(data)]) == 0
    fused = ["evaluate", "--fuse", str(tmp_path / "run_rgb"), str(tmp_path / "run_flow"), "-o", str(tmp_path / "fused")]
    capsys.readouterr()
    assert main([*fused, "--json"]) == 0
    numbers = json.loads(capsys.readouterr().out)
    assert (numbers["clips"], numbers["unmatched"]) == (len(videos), 0)
    with open(tmp_path / "fused/predictions.csv") as file:
        assert len(list(csv.reader(file))) == 1 + len(videos)


def test_a_flow_network_is_asked_with_its_folders(streams, both, capsys):
    folder, video = both / "flow/walking_left/walking_left_0000", both / "rgb/walking_left/walking_left_0000.mp4"
    assert main(["predict", str(folder), "--model", str(streams / "flow"), "--modality", "flow"]) == 0
    assert "walking" in capsys.readouterr().out
    for source, model in ((video, "flow"), (folder, "rgb")):
        assert main(["predict", str(source), "--model", str(streams / model)]) == 1
        told = capsys.readouterr().err.strip().splitlines()[-1]
        assert "optical flow" in told and str(source) in told
    assert main(["predict", str(video), "--model", str(streams / "rgb"), "--modality", "flow"]) == 2
    assert "RGB frames" in capsys.readouterr().err


def levelled_flow(folder, fields):
    """Stored flow whose field i is 10 i in x and 10 i + 5 in y, which JPEG keeps."""
    folder.mkdir(parents=True)
    for i in range(fields):
        for level, axis in ((10 * i, "x"), (10 * i + 5, "y")):
            Image.fromarray(np.full((40, 48), level, np.uint8)).save(folder / f"flow_{axis}_{i + 1:05d}.png")


def test_prepared_flow_is_the_flow_of_its_folders(tmp_path):
    levelled_flow(tmp_path / "in/a/long", 9)
    levelled_flow(tmp_path / "in/b/short", 3)
    command = ["prepare", "folder", str(tmp_path / "in"), "-o", str(tmp_path / "out"), "-j", "1", "--modality", "flow"]
    assert main([*command, "--size", "32"]) == 0
    for channels in (2, 10):
        how = {"training": False, "channels": channels}
        choose, as_it_is = lambda count, seed: dense(count, 4, 1, seed), lambda clip, label, seed: (clip, label)
        data = records(str(tmp_path / "out"), choose, as_it_is, 1, **how)
        seen = {int(label[0]): clip[0].numpy().astype(int) for clip, label in data}
        for label, name in enumerate(("a/long", "b/short")):
            expected = read(tmp_path / "in" / name, lambda count: sample.dense(count, 4), 32, channels=channels)
            assert seen[label].shape == expected.shape == (4, 32, 38, channels)
            assert np.abs(seen[label] - expected).max() <= 1
    for flags in (["--fps", "10"], ["--stride", "2"], ["--form", "clips"]):
        assert main([*command[:4], str(tmp_path / "other"), *command[5:], *flags]) == 1


def test_a_network_is_trained_on_prepared_flow(both, tmp_path, capsys):
    for name, flags in (("flow", ["--modality", "flow"]), ("rgb", [])):
        prepare = ["prepare", "folder", str(both / name), "-o", str(tmp_path / name), "-j", "1", "--size", "36"]
        assert main([*prepare, *flags]) == 0
    train = ["train", "tsm_resnet14", "--modality", "flow", "-o", str(tmp_path / "run"), *SMALL]
    assert main([*train, "--data", str(tmp_path / "flow"), "--val-data", str(both / "flow")]) == 0
    assert json.loads((tmp_path / "run/view.json").read_text())["channels"] == 10
    capsys.readouterr()
    assert main([*train[:2], "-o", str(tmp_path / "no"), *SMALL, "--data", str(tmp_path / "flow")]) == 1
    assert "holds optical flow, not RGB frames: --modality flow reads it" in capsys.readouterr().err
    assert main([*train[:4], "-o", str(tmp_path / "no"), *SMALL, "--data", str(tmp_path / "rgb")]) == 1
    assert "holds RGB frames, not optical flow" in capsys.readouterr().err
    assert main(["prepare", "folder", str(both / "rgb"), "-o", str(tmp_path / "no"), "--modality", "flow"]) == 1
    assert "is not a folder of optical flow" in capsys.readouterr().err


def test_the_wrong_kind_of_data_is_one_line(both, tmp_path, capsys):
    for data, more in ((both / "flow", []), (both / "rgb", ["--modality", "flow"])):
        output = tmp_path / data.name
        assert main(["train", "tsm_resnet14", "--data", str(data), "-o", str(output), *SMALL, *more]) == 1
        error = capsys.readouterr().err.strip().splitlines()[-1]
        assert "optical flow" in error and "Traceback" not in error
    assert main(["prepare", "folder", str(both / "flow"), "-o", str(tmp_path / "p")]) == 1
    assert "optical flow" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        main(["train", "tsm_resnet14", "--modality", "sound", "--data", str(both / "rgb")])
    assert "invalid choice: 'sound'" in capsys.readouterr().err


def numbered(path, count, fps):
    """A video whose frame i is grey of level 4 i."""
    frames = np.repeat(4 * np.arange(count, dtype=np.uint8), 32 * 32 * 3).reshape(count, 32, 32, 3)
    return write(path, frames, fps)


def levels(clip):
    return np.round(np.asarray(clip, float).mean(axis=(1, 2, 3)) / 4).astype(int).tolist()


def test_thirty_frames_a_second_at_fifteen_and_a_stride(tmp_path):
    item = Item(str(numbered(tmp_path / "a.mp4", 60, 30)), 0)
    assert levels(read_item(item, None, None, ClipView(fps=15))) == list(range(0, 60, 2))
    assert levels(read_item(item, None, None, ClipView(fps=15, stride=2))) == list(range(0, 60, 4))
    assert levels(read_item(item, None, None, ClipView(stride=7))) == list(range(0, 60, 7))
    part = item._replace(start=1.0, end=1.5)
    assert levels(read_item(part, None, None, ClipView(fps=10))) == [30, 33, 36, 39, 42]


def variable(path, times):
    """A video whose frame i is grey of level 4 i and is shown from `times[i]` milliseconds on."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=1000)
        stream.width = stream.height = 32
        stream.pix_fmt, stream.time_base, stream.codec_context.time_base = "yuv420p", *[Fraction(1, 1000)] * 2
        for i, time in enumerate(times):
            frame = av.VideoFrame.from_ndarray(np.full((32, 32, 3), 4 * i, np.uint8), "rgb24")
            frame.pts, frame.time_base = time, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def test_a_run_at_a_rate_is_tested_and_asked_at_it(both, tmp_path, capsys):
    run = tmp_path / "run"
    rate = ["--fps", "10", "--stride", "2"]
    assert main(["train", "tsm_resnet14", "--data", str(both / "rgb"), "-o", str(run), *SMALL, *rate]) == 0
    view = ClipView.load(run)
    assert (view.fps, view.stride) == (10, 2)
    times = [0, 30, 100, 110, 120, 450, 480, 990]
    video = variable(tmp_path / "vfr.mkv", times)
    # ticks 0, 200, 400, ... ms; on screen then
    expected = [max(i for i, time in enumerate(times) if time <= tick) for tick in range(0, 990, 200)]
    assert expected == [0, 4, 4, 6, 6]
    recipe = recipe_of("tsm_resnet14", fps=10, stride=2)
    assert levels(read_item(Item(str(video), 0), None, None, look(recipe))) == expected
    assert levels(view.read(video)) == [expected[i] for i in view.indices(5)]
    capsys.readouterr()
    assert main(["evaluate", str(run), "--split", "validation", "--json"]) == 0
    assert "at 10 frames a second, every frame of 2" in json.loads(capsys.readouterr().out)["protocol"]
    assert main(["evaluate", str(run), "--split", "validation", "--json", "--fps", "5", "--stride", "1"]) == 0
    assert "at 5 frames a second" in json.loads(capsys.readouterr().out)["protocol"]


def test_ten_seconds_of_kinetics_at_25_are_all_of_it(tmp_path):
    video = numbered(tmp_path / "a.mp4", 60, 30)  # two seconds stand for ten
    recipe = recipe_of("i3d/kinetics400", test_frames=50)
    seen = levels(read_item(Item(str(video), 0), indices_of_test(recipe), None, look(recipe)))
    assert seen == [int(tick * 30 / 25 + 1e-6) for tick in range(50)] and seen[-1] == 58
    assert [recipe_of(name).fps for name in ("s3dg/kinetics600", "i3d", "s3d", "tsm_resnet50")] == [25, 25, 15, None]
    assert [WEIGHTS[key].view["fps"] for key in (("i3d", "kinetics400"), ("s3d", "kinetics400"))] == [25, 15]


def test_prepared_at_a_rate(tmp_path):
    for name in "ab":
        (tmp_path / "in" / name).mkdir(parents=True)
        numbered(tmp_path / "in" / name / f"{name}.mp4", 60, 30)
    prepared = ["prepare", "folder", str(tmp_path / "in"), "-j", "1", "--size", "32", "--shards", "1"]
    assert main([*prepared, "-o", str(tmp_path / "out"), "--fps", "10", "--stride", "2"]) == 0
    assert json.loads((tmp_path / "out/manifest.json").read_text())["frames"] == 2 * 10
    assert main([*prepared, "-o", str(tmp_path / "mp4"), "--fps", "10", "--form", "clips"]) == 0
    (clip, *_) = (tmp_path / "mp4").rglob("*.mp4")
    np.testing.assert_allclose(levels(read(clip)), range(0, 60, 3), atol=1)  # encoded again
    assert frame_rate(clip) == 10


def test_bench_reads_flow(both, capsys):
    sizes = "--frames 4 --size 32 --steps 1 -b 2 -j 1 --json".split()
    assert main(["bench", "input", "folder", str(both / "flow"), "--modality", "flow", *sizes]) == 0
    assert json.loads(capsys.readouterr().out)["input_clips_per_second"] > 0
