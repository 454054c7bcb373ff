"""Files below a directory: finding them, sorting their names and printing them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator

_SHOWN = 3


def files_below(directory: str | os.PathLike) -> Iterator[str]:
    """Yield the files of a directory tree.

    Links are followed, and each real directory is read once, so that circular links end. Links to nothing
    are files too. Hidden files and directories, which other programs leave behind, are skipped.

    Args:
        directory: root of the tree.

    Yields:
        Paths that start with `directory`, sorted by name in each directory.

    Raises:
        OSError: a directory cannot be read.
    """
    yield from _walk(os.fspath(directory), set())


def natural_key(text: str) -> list[tuple[int, str]]:
    """Return a sort key that orders numbers in names by value: `2.png` before `10.png`."""
    return [(int(part), part) if part.isdecimal() and part.isascii() else (-1, part)
            for part in re.split(r"([0-9]+)", text)]


def printable(text: str) -> str:
    """Return a name as one line that every terminal and file accepts.

    Line breaks and bytes that are not UTF-8 are legal in file names, but cannot be printed as they are.
    They are replaced by escapes such as `\\\\n`.
    """
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


def first_few(texts: Iterable[str], separator: str = ", ") -> str:
    """Return the first three texts, printable, and the number of others: `"a, b, c and 2 more"`."""
    texts = list(texts)
    shown = separator.join(map(printable, texts[:_SHOWN]))
    if len(texts) <= _SHOWN:
        return shown
    return f"{shown}{separator.strip(', ')} and {len(texts) - _SHOWN} more"


def _walk(directory: str, seen: set[str]) -> Iterator[str]:
    real = os.path.realpath(directory)
    if real in seen:
        return
    seen.add(real)
    for entry in sorted(os.scandir(directory), key=lambda entry: entry.name):
        if entry.name.startswith("."):
            continue
        # Only links need a system call. The methods of their entries fail for a link to itself.
        if os.path.isdir(entry.path) if entry.is_symlink() else entry.is_dir(follow_symlinks=False):
            yield from _walk(entry.path, seen)
        # A link that leads nowhere is a file that cannot be read, which is not passed over in silence.
        elif (os.path.isfile(entry.path) or not os.path.exists(entry.path) if entry.is_symlink()
              else entry.is_file(follow_symlinks=False)):
            yield entry.path
