"""Files that end too early, where FFmpeg does not say so: it fills up the last picture by guessing, or shows a
picture whose predecessors are lost as if it were the next one.
"""

from pathlib import Path


def cut_off(container, packet):
    """Whether the file ends within or after its last packet of video, before its own end."""
    size = container.size
    names = set(container.format.name.split(","))
    if "gif" in names:
        return not gif_whole(bytes(packet))
    if "mpegts" in names:
        first = head(container, 200)
        return size % (192 if first[4:5] == first[196:197] == b"G" else 188) > 0  # each packet begins with "G"
    if "matroska" in names and segment_end(head(container)) > size:
        return True
    if "avi" in names and 8 + int.from_bytes(head(container, 8)[4:], "little") > size:
        return True
    return packet.pos is not None and packet.pos >= 0 and packet.pos + packet.size > size


def head(container, length=4096):
    """The first bytes of the file that a container was opened from."""
    if container.file is not None:
        container.file.seek(0)
        return container.file.read(length)
    with Path(container.name.removeprefix("file:")).open("rb") as file:
        return file.read(length)


def segment_end(data):
    """Where a Matroska file says that it ends; 0 where it does not say (a live recording).

    >>> segment_end(bytes.fromhex("1a45dfa381aa 18538067 4fff"))
    4107
    """
    position = 0
    while position < len(data):
        identity = data[position : position + 4]
        start = position + 4
        if identity[:1] == b"\xec":  # Void, one byte of identity
            start = position + 1
        if start >= len(data) or not data[start]:
            return 0
        length = 9 - data[start].bit_length()
        value = int.from_bytes(data[start : start + length], "big") & ((1 << 7 * length) - 1)
        if identity == b"\x18\x53\x80\x67":
            return 0 if value == (1 << 7 * length) - 1 else start + length + value
        position = start + length + value
    return 0


def gif_whole(data):
    """Whether one picture of a GIF is there to its end.

    >>> picture = b"," + bytes(9) + bytes([2, 1, 0x44, 0])
    >>> gif_whole(picture), gif_whole(picture[:-1])
    (True, False)
    """

    def colours(flags):
        return 3 << ((flags & 7) + 1) if flags & 128 else 0

    def after_blocks(position):
        while data[position]:
            position += data[position] + 1
        return position + 1

    try:
        position = 13 + colours(data[10]) if data.startswith(b"GIF8") else 0
        while data[position] == 0x21:  # an extension
            position = after_blocks(position + 2)
        if data[position] != 0x2C:  # the picture
            return False
        after_blocks(position + 10 + colours(data[position + 9]) + 1)
    except IndexError:
        return False
    return True
