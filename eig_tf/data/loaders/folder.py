"""The user's own images: a folder, a list of files, or an archive; with or without classes."""

from __future__ import annotations

import collections
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from ml_collections import config_dict

from eig_tf.data import archives, file_lists, pictures
from eig_tf.data.listing import Entry, Listing
from eig_tf.data.names import files_below, first_few, natural_key, printable
from eig_tf.data.pictures import Unreadable
from eig_tf.errors import UserError

DECODER_VERSION = 1
USER_IMAGES = True
# Files and folders of operating systems, in lower case.
SYSTEM_NAMES = frozenset(["__macosx", "thumbs.db", "desktop.ini"])


class _Found(NamedTuple):
    """What a folder, a list or an archive holds.

    Attributes:
        kind: `folder`, `list` or `archive`.
        directory: what the names are relative to; the archive itself.
        names: the images, in order.
        class_of: the class of each image, empty for an image of a list without a label; None without classes.
        others: files that are not images by their names.
        missing: a sentence on each file of a list that does not exist.
        notes: sentences on what else was found.
        contents: see `Listing`.
    """

    kind: str
    directory: Path
    names: Sequence[str]
    class_of: Sequence[str] | None
    others: Sequence[str] = ()
    missing: Sequence[str] = ()
    notes: Sequence[str] = ()
    contents: Callable[[], Iterator[bytes | Unreadable]] | None = None

    def class_names(self) -> list[str]:
        """Return the classes, sorted by the code points of their names; an empty name is no class."""
        return sorted({*(self.class_of or ())} - {""})


def list_files(directory: Path, config: config_dict.ConfigDict) -> Listing:
    """List the images of a folder, a list of files or an archive.

    Images directly in a folder make a set without labels. Otherwise each sub-folder is a class, with all
    images below it at any depth. Classes are sorted by the code points of their names, images of a folder
    in natural order: `2.png` before `10.png`; others stay in the order of the list or archive. Links of a
    folder are followed, and a folder with several links is read once.

    Args:
        directory: the folder; or a file, see `file_lists.read_list` and `archives.list_members`. The folder
            that holds everything in an archive is skipped.
        config: its `data` is used. With `data.recursive`, a folder with images beside sub-folders is a set
            without labels.

    Raises:
        UserError: there are no images; some are in sub-folders and some are not, without `data.recursive`;
            or the list or archive cannot be read.
        OSError: a folder cannot be read.
    """
    found = _find_images(directory, config.data.recursive)
    if not found.names and not found.missing:
        seen = "; ".join([_others_line(found.others), *found.notes])
        raise UserError(f"{directory} holds no images: {seen}; expected files named "
                        f"{', '.join('*' + suffix for suffix in pictures.SUFFIXES)}, in the folder or in one "
                        "sub-folder for each class")
    class_names = found.class_names()
    label_of = {"": -1, **{name: label for label, name in enumerate(class_names)}}
    labels = [0] * len(found.names) if found.class_of is None else map(label_of.__getitem__, found.class_of)
    options = config.data
    size, channels, resize = options.image_size, options.channels, options.resize

    def decode(path, entry):
        image = pictures.fit(pictures.read(path, channels), size, resize)
        return (pictures.stretch_contrast(image) if options.stretch_contrast else image)[np.newaxis]

    return Listing(
        dataset=config.dataset, directory=found.directory,
        entries=tuple(Entry(name, label, None) for name, label in zip(found.names, labels)),
        class_names=tuple(map(printable, class_names)), source=f"the {found.kind} {directory}",
        decode=decode, options={"image_size": size, "channels": channels, "resize": resize,
                                "stretch_contrast": options.stretch_contrast}, version=DECODER_VERSION,
        missing=tuple(found.missing), max_unreadable=options.max_unreadable,
        notes=tuple(_notes(found)), contents=found.contents)


def check_directory(directory: Path, config: config_dict.ConfigDict) -> list[str]:
    """Return what a folder, a list of files or an archive contains; see `eig_tf.data.loaders`."""
    # Also where training would refuse images beside sub-folders, say how many there are of each.
    found = _find_images(directory, config.data.recursive, refuse=False)
    lines = [f"{len(found.names)} images in the {found.kind} {directory}"]
    if found.class_of is not None:
        classes = found.class_names()
        places = "labels" if found.kind == "list" else "sub-folders with images"
        counts = collections.Counter(found.class_of)
        lines.append(f"{len(classes)} {places}")
        lines += [f"  {printable(name)}: {counts[name]} images" for name in classes]
        if counts[""]:
            lines.append(f"  without a label: {counts['']} images")
    return [*lines, *_notes(found)]


def _find_images(path: Path, recursive: bool, refuse: bool = True) -> _Found:
    if path.is_dir():
        # Strings instead of `Path`, since every start reads up to hundreds of thousands of names.
        start = len(os.path.join(os.fspath(path), ""))
        names, others = _split_images(file[start:].replace(os.sep, "/") for file in files_below(path))
        names.sort(key=lambda name: (name.split("/")[0] if "/" in name else "", natural_key(name)))
        class_of = _classes(path, names, 0, recursive, refuse)
        return _Found("folder", path, names, class_of, others, notes=list(_empty_folders(path, names)))
    if path.suffix.lower() in file_lists.SUFFIXES:
        return _find_listed(path)
    members, notes = archives.list_members(path)
    names, others = _split_images(members)
    skipped = 0
    while names and len({tuple(name.split("/")[:skipped + 1]) for name in names}) == 1 < len(
            names[0].split("/")) - skipped:
        skipped += 1
    images = {name: members[name] for name in names}
    class_of = _classes(path, names, skipped, recursive, refuse)
    return _Found("archive", path, names, class_of, others, notes=notes,
                  contents=lambda: archives.read_members(path, images))


def _find_listed(path: Path) -> _Found:
    names, labels = file_lists.read_list(path)
    there = [os.path.isfile(os.path.join(path.parent, name)) for name in names]
    return _Found("list", path.parent, [name for name, exists in zip(names, there) if exists],
                  labels and [label for label, exists in zip(labels, there) if exists],
                  missing=[f"{name}: No such file" for name, exists in zip(names, there) if not exists])


def _split_images(names: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return images and other files, without those of operating systems."""
    images: list[str] = []
    others: list[str] = []
    for name in names:
        if SYSTEM_NAMES.isdisjoint(name.lower().split("/")):
            is_image = os.path.splitext(name)[1].lower() in pictures.SUFFIXES
            (images if is_image else others).append(name)
    return images, others


def _classes(path: Path, names: Sequence[str], skipped: int, recursive: bool,
             refuse: bool) -> list[str] | None:
    """Return the folder of each image, the first one below those that are skipped; None without classes."""
    parts = [name.split("/")[skipped:] for name in names]
    flat = [name for name, part in zip(names, parts) if len(part) == 1]
    if not flat:
        return [part[0] for part in parts] or None
    folders = sorted({part[0] for part in parts if len(part) > 1})
    if folders and not recursive and refuse:
        raise UserError(f"{path} holds images ({first_few(flat)}) beside sub-folders with images "
                        f"({first_few(folders)}); expected only images, one sub-folder for each class and no "
                        "images beside them, or --recursive for images at any depth without classes")
    return None


def _notes(found: _Found) -> Iterator[str]:
    if found.others:
        yield _others_line(found.others)
    yield from found.notes
    classes = found.class_names()
    if len(classes) == 1:
        # As in many archives, the classes may be one folder deeper than --data_dir.
        deeper = found.kind == "folder" and all(name.count("/") > 1 for name in found.names)
        yield (f"one class, {printable(classes[0])}: evaluation compares codes with two classes or more" + (
            "; to use its sub-folders as classes, give it as --data_dir" if deeper else ""))
    if len(found.names) > 1 and found.contents is None and _all_equal(found.directory, found.names):
        yield f"all {len(found.names)} files have the same content, so that there is nothing to learn"


def _empty_folders(directory: Path, names: Iterable[str]) -> Iterator[str]:
    used = {name.split("/")[0] for name in names if "/" in name}
    without = sorted(entry.name for entry in os.scandir(directory) if entry.name not in used
                     and not entry.name.startswith(".") and entry.name.lower() not in SYSTEM_NAMES
                     and os.path.isdir(entry.path))
    if without:
        yield f"sub-folders without images, which are not classes: {len(without)}; {first_few(without)}"


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
