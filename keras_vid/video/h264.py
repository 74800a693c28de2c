"""Frames of an H.264 file, from the packets that they take and no others.

H.264 says in each packet whether any other picture looks at it (nal_ref_idc). A picture that nobody looks at and
nobody asked for never reaches the decoder, nor does a run between two IDR pictures that holds nothing asked for:
what is decoded comes out bit for bit the same. This is exact only where the container gives every picture its own
time, so it is done for MP4/MOV and Matroska/WebM, and only when every packet is what it should be; everything else
is decoded in order.
"""

from typing import NamedTuple

import av

from keras_vid.utils.files import once_a_file
from keras_vid.video.decode import Damage, decode, name_of, open_video, packets_of
from keras_vid.video.images import wanted
from keras_vid.video.scale import Pictures

CONTAINERS = {"mov", "mp4", "matroska", "webm"}
SLICE, IDR = 1, 5
HELD_BYTES = 1 << 28  # packets of a smaller file are held in memory to choose among them; a larger one is sought in


class Packet(NamedTuple):
    """What the plan needs of one packet; `rank` is the number of its frame in showing order."""

    pts: int
    idr: bool
    reference: bool
    rank: int


def table_possible(container, stream):
    """Whether this kind of file can have a packet table at all, before reading its packets."""
    return stream.codec_context.name == "h264" and bool(CONTAINERS & set(container.format.name.split(",")))


def packet_table(container, stream, packets):
    """The table of the packets in file order, or None where skipping is not proven exact.

    `packets` yields all packets of the stream; none is held, and the empty one that PyAV ends with is left out.
    """
    extradata = stream.codec_context.extradata
    if not table_possible(container, stream) or not extradata or len(extradata) < 7 or extradata[0] != 1:
        return None
    length_size = (extradata[4] & 3) + 1
    times, kinds = [], []
    for packet in packets:
        if not packet.size:
            continue
        kind = picture_kind(bytes(packet), length_size)
        if kind is None or packet.pts is None or packet.is_discard or packet.is_corrupt:
            return None
        times.append(packet.pts)
        kinds.append(kind)
    if not kinds or not kinds[0][0] or len(set(times)) < len(times):
        return None
    ranks = {pts: rank for rank, pts in enumerate(sorted(times))}
    return [Packet(pts, *kind, ranks[pts]) for pts, kind in zip(times, kinds, strict=True)]


def picture_kind(data, length_size):
    """(is IDR, is a reference) of a packet that holds exactly one whole picture, else None.

    >>> picture_kind(bytes([0, 0, 0, 3, 0x65, 0x88, 0x84]), 4)
    (True, True)
    >>> picture_kind(bytes([0, 0, 0, 3, 0x01, 0x9A, 0x02]), 4)
    (False, False)
    >>> picture_kind(bytes([0, 0, 0, 9, 0x65, 0x88, 0x84]), 4) is None  # the length points past the end
    True
    """
    position, kinds, starts = 0, set(), 0
    while position < len(data):
        length = int.from_bytes(data[position : position + length_size], "big")
        position += length_size
        if not length or position + length > len(data):
            return None
        header = data[position]
        kind = header & 31
        if header & 128 or 2 <= kind <= 4:  # the forbidden bit; data partitions
            return None
        if kind in (SLICE, IDR):
            kinds.add((kind == IDR, bool(header & 0x60)))
            starts += length > 1 and data[position + 1] >= 128  # first_mb_in_slice is 0
        position += length
    return kinds.pop() if len(kinds) == 1 and starts == 1 else None


def packets_to_decode(table, needed):
    """File positions of the packets that the frames `needed` (a set of frame numbers) take.

    >>> gop = [(True, True, 0), (False, True, 3), (False, False, 1), (False, False, 2)]  # I P b b
    >>> table = [Packet(rank, idr, reference, rank) for idr, reference, rank in gop]
    >>> packets_to_decode(table, {2})
    [0, 1, 3]
    >>> packets_to_decode(table, {0})
    [0]
    """
    chosen, run = [], []
    for position, packet in enumerate(table):
        if packet.idr:
            run = []
        wanted = packet.rank in needed
        if wanted or packet.reference:
            run.append(position)
        if wanted:  # what the run holds so far is needed; what follows only if another wanted frame follows
            chosen += run
            run = []
    return chosen


def read_skipping(source, indices, size, threads):
    """Read with the packets that are not needed left out; None where that is not proven exact."""
    container, stream = open_video(source, threads)
    with container:
        if not table_possible(container, stream):
            return None
        large = container.size > HELD_BYTES
        held = [] if large else list(packets_of(container, stream))
        table = _table(source)[0] if large else packet_table(container, stream, held)
        if table is None:
            return None
        order = indices(len(table)) if callable(indices) else indices
        order = wanted(order, len(table), name_of(source))
        chosen = packets_to_decode(table, set(order))
        if large:
            packets = _sought(container, stream, table, chosen)
        else:
            packets = [held[position] for position in chosen] + held[-1:]
        pictures, ranks = Pictures(name_of(source), order, size), {table[i].pts: table[i].rank for i in chosen}
        for packet in packets:
            for frame in decode(stream.codec_context, packet):
                rank = ranks.pop(frame.pts, None)
                if rank is None:
                    raise Damage("a picture came twice or at an unknown time")
                if rank in pictures.rows:
                    pictures.add(rank, frame)
        if ranks:
            raise Damage("a picture is missing")
        return pictures.out


def _sought(container, stream, table, chosen):
    """Yield the packets at the positions `chosen`; where some are left out before an IDR picture, seek to that."""
    runs = []
    for position in chosen:
        if not runs or (table[position].idr and position > runs[-1][-1] + 1):
            runs.append([])
        runs[-1].append(position)
    for run in runs:
        needed = {table[position].pts for position in run}
        container.seek(table[run[0]].pts, stream=stream)  # this empties the decoder, too
        for packet in packets_of(container, stream):
            if packet.pts in needed:
                needed.remove(packet.pts)
                yield packet
            if not needed:
                break
        yield av.Packet()  # the pictures that the decoder still holds


def table_times(source):
    """The seconds of each frame from the first on, by the table of packets; None without one."""
    table, step = _table(source)
    if table is None:
        return None
    times = sorted(packet.pts for packet in table)
    return [(time - times[0]) * step for time in times]


@once_a_file(maxsize=16)
def _table(source):
    """(the table of a file's packets or None, seconds of a unit of time)"""
    container, stream = open_video(source)
    with container:
        if not table_possible(container, stream):
            return None, 0.0
        return packet_table(container, stream, packets_of(container, stream)), float(stream.time_base or 0)
