"""Label names that speak of a direction, and what they become in a mirror."""

import re

MIRROR = {"left": "right", "right": "left", "clockwise": "counterclockwise", "counterclockwise": "clockwise"}
WORDS = re.compile(rf"\b({'|'.join(MIRROR)})\b", re.IGNORECASE)


def flip_swap(labels, swap=False):
    """The number of each label after a left-right flip; -1 for labels that must not be flipped.

    A name with a direction in it (Something-Something's "from left to right", Jester's "Swiping Left" and "Turning
    Hand Clockwise") is never flipped. With `swap=True` it is, and becomes the class of the mirrored name, where
    there is one.

    >>> flip_swap(["Swiping Left", "Swiping Right", "Thumb Up"])
    [-1, -1, 2]
    >>> flip_swap(["Swiping Left", "Swiping Right", "Thumb Up"], swap=True)
    [1, 0, 2]
    """
    numbers = {name.lower(): number for number, name in enumerate(labels)}
    swapped = []
    for number, name in enumerate(labels):
        mirrored = WORDS.sub(lambda match: MIRROR[match[0].lower()], name.lower().replace("_", " "))
        if mirrored == name.lower().replace("_", " "):
            swapped.append(number)
        else:
            found = numbers.get(mirrored, numbers.get(mirrored.replace(" ", "_"), -1))
            swapped.append(found if swap else -1)
    return swapped
