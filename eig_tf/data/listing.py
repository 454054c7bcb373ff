"""From the files that a loader found to decoded images in the cache."""

from __future__ import annotations

import contextlib
import hashlib
import io
import itertools
import json
import os
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from eig_tf import progress
from eig_tf.config import flag
from eig_tf.data import cache, pictures, storage
from eig_tf.data.image_set import ImageSet
from eig_tf.data.names import first_few
from eig_tf.data.pictures import Unreadable
from eig_tf.errors import UserError

# Files decoded at a time; it bounds the decoded images that wait to be written.
_CHUNK = 256
# Of an archive, the contents of the files wait in memory too.
_ARCHIVE_CHUNK = 16


class Entry(NamedTuple):
    """One file of a data set.

    Attributes:
        name: path below the listing's directory, with "/".
        label: index of the class, -1 without one; 0 when there are no classes.
        group: see `ImageSet`; None when every image of the file stands for itself.
        detail: numbers that decoding needs besides the file, such as the box of a face.
    """

    name: str
    label: int
    group: int | None
    detail: tuple[float, ...] = ()


class Listing(NamedTuple):
    """The files that a loader found, in order, before anything is decoded.

    Attributes:
        dataset: name of the data set.
        directory: directory of the files, or the archive that holds them.
        entries: the files. Either all of them have a group, or none has.
        class_names: names of the classes; empty for images without labels.
        source: where the images come from, as text.
        decode: (path, entry) -> uint8 [n, H, W, C]; raises `Unreadable` for a damaged file. Of an archive,
            it gets an open binary file instead of the path.
        options: settings that change what `decode` returns, as JSON can represent them.
        version: the loader's `DECODER_VERSION`.
        images_per_file: number of images in each file.
        missing: a sentence on each expected file that was not found; counted as unreadable.
        max_unreadable: largest share of the files that may be missing or unreadable.
        notes: see `ImageSet`.
        contents: () -> the content of each entry's file in turn, or why it cannot be read; None unless
            `directory` is an archive.
    """

    dataset: str
    directory: Path
    entries: tuple[Entry, ...]
    class_names: tuple[str, ...]
    source: str
    decode: Callable[[Any, Entry], np.ndarray]
    options: dict[str, Any]
    version: int
    images_per_file: int = 1
    missing: tuple[str, ...] = ()
    max_unreadable: float = 0.0
    notes: tuple[str, ...] = ()
    contents: Callable[[], Iterator[bytes | Unreadable]] | None = None


def check_listing(listing: Listing) -> None:
    """Check that there are files, and that no more are missing than the listing allows.

    Raises:
        UserError: one of the two fails.
    """
    if not listing.entries:
        raise UserError(f"{listing.directory} holds no images for --dataset={listing.dataset}; see "
                        "docs/datasets.md for the expected files")
    check_share(listing, listing.missing)


def check_share(listing: Listing, unreadable: Sequence[str]) -> None:
    """Check that no more files are missing or unreadable than the listing allows.

    Args:
        listing: the files.
        unreadable: a sentence on each file that is missing or unreadable.

    Raises:
        UserError: there are more.
    """
    total = len(listing.entries) + len(listing.missing)
    if len(unreadable) > listing.max_unreadable * total:
        raise UserError(f"{listing.directory}: {len(unreadable)} of {total} files are missing or unreadable "
                        f"({first_few(unreadable, '; ')}); expected a share of at most "
                        f"{listing.max_unreadable:g}, the value of {flag('data.max_unreadable')}")


def check_decoded(listing: Listing, decoded: Sequence[Entry], unreadable: Sequence[str]) -> None:
    """Check that there are images, and images of each class.

    Args:
        listing: the files.
        decoded: the entries of the files that were read.
        unreadable: see `check_share`.

    Raises:
        UserError: there are none.
    """
    if not decoded:
        raise UserError(f"{listing.directory} holds no readable image: {first_few(unreadable, '; ')}")
    lost = sorted({entry.label for entry in listing.entries} - {entry.label for entry in decoded} - {-1})
    if lost:
        name = listing.class_names[lost[0]]
        raise UserError(f"{listing.directory} holds no readable image of class {name} "
                        f"({first_few(unreadable, '; ')}); expected at least one of each class")


def map_files(listing: Listing, function: Callable[[Any, Entry], Any]
              ) -> Generator[Iterator[tuple[Entry, Any]], None, None]:
    """Apply a function to each file, in several threads, and show the progress.

    Args:
        listing: the files.
        function: (path, entry) -> any result, like `Listing.decode`.

    Yields:
        Iterators of pairs of an entry and its result or `Unreadable`, in the order of the entries.
    """
    def apply(source: Path | bytes | Unreadable, entry: Entry) -> Any:
        if isinstance(source, Unreadable):
            return source
        try:
            return function(io.BytesIO(source) if isinstance(source, bytes) else source, entry)
        except Unreadable as error:
            return error

    if listing.contents is None:
        sources: Iterator[Path | bytes | Unreadable] = (listing.directory / entry.name
                                                        for entry in listing.entries)
    else:
        sources = listing.contents()
    pairs = zip(sources, listing.entries)
    size = _CHUNK if listing.contents is None else _ARCHIVE_CHUNK
    pool = ThreadPoolExecutor(max_workers=len(os.sched_getaffinity(0)))
    try:
        with progress.stage(None, len(listing.entries), "file") as advance:
            for chunk in iter(lambda: list(itertools.islice(pairs, size)), []):
                results = pool.map(lambda pair: apply(*pair), chunk)
                yield ((entry, result) for (_, entry), result in zip(chunk, results))
                advance(len(chunk))
    finally:
        # An interrupt while `map` submits a chunk leaves files that nothing else cancels.
        pool.shutdown(cancel_futures=True)


def load_listing(listing: Listing, cache_dir: str | os.PathLike) -> ImageSet:
    """Return the images of a listing, decoded once and then read from the cache.

    Args:
        listing: the files.
        cache_dir: directory of the cache.

    Raises:
        UserError: there are no files, or too many are missing or unreadable.
        OSError: the cache cannot be written.
    """
    check_listing(listing)
    key = f"{listing.dataset}-{_digest(listing)}"

    def build(directory: Path) -> None:
        print(f"decodes {len(listing.entries)} files of {listing.dataset} once, into "
              f"{cache.set_directory(cache_dir, key)}", flush=True)
        _decode_all(listing, directory)

    return cache.cached(cache_dir, key, build)


def _decode_all(listing: Listing, directory: Path) -> None:
    unreadable = list(listing.missing)
    # The entry of each image.
    decoded: list[Entry] = []
    with contextlib.closing(_decode_files(listing, decoded, unreadable)) as batches:
        stored = storage.write_images(directory, batches)
    notes = list(listing.notes)
    if unreadable:
        notes.append(f"{len(unreadable)} left out as missing or unreadable: {first_few(unreadable, '; ')}")
    labels = np.array([entry.label for entry in decoded]) if listing.class_names else None
    groups = None if decoded[0].group is None else np.array([entry.group for entry in decoded])
    names = np.array([entry.name for entry in decoded])
    storage.write_columns(
        directory, ImageSet(stored, labels, listing.class_names, listing.source, groups, names, tuple(notes)))


def _decode_files(
        listing: Listing, decoded: list[Entry], unreadable: list[str]) -> Generator[np.ndarray, None, None]:
    """Yield the images of each readable file, and record what was decoded and what was not."""
    with contextlib.closing(map_files(listing, listing.decode)) as chunks:
        for chunk in chunks:
            for entry, images in chunk:
                if isinstance(images, Unreadable):
                    unreadable.append(f"{entry.name}: {images}")
                else:
                    decoded += [entry] * len(images)
                    yield images
            check_share(listing, unreadable)
    check_decoded(listing, decoded, unreadable)


def _digest(listing: Listing) -> str:
    """Return a digest of the files' names, sizes and times, the options and the decoders' versions."""
    # `max_unreadable` is included, since a set that was good enough may not be any more.
    header = [storage.FORMAT_VERSION, pictures.DECODER_VERSION, listing.version,
              str(listing.directory.resolve()), listing.options, listing.class_names, listing.missing,
              listing.notes, listing.source, listing.max_unreadable]
    content = hashlib.sha256(json.dumps(header, sort_keys=True).encode("utf-8", "surrogateescape"))
    # The times of an archive's files are its own.
    archive = None if listing.contents is None else os.stat(listing.directory)
    for entry in listing.entries:
        # Strings instead of `Path`, since every start reads up to hundreds of thousands of entries.
        try:
            status = archive or os.stat(os.path.join(listing.directory, entry.name))
            found: tuple[int, ...] = status.st_size, status.st_mtime_ns
        except OSError:
            found = ()
        record = (*entry, *found)
        content.update(repr(record).encode("utf-8", "surrogateescape"))
    return content.hexdigest()[:16]
