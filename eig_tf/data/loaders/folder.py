"""A folder of the user's own images: flat, or one sub-folder for each class."""

from __future__ import annotations

import collections
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ml_collections import config_dict

from eig_tf.data import pictures
from eig_tf.data.listing import Entry, Listing
from eig_tf.data.names import files_below, first_few, natural_key, printable
from eig_tf.errors import UserError

DECODER_VERSION = 1
# Files and folders of operating systems, in lower case.
_SYSTEM_NAMES = frozenset(["__macosx", "thumbs.db", "desktop.ini"])


def list_files(directory: Path, config: config_dict.ConfigDict) -> Listing:
    """List the images of a folder.

    Images directly in the folder make a set without labels. Otherwise each sub-folder is a class, with all
    images below it at any depth. Classes are sorted by the code points of their names, images in natural
    order: `2.png` before `10.png`. Links are followed, and a folder with several links is read once.

    Args:
        directory: the folder.
        config: its `data` is used.

    Raises:
        UserError: there are no images, or some are in sub-folders and some are not.
        OSError: a folder cannot be read.
    """
    flat, classes, others = _scan_folder(directory)
    if not flat and not classes:
        raise UserError(f"{directory} holds no images: {_others_line(others)}; expected files named "
                        f"{', '.join('*' + suffix for suffix in pictures.SUFFIXES)}, in the folder or in one "
                        "sub-folder for each class")
    if flat and classes:
        raise UserError(f"{directory} holds images ({first_few(flat)}) beside sub-folders with images "
                        f"({first_few(classes)}); expected only images, or one sub-folder for each class and "
                        "no images beside them")
    labelled = [(name, label) for label, found in enumerate(classes.values()) for name in found]
    entries = labelled or [(name, 0) for name in flat]
    options = config.data
    size, channels, resize = options.image_size, options.channels, options.resize
    return Listing(
        dataset=config.dataset, directory=directory,
        entries=tuple(Entry(name, label, None) for name, label in entries),
        class_names=tuple(map(printable, classes)), source=f"the folder {directory}",
        decode=lambda path, entry: pictures.fit(pictures.read(path, channels), size, resize)[None],
        options={"image_size": size, "channels": channels, "resize": resize}, version=DECODER_VERSION,
        max_unreadable=options.max_unreadable,
        notes=tuple(_folder_notes(directory, [name for name, _ in entries], classes, others)))


def check_directory(directory: Path, config: config_dict.ConfigDict) -> list[str]:
    """Return what a folder contains; see `eig_tf.data.loaders`."""
    del config
    flat, classes, others = _scan_folder(directory)
    lines = [f"{len(flat)} images directly in {directory}", f"{len(classes)} sub-folders with images"]
    lines += [f"  {printable(name)}: {len(found)} images" for name, found in classes.items()]
    images = [name for found in (flat, *classes.values()) for name in found]
    return [*lines, *_folder_notes(directory, images, classes, others)]


def _scan_folder(directory: Path) -> tuple[list[str], dict[str, list[str]], list[str]]:
    """Return images directly in the folder, those of each sub-folder, and other files; names with "/"."""
    flat, classes, others = [], collections.defaultdict(list), []
    # Strings instead of `Path`, since every start reads up to hundreds of thousands of names.
    start = len(os.path.join(os.fspath(directory), ""))
    for path in files_below(directory):
        name = path[start:].replace(os.sep, "/")
        parts = name.split("/")
        if not _SYSTEM_NAMES.isdisjoint(part.lower() for part in parts):
            continue
        if os.path.splitext(name)[1].lower() not in pictures.SUFFIXES:
            others.append(name)
        elif len(parts) == 1:
            flat.append(name)
        else:
            classes[parts[0]].append(name)
    return (sorted(flat, key=natural_key),
            {name: sorted(classes[name], key=natural_key) for name in sorted(classes)}, others)


def _folder_notes(directory: Path, images: Sequence[str], classes: Mapping[str, Sequence[str]],
                  others: Sequence[str]) -> Iterator[str]:
    if others:
        yield _others_line(others)
    without = sorted(entry.name for entry in os.scandir(directory) if entry.name not in classes
                     and not entry.name.startswith(".") and entry.name.lower() not in _SYSTEM_NAMES
                     and os.path.isdir(entry.path))
    if without:
        yield f"sub-folders without images, which are not classes: {len(without)}; {first_few(without)}"
    if len(classes) == 1:
        (name, found), = classes.items()
        # As in many archives, the classes may be one folder deeper than --data_dir.
        deeper = all(image.count("/") > 1 for image in found)
        yield (f"one class, {printable(name)}: evaluation compares codes with two classes or more" + (
            "; to use its sub-folders as classes, give it as --data_dir" if deeper else ""))
    if len(images) > 1 and _all_equal(directory, images):
        yield f"all {len(images)} files have the same content, so that there is nothing to learn"


def _all_equal(directory: Path, names: Sequence[str]) -> bool:
    """Return whether all files have the same content; reads only up to the first difference."""
    try:
        size = os.path.getsize(directory / names[0])
        if any(os.path.getsize(os.path.join(directory, name)) != size for name in names):
            return False
        first = (directory / names[0]).read_bytes()
        return all((directory / name).read_bytes() == first for name in names)
    except OSError:
        # Unreadable files are counted when they are decoded.
        return False


def _others_line(others: Sequence[str]) -> str:
    if not others:
        return "there are no files in it"
    return f"files that are not images by their names, and are ignored: {len(others)}; {first_few(others)}"
