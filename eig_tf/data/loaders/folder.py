"""A folder of the user's own images: flat, or one sub-folder a class."""

import collections
import os

from eig_tf.data import names, pictures, trees
from eig_tf.data.listing import Entry, Listing
from eig_tf.errors import UserError

_LEFTOVERS = frozenset(["__macosx", "thumbs.db", "desktop.ini"])


def list_files(directory, config):
    """Lists the images of a folder.

    Images directly in the folder make a set without labels. Where there are only sub-folders, each is a
    class, with all images below it at any depth. Classes come in the order of their names' code points,
    images in natural order: `2.png` before `10.png`. Links are followed, and a folder that several lead
    to is read once.

    Args:
        directory: `Path` of the folder.
        config: see `eig_tf.config`; its `data` counts.

    Returns:
        A `Listing`.

    Raises:
        UserError: there are no images, or some lie in sub-folders and some beside them.
        OSError: a folder may not be read.
    """
    flat, classes, others = _scan(directory)
    if not flat and not classes:
        raise UserError(f"{directory} holds no images: {_describe_others(others)}; expected files named "
                        f"{', '.join('*' + suffix for suffix in pictures.SUFFIXES)}, in the folder or in one "
                        "sub-folder a class")
    if flat and classes:
        raise UserError(f"{directory} holds images ({names.first_few(flat)}) beside sub-folders with images "
                        f"({names.first_few(classes)}); expected images alone, or one sub-folder a class and "
                        "no images beside them")
    labelled = [(name, label) for label, found in enumerate(classes.values()) for name in found]
    entries = labelled or [(name, 0) for name in flat]
    options = config.data
    size, channels, resize = options.image_size, options.channels, options.resize
    return Listing(
        dataset=config.dataset, directory=directory,
        entries=tuple(Entry(name, label, None) for name, label in entries),
        class_names=tuple(map(names.printable, classes)), source=f"the folder {directory}",
        decode=lambda path, entry: pictures.fit(pictures.read(path, channels), size, resize)[None],
        options={"image_size": size, "channels": channels, "resize": resize}, loader=__name__,
        max_unreadable=options.max_unreadable, notes=tuple(_notes(directory, entries, classes, others)))


def check(directory, config):
    """What a folder holds, for people.

    Args:
        directory: `Path` of an existing directory.
        config: see `list_files`; not looked at, for a folder is what it is.

    Returns:
        Lines.
    """
    del config
    flat, classes, others = _scan(directory)
    lines = [f"{len(flat)} images directly in {directory}", f"{len(classes)} sub-folders with images"]
    lines += [f"  {names.printable(name)}: {len(found)} images" for name, found in classes.items()]
    entries = [(name, 0) for found in (flat, *classes.values()) for name in found]
    return [*lines, *_notes(directory, entries, classes, others)]


def _scan(directory):
    """Images directly in the folder, those of each sub-folder, and all other files; names with "/"."""
    flat, classes, others = [], collections.defaultdict(list), []
    # Text instead of Path: a folder may hold hundreds of thousands of files, and each start reads it.
    start = len(os.path.join(os.fspath(directory), ""))
    for path in trees.files_below(directory):
        name = path[start:].replace(os.sep, "/")
        parts = name.split("/")
        if not _LEFTOVERS.isdisjoint(part.lower() for part in parts):
            continue
        if os.path.splitext(name)[1].lower() not in pictures.SUFFIXES:
            others.append(name)
        elif len(parts) == 1:
            flat.append(name)
        else:
            classes[parts[0]].append(name)
    return (sorted(flat, key=names.natural_key),
            {name: sorted(classes[name], key=names.natural_key) for name in sorted(classes)}, others)


def _notes(directory, entries, classes, others):
    if others:
        yield _describe_others(others)
    without = sorted(entry.name for entry in os.scandir(directory) if entry.name not in classes
                     and not entry.name.startswith(".") and entry.name.lower() not in _LEFTOVERS
                     and os.path.isdir(entry.path))
    if without:
        yield (f"sub-folders without images of their own, which make no classes: {len(without)}; "
               f"{names.first_few(without)}")
    if len(classes) == 1:
        (name, found), = classes.items()
        # As an archive is unpacked: the classes lie one folder deeper than --data_dir.
        deeper = all(image.count("/") > 1 for image in found)
        yield (f"one class, {names.printable(name)}: there is nothing to compare categories with, and "
               "tools/evaluate.py needs two" + ("; for its sub-folders as classes, give it as --data_dir"
                                                if deeper else ""))
    if len(entries) > 1 and _all_equal(directory, [name for name, _ in entries]):
        yield f"all {len(entries)} files have the same content, so that there is nothing to learn"


def _all_equal(directory, files):
    """Whether all files have the same content; looks only as far as the first that differs."""
    try:
        size = os.path.getsize(directory / files[0])
        if any(os.path.getsize(os.path.join(directory, name)) != size for name in files):
            return False
        first = (directory / files[0]).read_bytes()
        return all((directory / name).read_bytes() == first for name in files)
    except OSError:
        # What cannot be read is counted when it is decoded.
        return False


def _describe_others(others):
    if not others:
        return "there is nothing to read in it"
    return f"files that are no images by their names, and ignored: {len(others)}; {names.first_few(others)}"
