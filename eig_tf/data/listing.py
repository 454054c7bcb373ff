"""From the files that a loader found to decoded images in the cache."""

import hashlib
import importlib.util
import itertools
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Callable, NamedTuple, Optional, Tuple

import numpy as np
from tensorflow import keras

from eig_tf.data import cache, names
from eig_tf.data.pictures import Unreadable
from eig_tf.errors import UserError

# Files decoded in one go: bounds the decoded images that wait to be written.
_CHUNK = 256


class Entry(NamedTuple):
    """One file of a data set.

    Attributes:
        name: its path below the listing's directory, with "/".
        label: index of its class; 0 where there are no classes.
        group: see `ImageSet`; None where each image of the file stands for itself.
        detail: what decoding needs beside the file, such as the box of a face; plain numbers.
    """

    name: str
    label: int
    group: Optional[int]
    detail: Tuple[float, ...] = ()


class Listing(NamedTuple):
    """What a loader found on disk, in order, before anything is decoded.

    Attributes:
        dataset: its name.
        directory: where the files lie.
        entries: `Entry`s.
        class_names: names of the classes; none where images have no labels.
        source: where the images come from, for people.
        decode: (path, entry) -> uint8 [n, H, W, C]; raises `Unreadable` for a file that is damaged.
        options: the settings that change what `decode` returns, as JSON can hold them.
        loader: name of the module that `decode` belongs to.
        missing: what should have been there and was not, one sentence each; they count as unreadable.
        max_unreadable: share of the files, at most, that may be missing or unreadable.
        notes: see `ImageSet`.
    """

    dataset: str
    directory: Path
    entries: Tuple[Entry, ...]
    class_names: Tuple[str, ...]
    source: str
    decode: Callable[[Path, Entry], np.ndarray]
    options: Any
    loader: str
    missing: Tuple[str, ...] = ()
    max_unreadable: float = 0.0
    notes: Tuple[str, ...] = ()


def check(listing):
    """Raises a `UserError` when nothing was found, or more is missing than the listing allows."""
    if not listing.entries:
        raise UserError(f"{listing.directory} holds no images for --dataset={listing.dataset}; see "
                        "docs/datasets.md for the expected tree")
    _check_share(listing, listing.missing)


def load(listing, cache_dir):
    """The images of a listing: decoded once, then read from the cache.

    Args:
        listing: a `Listing`.
        cache_dir: directory of the cache.

    Returns:
        An `ImageSet`.

    Raises:
        UserError: nothing was found, or too many files are missing or unreadable.
        OSError: the cache cannot be written.
    """
    check(listing)
    key = f"{listing.dataset}-{_digest(listing)}"

    def build(writer):
        print(f"decodes {len(listing.entries)} files of {listing.dataset} once, into "
              f"{cache.set_directory(cache_dir, key)}", flush=True)
        _decode_all(listing, writer)

    return cache.cached(cache_dir, key, build)


def _decode_all(listing, writer):
    unreadable, found = list(listing.missing), set()
    progress = keras.utils.Progbar(len(listing.entries), verbose=int(sys.stdout.isatty()), unit_name="file")
    entries = iter(listing.entries)
    with ThreadPoolExecutor(max_workers=len(os.sched_getaffinity(0))) as pool:
        for chunk in iter(lambda: list(itertools.islice(entries, _CHUNK)), []):
            for entry, images in zip(chunk, pool.map(lambda entry: _decode(listing, entry), chunk)):
                if isinstance(images, Unreadable):
                    unreadable.append(f"{entry.name}: {images}")
                else:
                    writer.append(images, entry.label, entry.group, entry.name)
                    found.add(entry.label)
            _check_share(listing, unreadable)
            progress.add(len(chunk))
    notes = [*listing.notes]
    if unreadable:
        notes.append(f"{len(unreadable)} left out as missing or unreadable: {_some(unreadable)}")
    if len(unreadable) == len(listing.entries) + len(listing.missing):
        raise UserError(f"{listing.directory} holds no image that can be read: {_some(unreadable)}")
    lost = sorted({entry.label for entry in listing.entries} - found)
    if lost:
        raise UserError(f"{listing.directory} holds no image that can be read of class "
                        f"{listing.class_names[lost[0]]} ({_some(unreadable)}); expected one or more of each")
    writer.finish(listing.class_names, listing.source, notes)


def _decode(listing, entry):
    try:
        return listing.decode(listing.directory / entry.name, entry)
    except Unreadable as error:
        return error


def _check_share(listing, unreadable):
    total = len(listing.entries) + len(listing.missing)
    if len(unreadable) > listing.max_unreadable * total:
        raise UserError(f"{listing.directory}: {len(unreadable)} of {total} files are missing or unreadable "
                        f"({_some(unreadable)}); expected a share of at most {listing.max_unreadable:g}")


def _some(sentences):
    return names.first_few(sentences, "; ")


def _digest(listing):
    """Changes with the source files, their sizes and times, the options and the code that decodes."""
    content = hashlib.sha256()
    for module in (__name__, cache.__name__, "eig_tf.data.pictures", listing.loader):
        content.update(Path(importlib.util.find_spec(module).origin).read_bytes())
    # The share of unreadable files is part of it: a set that was good enough once may not be any more.
    header = [str(listing.directory.resolve()), listing.options, listing.class_names, listing.missing,
              listing.notes, listing.source, listing.max_unreadable]
    content.update(json.dumps(header, sort_keys=True).encode("utf-8", "surrogateescape"))
    for entry in listing.entries:
        # Text instead of Path: there may be hundreds of thousands, and each start looks at them all.
        status = os.stat(os.path.join(listing.directory, entry.name))
        record = (*entry, status.st_size, status.st_mtime_ns)
        content.update(repr(record).encode("utf-8", "surrogateescape"))
    return content.hexdigest()[:16]
