"""Files that end too early, where FFmpeg does not say so: it fills up the last picture by guessing."""


def cut_off(container, packet):
    """Whether the last packet of a file goes past the file's end."""
    size = container.size
    names = set(container.format.name.split(","))
    if "gif" in names:
        return not gif_whole(bytes(packet))
    if "mpegts" in names:
        return all(size % length for length in (188, 192, 204))
    return packet.pos is not None and packet.pos >= 0 and packet.pos + packet.size > size


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
