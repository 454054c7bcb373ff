"""Names of files and folders: their order, and how people get to see them."""

import re

_SHOWN = 3


def natural_key(text):
    """Sorts numbers in names by their value, all else by code points: `2.png` before `10.png`."""
    return [(int(part), part) if part.isdecimal() and part.isascii() else (-1, part)
            for part in re.split(r"([0-9]+)", text)]


def printable(text):
    """A name as one line that every terminal and file takes.

    Line breaks and bytes that are no UTF-8 are legal in file names, and cannot be printed or written as
    they are.

    Returns:
        `text` with escapes, such as `\\\\n`, for whatever cannot be shown.
    """
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


def first_few(texts, separator=", "):
    """The first three, printable, and how many more there are: `"a, b, c and 2 more"`."""
    texts = list(texts)
    shown = separator.join(map(printable, texts[:_SHOWN]))
    if len(texts) <= _SHOWN:
        return shown
    return f"{shown}{separator.strip(', ')} and {len(texts) - _SHOWN} more"
