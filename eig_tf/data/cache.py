"""Decoded data sets on disk: written once, atomically, by one process at a time."""

from __future__ import annotations

import glob
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from eig_tf import files
from eig_tf.data import storage
from eig_tf.data.image_set import ImageSet

_REMEDY = "delete the directory, and the next command decodes the files again"


def cached(cache_dir: str | os.PathLike, key: str, build: Callable[[Path], None]) -> ImageSet:
    """Return the set that `build` writes, built only when it is not in the cache.

    A second process that needs the same set waits for the first. What a killed process leaves has another
    name, and is deleted by the next process that builds the set. Sets stay until the user deletes them,
    which is why their directory and size are printed.

    Args:
        cache_dir: directory of the cache.
        key: name of the set; it must change with everything that could change the content.
        build: called with an empty directory, writes the files of `storage` to it.

    Returns:
        A set whose images stay in the file.

    Raises:
        UserError: the cached set is damaged, or the file system has no locks.
        OSError: the cache cannot be written.
    """
    directory = set_directory(cache_dir, key)
    if not directory.exists():
        directory.parent.mkdir(parents=True, exist_ok=True)
        waiting = f"waits for another process that prepares {directory}"
        with files.locked(directory.with_name(f"{key}.lock"), waiting):
            if not directory.exists():
                _build(directory, build)
    return storage.read_image_set(directory, _REMEDY)


def set_directory(cache_dir: str | os.PathLike, key: str) -> Path:
    """Return the directory of a set in the cache."""
    return Path(cache_dir).expanduser() / "data" / key


def _build(directory: Path, build: Callable[[Path], None]) -> None:
    # The lock is held, so that temporary directories of this set belong to processes that were killed.
    for left_over in directory.parent.glob(f".{glob.escape(directory.name)}.*.tmp"):
        shutil.rmtree(left_over, ignore_errors=True)
    with files.replacing_directory(directory) as temporary:
        build(temporary)
    size = sum(path.stat().st_size for path in directory.iterdir())
    print(f"decoded images take {size / 1e6:.1f} MB in {directory}, which may be deleted", flush=True)
