"""Reading the files in a zip or tar archive, in memory: nothing is unpacked to disk."""

from __future__ import annotations

import collections
import contextlib
import lzma
import posixpath
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Union

from eig_tf.data.names import first_few
from eig_tf.data.pictures import Unreadable
from eig_tf.errors import UserError

Member = Union[zipfile.ZipInfo, tarfile.TarInfo]
# A file that is larger than this when unpacked is not a usable image, and could exhaust the memory.
_MAX_BYTES = 2**28
# The system that made a zip, in its headers.
_WINDOWS = 0
# What damaged archives and unsupported methods of compression raise.
_DAMAGE = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, OSError, RuntimeError,
           ValueError, NotImplementedError)


def list_members(path: Path) -> tuple[dict[str, Member], list[str]]:
    """List the files in an archive that are safe to read.

    Names outside the archive (absolute, or with `..`), links, devices, encrypted files and files of more
    than 256 MiB are left out, as well as hidden files, which other programs leave behind. Of several files
    of one name, the last counts, as it does when an archive is unpacked.

    Args:
        path: a zip, or a tar that may be compressed by gzip, bzip2 or xz; recognized by its content.

    Returns:
        The files by name, in the order of the archive, and a sentence on each reason for leaving files out.

    Raises:
        UserError: the file is no such archive, or is damaged.
        OSError: it cannot be opened.
    """
    kept: dict[str, Member] = {}
    left_out = collections.defaultdict(list)
    with path.open("rb"):
        # Unlike opening an archive, this names the file that cannot be opened.
        pass
    try:
        with _opened(path) as archive:
            for member in archive.infolist() if isinstance(archive, zipfile.ZipFile) else archive:
                original = _name(member)
                name = posixpath.normpath(original)
                if _is_directory(member) or any(part.startswith(".") and part != ".."
                                                for part in name.split("/")):
                    continue
                reason = _reason_against(original, member)
                if reason is not None:
                    left_out[reason].append(original)
                    continue
                # The last one of a name takes its place in the order too.
                kept.pop(name, None)
                kept[name] = member
            if isinstance(archive, tarfile.TarFile):
                _check_end(archive)
    except _DAMAGE as error:
        # The first line of several: tarfile lists all kinds of compression that it tried.
        reason = (str(error) or type(error).__name__).splitlines()[0].rstrip(":")
        raise UserError(f"{path} cannot be read: {reason}; expected a folder, a list named *.csv or *.json, "
                        "or a zip or tar archive that is whole") from None
    return kept, [f"{len(names)} files in {path.name} are left out, {reason}: {first_few(names)}"
                  for reason, names in left_out.items()]


def read_members(path: Path, members: Mapping[str, Any]) -> Iterator[bytes | Unreadable]:
    """Yield the content of files of an archive, or why it cannot be read.

    Args:
        path: the archive.
        members: files that `list_members` found, in its order: a compressed tar can only be read forwards.
    """
    with _opened(path) as archive:
        for member in members.values():
            try:
                yield (archive.read(member) if isinstance(archive, zipfile.ZipFile)
                       else _read_from_tar(archive, member))
            except _DAMAGE as error:
                reason = " ".join(str(error).split())[:120]
                yield Unreadable(f"damaged in the archive ({type(error).__name__}: {reason})")


def _read_from_tar(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = archive.extractfile(member)
    content = b"" if file is None else file.read()
    if len(content) != member.size:
        raise EOFError(f"{len(content)} of {member.size} bytes")
    return content


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile | tarfile.TarFile]:
    # A tar first, since a zip is recognized by its end, which may be a zip in a tar.
    with tarfile.open(path) if tarfile.is_tarfile(path) else zipfile.ZipFile(path) as archive:
        yield archive


def _check_end(archive: tarfile.TarFile) -> None:
    """Raise a `TarError` if the archive goes on where its reader stopped, which it does at any bad header."""
    if archive.fileobj is None:
        return
    archive.fileobj.seek(archive.offset)
    # Some writers leave out the blocks of zeros that mark the end.
    if archive.fileobj.read(tarfile.BLOCKSIZE).strip(b"\0"):
        raise tarfile.ReadError("a header in it is damaged")


def _name(member: Member) -> str:
    if not isinstance(member, zipfile.ZipInfo):
        return member.name
    # Old programs of Windows write its separator, against the format.
    return member.filename.replace("\\", "/") if member.create_system == _WINDOWS else member.filename


def _is_directory(member: Member) -> bool:
    return _name(member).endswith("/") if isinstance(member, zipfile.ZipInfo) else member.isdir()


def _reason_against(name: str, member: Member) -> str | None:
    """Return why a member must not be read."""
    if isinstance(member, zipfile.ZipInfo):
        # The upper half has the file's mode, where the archive was written on Unix.
        kind, size = stat.S_IFMT(member.external_attr >> 16), member.file_size
        regular, encrypted = kind in (0, stat.S_IFREG), member.flag_bits & 1
    else:
        regular, encrypted, size = member.isreg(), 0, member.size
    if name.startswith("/") or ".." in name.split("/"):
        return "whose names lead out of it"
    if not regular:
        return "which are links or devices"
    if encrypted:
        return "which are encrypted"
    return f"which are larger than {_MAX_BYTES >> 20} MiB" if size > _MAX_BYTES else None
