"""Numbered versions in one directory, as TF Serving reads them: `<base>/1`, `<base>/2`, ..."""

import os
import tempfile
from pathlib import Path


def write_version(base, write):
    """Writes the next version, whole or not at all.

    A server may watch `base` meanwhile, so the version is written under a name that is no number and
    renamed when it is complete.

    Args:
        base: the directory of the versions; made when it is missing.
        write: called with the path of an empty directory, fills it.

    Returns:
        The `Path` of the new version.

    Raises:
        OSError: `base` cannot be written.
    """
    base = Path(base)
    base.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".", suffix=".tmp", dir=base) as temporary:
        # A temporary directory is its owner's alone; the one inside gets the usual permissions, so that
        # a server of another user can read it.
        content = Path(temporary) / "version"
        content.mkdir()
        write(content)
        return _claim_number(content, base)


def latest_version(base):
    """The largest version number in `base`, 0 when there is none."""
    return max((int(path.name) for path in Path(base).iterdir() if path.name.isdecimal()), default=0)


def _claim_number(content, base):
    while True:
        version = base / str(latest_version(base) + 1)
        try:
            os.rename(content, version)
            return version
        except OSError:
            # Another export may have taken the number since it was looked up.
            if not version.exists():
                raise
