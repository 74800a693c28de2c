import contextlib
import functools
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("cv2")

from keras_vid.cli import main
from keras_vid.video import VideoError, read, sample, synthetic
from keras_vid.video.flow import to_bytes, to_pixels, tvl1, write_flow
from keras_vid.video.images import read_flow

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("synthetic")
    synthetic.write_dataset(folder, clips=2, frames=6, size=64, classes=synthetic.CLASSES[:2])
    return folder


def content(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(Path(folder).rglob("*")) if p.is_file()}


def test_storing_keeps_a_sixth_of_a_pixel():
    flow = np.linspace(-20, 20, 999)
    assert np.abs(to_pixels(to_bytes(flow)) - flow).max() <= 40 / 255 / 2 + 1e-5


def test_the_picture_moves_as_flow_says():
    """A smooth picture moved by two pixels to the right and one up."""
    y, x = np.mgrid[0:64, 0:64] / 6
    picture = (127 + 60 * np.sin(x) * np.cos(y) + 50 * np.sin(0.5 * x + 0.7 * y)).astype(np.uint8)
    frames = np.stack([picture, np.roll(picture, (-1, 2), (0, 1))])[..., None].repeat(3, -1)
    flow = tvl1(frames)
    assert flow.shape == (1, 64, 64, 2)
    np.testing.assert_allclose(np.median(flow[0, 8:-8, 8:-8], axis=(0, 1)), [2, -1], atol=0.2)


def test_a_folder_of_pairs_reads_as_a_two_channel_clip(videos, tmp_path):
    path = videos / "walking_right/walking_right_0000.mp4"
    assert write_flow(path, tmp_path, size=48) == 5
    clip = read_flow(tmp_path)
    assert clip.shape == (5, 48, 48, 2) and clip.dtype == np.uint8
    exact = tvl1(read(path, size=48))
    assert np.abs(to_pixels(clip) - exact).mean() < 0.25  # 8 bits and JPEG
    some = read_flow(tmp_path, functools.partial(sample.dense, frames=3), size=(24, 32))
    assert some.shape == (3, 24, 32, 2)
    with pytest.raises(VideoError, match="frame 5"):
        read_flow(tmp_path, [5])


def test_one_frame_has_no_flow(tmp_path):
    with pytest.raises(VideoError, match="two frames"):
        write_flow(np.zeros((1, 32, 32, 3), np.uint8), tmp_path)


def test_a_folder_holds_flow_of_one_kind(videos, tmp_path):
    path = videos / "walking_left/walking_left_0000.mp4"
    write_flow(path, tmp_path, size=32)
    before = {p: p.stat().st_mtime_ns for p in tmp_path.iterdir()}
    assert write_flow(path, tmp_path, size=32) == 5
    assert before == {p: p.stat().st_mtime_ns for p in tmp_path.iterdir()}
    with pytest.raises(VideoError, match="other options"):
        write_flow(path, tmp_path, size=48)


def kill_and_resume(args, kills, seed, longest):
    """Kill -9 the command and its processes at random moments, then let it finish."""
    rng = np.random.default_rng(seed)
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = [sys.executable, "-m", "keras_vid.cli", *args]
    for _ in range(kills):
        process = subprocess.Popen(run, env=env, start_new_session=True, stderr=-3, stdout=-3)
        time.sleep(rng.uniform(0.5, longest))
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()
    assert subprocess.run(run, env=env, capture_output=True).returncode == 0


@pytest.mark.slow
def test_killed_and_resumed_gives_the_same_bytes(videos, tmp_path):
    assert main(["flow", str(videos), "-o", str(tmp_path / "whole"), "--size", "64", "-j", "1"]) == 0
    kill_and_resume(["flow", str(videos), "-o", str(tmp_path / "cut"), "--size", "64", "-j", "2"], 3, 0, 2.5)
    left = {name: data for name, data in content(tmp_path / "cut").items() if not name.endswith(".part")}
    assert left == content(tmp_path / "whole") and len(left) == 4 * (2 * 5 + 1)


def of_group(number):
    """The processes of a process group, ended ones aside."""
    stats = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            stats.append(path.read_text().rpartition(")")[2].split())
    return [stat for stat in stats if int(stat[2]) == number and stat[0] != "Z"]


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_no_worker_outlives_the_command(number, videos, tmp_path):
    command = [sys.executable, "-m", "keras_vid.cli", "flow", str(videos), "-o", str(tmp_path / "flow"), "-j", "2"]
    options = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)}  # a job in the background ignores it
    process = subprocess.Popen(command, **options, stderr=subprocess.PIPE, start_new_session=True, text=True, cwd=ROOT)
    while not list(tmp_path.rglob("flow_*.jpg")):
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(number)
    said, until = process.communicate(timeout=60)[1], time.monotonic() + 10
    while of_group(process.pid) and time.monotonic() < until:
        time.sleep(0.05)
    assert not of_group(process.pid)
    if number != signal.SIGKILL:
        assert process.returncode == 128 + number
        assert said.strip().splitlines()[-1].endswith("what is done is kept, and the same command goes on with it")


def test_many_videos_and_one_bad(videos, tmp_path, capsys):
    (tmp_path / "in").mkdir()
    (tmp_path / "in/bad.mp4").write_bytes(b"nothing" * 50)
    good = videos / "walking_left/walking_left_0001.mp4"
    (tmp_path / "in/good.mp4").write_bytes(good.read_bytes())
    assert main(["flow", str(tmp_path / "in"), "-o", str(tmp_path / "out"), "--size", "32", "-j", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"videos": 1, "pairs": 5, "skipped": 1}
    assert "bad.mp4" in (tmp_path / "out/skipped.csv").read_text()
    assert main(["flow", str(tmp_path / "in/bad.mp4"), "-o", str(tmp_path / "out2"), "-j", "1"]) == 1


@pytest.mark.slow
@pytest.mark.parametrize("name", ["rubberwhale", "basketball"])
def test_agrees_with_opencv_4_10(data, name):
    """Flow of real pictures that another version made, of grey levels rounded otherwise: far nearer than the step of
    0.157 pixels in which flow is stored."""
    pair = [np.asarray(Image.open(data / f"flow/{name}{i}.png").convert("RGB")) for i in (1, 2)]
    there = np.load(data / "flow/tvl1_opencv4.10_default.npz")[name].astype(np.float32)
    error = np.linalg.norm(tvl1(np.stack(pair))[0] - there, axis=-1)
    print(f"{name}: mean {error.mean():.4f}, median {np.median(error):.4f} pixels")
    assert np.median(error) < 0.03 and error.mean() < 0.04 and np.mean(error < 0.157) > 0.98


@pytest.mark.slow
def test_looks_like_the_flow_that_i3d_was_trained_on(data):
    """CricketShot: DeepMind's flow GIF shows x in red and y in green, cut off and scaled as ours."""
    chosen = list(range(20, 26))
    frames = read(data / "i3d/v_CricketShot_g04_c01_rgb.gif", chosen)
    there = read(data / "i3d/v_CricketShot_g04_c01_flow.gif", chosen)[:-1, ..., :2].astype(float)
    ours = to_bytes(tvl1(frames)).astype(float)
    moving = np.abs(there - 127).max(-1) > 10
    for channel in (0, 1):
        value = np.corrcoef(ours[moving][:, channel], there[moving][:, channel])[0, 1]
        print(f"channel {channel}: {value:.3f}")
        assert value > 0.7
