"""Files below a directory, where links may run in circles."""

import os


def files_below(directory):
    """The files of a tree, links followed, each real folder read once.

    Hidden files and folders are left out: they are what other programs left behind.

    Args:
        directory: where the tree starts.

    Yields:
        Paths as str, `directory` with the way to the file; sorted by name folder by folder.
    """
    yield from _walk(os.fspath(directory), set())


def _walk(directory, seen):
    real = os.path.realpath(directory)
    if real in seen:
        return
    seen.add(real)
    for entry in sorted(os.scandir(directory), key=lambda entry: entry.name):
        if entry.name.startswith("."):
            continue
        # Not the entry's own methods, which fail on a link to itself.
        if os.path.isdir(entry.path):
            yield from _walk(entry.path, seen)
        elif os.path.isfile(entry.path):
            yield entry.path
