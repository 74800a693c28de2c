"""Which packets of an H.264 file have to be decoded for the frames asked for.

H.264 says in each packet whether any other picture looks at it (nal_ref_idc). A picture that nobody looks at and
nobody asked for never reaches the decoder, nor does a run between two IDR pictures that holds nothing asked for:
what is decoded comes out bit for bit the same. This is exact only where the container gives every picture its own
time, so it is done for MP4/MOV and Matroska/WebM, and only when every packet is what it should be; everything else
is decoded in order.
"""

from typing import NamedTuple

CONTAINERS = {"mov", "mp4", "matroska", "webm"}
SLICE, IDR = 1, 5


class Packet(NamedTuple):
    """What the plan needs of one packet; `rank` is the number of its frame in showing order."""

    pts: int
    idr: bool
    reference: bool
    rank: int


def packet_table(container, stream, packets):
    """The table of the packets in file order, or None where skipping is not proven exact.

    `packets` are all packets of the stream, without the empty one that PyAV ends with.
    """
    extradata = stream.codec_context.extradata
    if stream.codec_context.name != "h264" or not CONTAINERS & set(container.format.name.split(",")):
        return None
    if not packets or not extradata or len(extradata) < 7 or extradata[0] != 1:
        return None
    length_size = (extradata[4] & 3) + 1
    times = [packet.pts for packet in packets]
    if None in times or len(set(times)) < len(times):
        return None
    if any(packet.is_discard or packet.is_corrupt for packet in packets):
        return None
    kinds = [picture_kind(bytes(packet), length_size) for packet in packets]
    if None in kinds or not kinds[0][0]:
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
