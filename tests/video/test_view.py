"""What a network is shown is found without decoding what it is not shown, and comes out the same."""

from pathlib import Path

import av
import numpy as np
import pytest
from test_decode import CODECS, encode, moving, number_of

from keras_vid import video
from keras_vid import view as views
from keras_vid.video import decode, h264
from keras_vid.view import ClipView

VIEWS = {
    "the middle": ClipView(frames=8, height=28, width=28),
    "at a rate": ClipView(frames=8, height=28, width=28, fps=10),
    "every third": ClipView(frames=8, height=28, width=28, stride=3),
    "segments": ClipView(frames=5, height=28, width=28, group=1),
    "all": ClipView(height=28, width=28),
}


@pytest.mark.parametrize("shown", VIEWS)
@pytest.mark.parametrize("name", CODECS)
def test_a_table_of_packets_shows_what_decoding_shows(name, shown, tmp_path, monkeypatch):
    path, view = str(encode(tmp_path / name, moving(), **CODECS[name])), VIEWS[shown]
    clip, note = view.read_with_note(path)
    monkeypatch.setattr(views, "table_times", lambda source: None)
    decoded, other_note = view.read_with_note(path)
    np.testing.assert_array_equal(clip, decoded)
    assert note is None and other_note is None


def long_video(path):
    """Thirty frames, every fifth of which needs no other."""
    return str(encode(path, moving(), options={"g": "5", "keyint_min": "5", "bf": "0"}))


def test_what_is_not_shown_is_not_decoded(tmp_path, monkeypatch):
    path, decoded = long_video(tmp_path / "a.mp4"), []
    monkeypatch.setattr(h264, "decode", lambda *args: decoded.append(args) or decode.decode(*args))
    for view in (ClipView(frames=4, height=28, width=28), ClipView(frames=4, height=28, width=28, fps=25)):
        decoded.clear()
        with monkeypatch.context() as patch:
            patch.setattr(decode, "in_order", lambda *args, **kwargs: pytest.fail("decoded from the first frame on"))
            view.read(path)
        assert 4 <= len(decoded) <= 10  # frames 13 to 16 lie in two runs of five; one packet ends the decoder


def damaged(path, number):
    """The same file with rubbish in the picture of frame `number`."""
    with av.open(path) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    packet = sorted(packets, key=lambda packet: packet.pts)[number]
    data = bytearray(Path(path).read_bytes())
    data[packet.pos + 8 : packet.pos + packet.size] = bytes([255]) * (packet.size - 8)
    other = path.replace(".mp4", f"_{number}.mp4")
    Path(other).write_bytes(data)
    return other


def test_damage_is_told_where_it_is_met(tmp_path):
    path, view = long_video(tmp_path / "a.mp4"), ClipView(frames=4, height=28, width=28)
    whole = view.read(path)
    assert [number_of(picture) for picture in whole] == [13, 14, 15, 16]
    clip, note = view.read_with_note(damaged(path, 27))  # behind what is shown
    np.testing.assert_array_equal(clip, whole)
    assert note is None
    clip, note = view.read_with_note(damaged(path, 14))
    assert note == "damaged: only the first 14 of 30 frames decode"
    assert [number_of(picture) for picture in clip] == [5, 6, 7, 8]
    with pytest.raises(video.VideoError, match="has 3 frames .damaged: only the first 3 of 30 frames decode.*too few"):
        view.read_with_note(damaged(damaged(path, 14), 3))
