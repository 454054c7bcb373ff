"""Writing files whole or not at all; where files that can be made again are kept."""

import contextlib
import json
import os
from pathlib import Path


@contextlib.contextmanager
def replacing(path):
    """Yields a temporary path beside `path`; renames it to `path` when the block succeeds.

    The temporary name keeps the suffix, so that writers which choose a format by it still do.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.tmp{path.suffix}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(text, path):
    """Writes text as UTF-8."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(content, path):
    """Writes JSON, indented."""
    write_text(json.dumps(content, indent=2) + "\n", path)


def default_cache_dir():
    """`$XDG_CACHE_HOME/eig_tf`, or `~/.cache/eig_tf`."""
    return os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.join("~", ".cache"), "eig_tf")
