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
        if _is_directory(entry):
            yield from _walk(entry.path, seen)
        elif _is_file(entry):
            yield entry.path


# Only a link costs a look at the disk; its entry's own methods fail where it leads to itself.
def _is_directory(entry):
    return os.path.isdir(entry.path) if entry.is_symlink() else entry.is_dir(follow_symlinks=False)


def _is_file(entry):
    return os.path.isfile(entry.path) if entry.is_symlink() else entry.is_file(follow_symlinks=False)
