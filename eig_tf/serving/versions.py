"""Numbered versions in one directory, as TF Serving reads them: `<base>/1`, `<base>/2`, ..."""

import contextlib
import os
import tempfile
from pathlib import Path


def write_version(base, write, number=None):
    """Writes a version, whole or not at all.

    A server may watch `base` meanwhile, so the version is written under a name that is no number and
    renamed when it is complete.

    Args:
        base: the directory of the versions; made when it is missing.
        write: called with the path of an empty directory, fills it.
        number: of the version, 1 or more; the next one when None.

    Returns:
        The `Path` of the new version.

    Raises:
        FileExistsError: `number` is taken.
        OSError: `base` cannot be written.
    """
    base = Path(base)
    base.mkdir(parents=True, exist_ok=True)
    _check_free(base, number)
    with tempfile.TemporaryDirectory(prefix=".", suffix=".tmp", dir=base) as temporary:
        # A temporary directory is its owner's alone; the one inside gets the usual permissions, so that
        # a server of another user can read it.
        content = Path(temporary) / "version"
        content.mkdir()
        write(content)
        return _claim_number(content, base, number)


def prune(base, keep, new):
    """Deletes all versions but the `keep` latest and the new one; never half of one under its number.

    Args:
        base: the directory of the versions.
        keep: how many, 1 or more.
        new: the `Path` of the version that was just written.

    Raises:
        OSError: one cannot be deleted.
    """
    for path in _versions(base)[:-keep]:
        if path == new:
            continue
        # Another export may delete it at the same time.
        with tempfile.TemporaryDirectory(prefix=".", suffix=".tmp", dir=base) as temporary, \
                contextlib.suppress(FileNotFoundError):
            os.rename(path, Path(temporary) / "version")


def latest_version(base):
    """The largest version number in `base`, 0 when there is none."""
    return max((int(path.name) for path in _versions(base)), default=0)


def _versions(base):
    """Paths of the versions, in the order of their numbers."""
    return sorted((path for path in Path(base).iterdir() if path.name.isdecimal()),
                  key=lambda path: int(path.name))


def _check_free(base, number):
    # Servers read 007 as 7.
    if number is not None and number in (int(path.name) for path in _versions(base)):
        raise FileExistsError(f"version {number} is there already")


def _claim_number(content, base, number):
    while True:
        version = base / str(number or latest_version(base) + 1)
        try:
            os.rename(content, version)
            return version
        except OSError:
            # Another export may have taken the number since it was looked up.
            if not version.exists():
                raise
            _check_free(base, number)
