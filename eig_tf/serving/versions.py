"""Names and numbered versions of served models: `<models>/<name>/1`, `<models>/<name>/2`, ..."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from typing import Callable

from eig_tf import files
from eig_tf.errors import UserError

# Servers ignore what has no number for a name.
_LOCK = ".lock"


def check_model_name(name: str) -> None:
    """Raise a `UserError` unless a path and a URL can hold the name."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", name):
        raise UserError(f"--name is {name!r}; expected up to 100 letters, digits, dots, dashes and "
                        "underscores, a letter or a digit first")


def write_version(base: Path, write: Callable[[Path], None], number: int | None = None) -> Path:
    """Write a version atomically, while a server may watch `base`; exports at the same time take turns.

    Args:
        base: the directory of the versions; it is made when it is missing.
        write: fills the empty directory that it is given.
        number: the version's number, 1 or more; the next one when None.

    Returns:
        The path of the new version.

    Raises:
        UserError: the version exists, or the file system has no locks.
        OSError: `base` cannot be written.
    """
    base.mkdir(parents=True, exist_ok=True)
    with files.locked(base / _LOCK, f"waiting for another export to {base}"):
        # Servers read 007 as 7.
        if number in map(_number, _versions(base)):
            raise UserError(f"--version is {number}, but {base} has it already; expected a new number "
                            "or no --version")
        version = base / str(number or latest_version(base) + 1)
        with files.replacing_directory(version) as content:
            write(content)
    return version


def prune_versions(base: Path, keep: int, new: Path) -> None:
    """Delete all versions but the `keep` latest and the new one, each of them atomically.

    Args:
        base: the directory of the versions.
        keep: how many versions stay, 1 or more.
        new: the path of the version that was just written.

    Raises:
        OSError: a version cannot be deleted.
    """
    for version in _versions(base)[:-keep]:
        if version != new:
            # Another export may have deleted it.
            with contextlib.suppress(FileNotFoundError):
                files.remove_directory(version)


def latest_version(base: Path) -> int:
    """Return the largest version number in a directory, 0 when there is none."""
    return max(map(_number, _versions(base)), default=0)


def _versions(base):
    """Return the paths of the versions, sorted by number."""
    return sorted((path for path in base.iterdir() if path.name.isdecimal()), key=_number)


def _number(path):
    return int(path.name)
