"""Atomic writes of files and directories, locks, and the place of files that can be made again."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import filelock

from eig_tf.errors import UserError


@contextlib.contextmanager
def replacing(path: str | os.PathLike) -> Iterator[Path]:
    """Yield a temporary path beside `path`, and rename it to `path` when the block succeeds.

    The temporary name keeps the suffix, so that writers which choose a format by it still do.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.tmp{path.suffix}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def delete_left_overs(directory: str | os.PathLike, stem: str = "*") -> None:
    """Delete the temporary files of `replacing` that killed processes left in a directory.

    No other process may be writing there, or with a `stem`, files with this name before the suffix.
    """
    for left_over in Path(directory).glob(f".{stem}.*.tmp.*"):
        left_over.unlink(missing_ok=True)


def count_rows(table: str | os.PathLike) -> int:
    """Return the number of lines of a CSV file after its heading; 0 for a file that cannot be read."""
    try:
        with open(table, "rb") as file:
            return max(0, sum(1 for _ in file) - 1)
    except OSError:
        return 0


@contextlib.contextmanager
def replacing_directory(path: str | os.PathLike, replace: bool = False) -> Iterator[Path]:
    """Yield an empty directory beside `path`, and rename it to `path` when the block succeeds.

    Args:
        path: the directory to make; its parent is made when it is missing.
        replace: whether an existing directory is replaced. Otherwise an existing directory stays, the new
            one is discarded, and the caller may look at `path` to see which one it is.

    Raises:
        OSError: the directory cannot be written.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent) as temporary:
        # A temporary directory belongs to its owner alone; the one inside gets the usual permissions.
        content = Path(temporary, "new")
        content.mkdir()
        yield content
        if replace and path.exists():
            _swap(path, content, Path(temporary, "old"))
        elif not path.exists():
            os.rename(content, path)


def _swap(path: Path, content: Path, old: Path) -> None:
    # A directory that is not empty cannot be the target of a rename.
    os.rename(path, old)
    try:
        os.rename(content, path)
    except BaseException:  # Ctrl-C too.
        os.rename(old, path)
        raise


@contextlib.contextmanager
def locked(path: str | os.PathLike, waiting: str) -> Iterator[None]:
    """Hold a lock among processes; the system releases it when its holder dies.

    Args:
        path: the lock file; it stays.
        waiting: the sentence to print when another process holds the lock.

    Raises:
        UserError: the file system has no locks.
    """
    lock = filelock.FileLock(path)
    try:
        try:
            lock.acquire(blocking=False)
        except filelock.Timeout:
            print(waiting, flush=True)
            lock.acquire()
    except (OSError, NotImplementedError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UserError(f"{path} cannot be locked: {reason}; expected a file system with locks") from None
    try:
        yield
    finally:
        lock.release()


def remove_directory(path: str | os.PathLike) -> None:
    """Delete a directory tree so that no process sees half of it under its name.

    Raises:
        FileNotFoundError: another process has deleted it.
        OSError: it cannot be deleted.
    """
    path = Path(path)
    temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent))
    try:
        os.rename(path, temporary / "old")
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_text(text: str, path: str | os.PathLike) -> None:
    """Write text as UTF-8, atomically."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(content: Any, path: str | os.PathLike) -> None:
    """Write indented JSON, atomically."""
    write_text(json.dumps(content, indent=2) + "\n", path)


def default_cache_dir() -> str:
    """Return `$XDG_CACHE_HOME/eig_tf`, or `~/.cache/eig_tf`."""
    return os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.join("~", ".cache"), "eig_tf")
