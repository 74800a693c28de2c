"""Reading videos: frame-exact in every container, and one clear line for what cannot be read."""

import random
import subprocess
import sys
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image

from keras_vid import video
from keras_vid.video import decode, h264
from keras_vid.video.scale import resize

# The number of frames that decode; headers of sixteen of these say something else.
FRAMES = {
    "clips/R6llTwEh07w.mp4": 303,
    "clips/RATRACE_wave_f_nm_np1_fr_goo_37.avi": 72,
    "clips/SchoolRulesHowTheyHelpUs_wave_f_nm_np1_ba_med_0.avi": 74,
    "clips/TrumanShow_wave_f_nm_np1_fr_med_26.avi": 48,
    "clips/WUzgd7C1pWA.mp4": 327,
    "clips/corrupted.mp4": 28,
    "clips/flipping_a_pancake.mkv": 310,
    "clips/hmdb51_Turnk_r_Pippi_Michel_cartwheel_f_cm_np2_le_med_6.avi": 83,
    "clips/mmaction2_demo.mp4": 280,
    "clips/mmaction2_test.mp4": 300,
    "clips/person01_boxing_d1_uncomp.avi": 360,
    "clips/skateboarding.mp4": 300,
    "clips/v_ApplyEyeMakeup_g01_c01.avi": 164,
    "clips/v_BaseballPitch_g01_c01.avi": 107,
    "clips/v_SoccerJuggling_g23_c01.avi": 240,
    "clips/v_SoccerJuggling_g24_c01.avi": 251,
    "clips/video_0.mov": 3,
    "clips/video_90.mov": 3,
    "clips/video_180.mov": 3,
    "clips/video_270.mov": 3,
    "i3d/v_CricketShot_g04_c01_flow.gif": 79,
    "i3d/v_CricketShot_g04_c01_rgb.gif": 79,
    "ucf24/v_Basketball_g01_c02.mp4": 180,
    "ucf24/v_Basketball_g07_c04.mp4": 101,
    "ucf24/v_Biking_g01_c01.mp4": 151,
    "ucf24/v_CliffDiving_g03_c01.mp4": 92,
    "ucf24/v_HorseRiding_g01_c03.mp4": 98,
    "ucf24/v_IceDancing_g02_c05.mp4": 244,
    "ucf24/v_SkateBoarding_g02_c01.mp4": 369,
}


def moving(frames=30, height=48, width=64):
    """Frames that tell their number: (T, H, W, 3) with a bar that moves and a level that rises."""
    clip = np.zeros((frames, height, width, 3), np.uint8)
    for t in range(frames):
        clip[t] = 40 + 7 * t
        clip[t, :, (2 * t) % width : (2 * t) % width + 8] = (250, 250 - 8 * t, 20)
    return clip


def encode(path, frames, codec="libx264", pixels="yuv420p", times=None, options=None, metadata=None):
    with av.open(str(path), "w") as container:
        container.metadata.update(metadata or {})
        stream = container.add_stream(codec, rate=25, options=options or {})
        stream.height, stream.width, stream.pix_fmt = *frames.shape[1:3], pixels
        stream.bit_rate = 4_000_000
        base = Fraction(1, 1000) if times else Fraction(1, 25)
        stream.codec_context.time_base = base
        for t, picture in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(picture, "rgb24").reformat(format=pixels)
            frame.pts, frame.time_base = (times[t] if times else t), base
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def number_of(picture):
    """The frame number that `moving` wrote, seen through lossy coding."""
    return round((np.median(picture[:, :, 2]) - 40) / 7)


CODECS = {
    "h264.mp4": dict(options={"bf": "3", "g": "9", "x264-params": "b-pyramid=normal:ref=4"}),
    "strict_pyramid.mp4": dict(
        options={"bf": "3", "g": "9", "x264-params": "b-pyramid=strict:ref=4:b-adapt=0:scenecut=0"}
    ),
    "open_gop.mkv": dict(options={"bf": "3", "g": "9", "x264-params": "open-gop=1"}),
    "slices.mp4": dict(options={"x264-params": "slices=3:keyint=12"}),
    "interlaced.mp4": dict(options={"x264-params": "tff=1:keyint=12"}),
    "high10.mov": dict(pixels="yuv422p10le", options={"bf": "2"}),
    "full444.mkv": dict(pixels="yuv444p"),
    "gray.mp4": dict(pixels="gray"),
    "mpeg4.avi": dict(codec="mpeg4", options={"bf": "2"}),
    "mpeg2.ts": dict(codec="mpeg2video"),
    "hevc.mp4": dict(codec="libx265", options={"x265-params": "log-level=none"}),
    "vp9.webm": dict(codec="libvpx-vp9", options={"deadline": "realtime"}),
    "mjpeg.avi": dict(codec="mjpeg", pixels="yuvj420p"),
    "lossless.avi": dict(codec="ffv1", pixels="bgr0"),
    "raw.avi": dict(codec="rawvideo", pixels="yuv420p"),
}


@pytest.mark.parametrize("name", CODECS)
def test_any_list_of_frames_is_exact(tmp_path, name):
    path = encode(tmp_path / name, moving(), **CODECS[name])
    full = video.read(path)
    assert [number_of(picture) if name != "gray.mp4" else i for i, picture in enumerate(full)] == list(range(30))
    assert video.count_frames(path) == 30
    for seed in range(6):
        rng = random.Random(seed)
        indices = [rng.randrange(30) for _ in range(rng.choice([1, 3, 12]))]
        threads = rng.choice([None, 1, 2, 5])
        np.testing.assert_array_equal(
            video.read(path, indices, threads=threads), full[indices], str((indices, threads))
        )


def test_only_needed_packets_are_decoded(tmp_path):
    path = encode(tmp_path / "a.mp4", moving(), options={"bf": "3", "g": "10", "x264-params": "b-pyramid=none"})
    container, stream = decode.open_video(path)
    with container:
        packets = [packet for packet in decode.packets_of(container, stream) if packet.size]
        table = h264.packet_table(container, stream, packets)
    assert sorted(packet.rank for packet in table) == list(range(30))
    assert len(h264.packets_to_decode(table, {25})) < 9  # one run of ten, and of it the pictures others look at
    assert len(h264.packets_to_decode(table, set(range(30)))) == 30


@pytest.mark.parametrize("name", ["h264.mp4", "strict_pyramid.mp4", "open_gop.mkv"])
def test_a_file_too_large_to_hold_is_sought_in(tmp_path, monkeypatch, name):
    """Every list of frames is as exact as from a small file, and what lies before is not decoded."""
    path = encode(tmp_path / name, moving(), **CODECS[name])
    full = video.read(path)
    monkeypatch.setattr(h264, "HELD_BYTES", 0)
    assert video.frame_times(path) == pytest.approx([i / 25 for i in range(30)])
    decoded = []
    monkeypatch.setattr(h264, "decode", lambda *args: decoded.append(args) or decode.decode(*args))
    for seed in range(6):
        indices = [random.Random(seed).randrange(30) for _ in range(1 + 2 * seed)]
        np.testing.assert_array_equal(video.read(path, indices), full[indices], str(indices))
    decoded.clear()
    video.read(path, [28])
    assert len(decoded) <= (31 if "open" in name else 10)  # where only the first picture is an IDR, all lies before


@pytest.mark.parametrize(("ref_idc", "reference"), [(0, False), (1, True), (2, True), (3, True)])
def test_a_picture_is_left_out_only_where_no_other_looks_at_it(ref_idc, reference):
    packet = bytes([0, 0, 0, 3, ref_idc << 5 | h264.SLICE, 0x9A, 0x02])
    assert h264.picture_kind(packet, 4) == (False, reference)


def test_pictures_of_a_strict_pyramid_look_at_each_other(tmp_path):
    """x264 marks the middle of such a pyramid with nal_ref_idc 1: it counts as looked at."""
    path = encode(tmp_path / "a.mp4", moving(), **CODECS["strict_pyramid.mp4"])
    container, stream = decode.open_video(path)
    with container:
        packets = [bytes(packet) for packet in decode.packets_of(container, stream) if packet.size]
    kinds = {packet[4] >> 5 & 3 for packet in packets if packet[4] & 31 == h264.SLICE}
    assert {0, 1} <= kinds


def test_sources(tmp_path):
    path = video.write(tmp_path / "a.mp4", moving(8))
    full = video.read(path)
    np.testing.assert_array_equal(video.read(path.read_bytes()), full)
    with open(path, "rb") as file:
        np.testing.assert_array_equal(video.read(file, [7, 0]), full[[7, 0]])
        np.testing.assert_array_equal(video.read(file), full)
    np.testing.assert_array_equal(video.read(full, [1, 1]), full[[1, 1]])
    assert video.probe(full)["frames"] == 8
    np.testing.assert_array_equal(video.read(path, lambda count: [count - 1]), full[[7]])
    np.testing.assert_array_equal(video.read(full, lambda count: [count - 1]), full[[7]])
    odd = tmp_path / "a:b %03d.mp4"
    odd.write_bytes(path.read_bytes())
    np.testing.assert_array_equal(video.read(odd), full)


@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_image_folders(tmp_path, suffix):
    frames = moving(12)
    for t, picture in enumerate(frames, start=1):  # frame 10 comes after frame 9 also without leading zeros
        Image.fromarray(picture).save(tmp_path / f"img_{t}.{suffix}")
    (tmp_path / "notes.txt").write_text("no frame")
    whole = video.read(tmp_path)
    assert [number_of(picture) for picture in whole] == list(range(12))
    assert abs(whole.astype(int) - frames).mean() < 5 < abs(whole[..., ::-1].astype(int) - frames).mean()  # its colours
    assert [number_of(picture) for picture in video.read(tmp_path, [11, 0, 11], size=24)] == [11, 0, 11]
    assert video.count_frames(tmp_path) == 12
    assert video.probe(tmp_path)["width"] == 64
    (tmp_path / f"img_3.{suffix}").write_bytes(b"broken")
    with pytest.raises(video.VideoError, match=f"img_3.{suffix}: not a readable image"):
        video.read(tmp_path)


def test_size():
    clip = moving(2, 48, 64)
    assert video.read(clip, size=24).shape == (2, 24, 32, 3)
    assert video.read(clip, size=96).shape == (2, 96, 128, 3)
    assert video.read(clip, size=(20, 30)).shape == (2, 20, 30, 3)
    checker = np.zeros((64, 64, 3), np.uint8)
    checker[::2, ::2] = checker[1::2, 1::2] = 255  # shrinking averages instead of picking: no aliasing
    assert abs(resize(checker, 16).astype(int) - 127).max() <= 3


def test_variable_frame_rate(tmp_path):
    times = [0, 40, 80, 500, 540, 2000]
    path = encode(tmp_path / "vfr.mkv", moving(6), times=times)
    assert video.probe(path)["times"] == pytest.approx([t / 1000 for t in times])
    assert [number_of(picture) for picture in video.read(path, [5, 3])] == [5, 3]


def test_changing_size_is_said(tmp_path):
    path = tmp_path / "both.mjpeg"
    with open(path, "wb") as file:
        for picture in [*moving(3, 48, 64), *moving(3, 64, 64)]:
            Image.fromarray(picture).save(file, format="JPEG")
    with pytest.raises(video.VideoError, match=r"both.mjpeg: the picture size changes at frame 3: give size="):
        video.read(path)
    assert video.read(path, size=(32, 32)).shape == (6, 32, 32, 3)


def test_each_unreadable_file_is_one_clear_line(tmp_path):
    audio = tmp_path / "audio.mp4"
    with av.open(str(audio), "w") as container:
        stream = container.add_stream("aac", rate=16000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 16000), np.float32), "fltp", "mono")
        frame.sample_rate = 16000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    whole = video.write(tmp_path / "whole.mp4", moving(20)).read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) // 2])  # the index of an MP4 is at its end
    (tmp_path / "empty.mp4").write_bytes(b"")
    (tmp_path / "text.mp4").write_text("not a video\n" * 100)
    (tmp_path / "notes.txt").write_text("FFmpeg would draw this text\n" * 100)
    (tmp_path / "folder").mkdir()
    expected = {
        "audio.mp4": "no video",
        "cut.mp4": "not a readable video",
        "empty.mp4": "the file is empty",
        "text.mp4": "not a readable video",
        "notes.txt": "no video|not a readable video",
        "missing.mp4": "no such file",
        "folder": "no JPEG or PNG",
    }
    for name, reason in expected.items():
        for action in (video.read, video.count_frames, video.probe):
            with pytest.raises(video.VideoError, match=f"{name}: ({reason})") as error:
                action(tmp_path / name)
            assert "\n" not in str(error.value)


def test_bad_requests_say_what_is_there():
    clip = moving(4)
    for indices in ([4], [-1], [], [0, 99]):
        with pytest.raises(video.VideoError):
            video.read(clip, indices)
    with pytest.raises(video.VideoError, match="frame 9 asked for, but 4 decode"):
        video.read(clip, [9])
    with pytest.raises(video.VideoError, match="uint8"):
        video.read(clip.astype("float32"))


@pytest.mark.parametrize("name", ["cut.mkv", "cut.avi", "cut.ts", "cut.gif"])
def test_a_cut_tail_costs_the_tail_only(tmp_path, name):
    whole = tmp_path / name.replace("cut", "whole")
    if name.endswith("gif"):
        video.write(whole, moving())
    else:
        encode(whole, moving(), codec="mpeg4" if name.endswith("avi") else "libx264", options={"bf": "2", "g": "10"})
    clean = video.read(whole)
    data = whole.read_bytes()
    path = tmp_path / name
    for part in (0.65, 0.73, 0.81, 0.9):
        path.write_bytes(data[: int(len(data) * part)])
        kept = video.read(path)
        assert 0 < len(kept) < 30
        np.testing.assert_array_equal(kept, clean[: len(kept)])  # never a picture repaired by guessing
        assert video.count_frames(path) == len(kept)
        np.testing.assert_array_equal(video.read(path, [len(kept) - 1, 0]), clean[[len(kept) - 1, 0]])
        np.testing.assert_array_equal(video.read(path, lambda count: [count // 2]), clean[[len(kept) // 2]])
        with pytest.raises(video.VideoError, match=f"frame 29 asked for, but {len(kept)} decode"):
            video.read(path, [0, 29])


def test_video_imports_no_framework():
    code = "import sys, keras_vid.video; sys.exit(any(m in sys.modules for m in ('keras', 'tensorflow', 'torch')))"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("name", FRAMES)
def test_real_files_have_the_right_number_of_frames(data, name):
    path = data / name
    count = FRAMES[name]
    full = video.read(path, size=32)
    assert len(full) == count == video.count_frames(path)
    indices = random.Random(name).choices(range(count), k=8)
    np.testing.assert_array_equal(video.read(path, indices, size=32), full[indices])
    with pytest.raises(video.VideoError, match=f"frame {count} asked for, but"):
        video.read(path, [count])


def test_rotated_phones(data):
    """video_90.mov and the others were filmed with the phone held four ways; upright, the keys can be read."""
    shapes = {turn: video.read(data / f"clips/video_{turn}.mov").shape[1:3] for turn in (0, 90, 180, 270)}
    assert shapes == {0: (320, 568), 90: (568, 320), 180: (320, 568), 270: (568, 320)}
    for turn, k in ((90, -1), (180, 2), (270, 1)):  # each as FFmpeg's own rotation would show it
        path = data / f"clips/video_{turn}.mov"
        with av.open(str(path)) as container:
            stored = next(container.decode(video=0)).to_ndarray(format="rgb24")
        shown = video.read(path, [0])[0]
        assert abs(shown.astype(int) - np.rot90(stored, k)).mean() < 2


def test_damaged_file_gives_the_frames_before_the_damage(data):
    path = data / "clips/corrupted.mp4"  # the header says 50
    assert video.probe(path)["frames"] == 28
    assert video.read(path, [27, 3], size=32).shape == (2, 32, 57, 3)
    with pytest.raises(video.VideoError, match="corrupted.mp4: frame 40 asked for, but 28 decode"):
        video.read(path, [3, 40])


def test_metadata_that_is_not_utf8(data):
    paths = sorted((data / "clips").glob("hmdb51_*.avi"))
    with pytest.raises(UnicodeDecodeError):
        av.open(str(paths[0]))
    assert video.read(paths[0], [82], size=32).shape[0] == 1


def test_gif_palette_colours(data):
    path = data / "i3d/v_CricketShot_g04_c01_rgb.gif"
    with Image.open(path) as image:
        image.seek(40)
        expected = np.asarray(image.convert("RGB"))
    np.testing.assert_array_equal(video.read(path, [40])[0], expected)
