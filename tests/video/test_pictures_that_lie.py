"""A picture whose header claims more pixels than memory has is one unreadable file, for every command that reads it."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from keras_vid import cli, video
from keras_vid.utils.errors import VideoError


def claim(path, width, height):
    """A PNG whose header says width x height, with a few bytes of pixels."""

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    path.parent.mkdir(parents=True, exist_ok=True)
    content = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"0" * 64)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + content)
    return path


@pytest.mark.parametrize("side", [9000, 10000, 60000])
def test_it_is_refused_in_one_line(tmp_path, side):
    claim(tmp_path / "frames/0.png", side, side)
    with pytest.raises(VideoError, match=r"frames/0.png: not a readable image"):
        video.read(tmp_path / "frames")


def frames_of(folder, count=6):
    folder.mkdir(parents=True)
    for i in range(count):
        picture = np.random.default_rng(i).integers(0, 256, (48, 64, 3), "uint8")
        Image.fromarray(picture).save(folder / f"{i:03}.png")


def test_flow_makes_the_others_and_lists_it(tmp_path, capsys):
    pytest.importorskip("cv2")
    frames_of(tmp_path / "in/good")
    claim(tmp_path / "in/bad/000.png", 60000, 60000)
    claim(tmp_path / "in/bad/001.png", 60000, 60000)
    assert cli.main(["flow", str(tmp_path / "in"), "-o", str(tmp_path / "out"), "--size", "32", "-j", "1"]) == 0
    assert "1 left out" in capsys.readouterr().out
    assert "not a readable image" in (tmp_path / "out/skipped.csv").read_text()


def test_flow_with_nothing_readable_says_why(tmp_path, capsys):
    pytest.importorskip("cv2")
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.mp4").write_text("no video")
    assert cli.main(["flow", str(tmp_path / "in"), "-o", str(tmp_path / "new/out"), "-j", "1"]) == 1
    told = capsys.readouterr().err.strip().splitlines()
    assert len(told) == 1 and "no flow was made" in told[0] and "a.mp4" in told[0]
    assert (tmp_path / "new/out/skipped.csv").is_file()
