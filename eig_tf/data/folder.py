"""A folder of the user's own images: flat, or one sub-folder a class."""

import collections
import re
from pathlib import Path

from eig_tf.data import pictures, trees
from eig_tf.data.listing import Entry, Listing
from eig_tf.errors import UserError

_LEFTOVERS = ("__MACOSX", "Thumbs.db", "desktop.ini")
_NAMED = 3


def list_files(directory, config):
    """Lists the images of a folder.

    Images directly in the folder make a set without labels. Where there are only sub-folders, each is a
    class, with all images below it at any depth. Classes come in the order of their names' code points,
    images in natural order: `2.png` before `10.png`.

    Args:
        directory: `Path` of the folder.
        config: see `eig_tf.config`; its `data` counts.

    Returns:
        A `Listing`.

    Raises:
        UserError: there are no images, or some lie in sub-folders and some beside them.
    """
    flat, classes, others = _scan(directory)
    if not flat and not classes:
        raise UserError(f"{directory} holds no images: {_describe_others(others)}; expected files named "
                        f"{', '.join('*' + suffix for suffix in pictures.SUFFIXES)}, in the folder or in one "
                        "sub-folder a class")
    if flat and classes:
        raise UserError(f"{directory} holds {len(flat)} images beside {len(classes)} sub-folders with images "
                        f"({_some(classes)}); expected either images alone, or one sub-folder a class and "
                        "no images beside them")
    labelled = [(name, label) for label, names in enumerate(classes.values()) for name in names]
    entries = labelled or [(name, 0) for name in flat]
    options = config.data
    size, channels, resize = options.image_size, options.channels, options.resize
    return Listing(
        dataset=config.dataset, directory=directory,
        entries=tuple(Entry(name, label, None) for name, label in entries),
        class_names=tuple(classes), source=f"the folder {directory}",
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
    lines += [f"  {name}: {len(names)} images" for name, names in classes.items()]
    if others:
        lines.append(_describe_others(others))
    return [*lines, *_notes(directory, [(name, 0) for name in flat] + [
        (name, 0) for names in classes.values() for name in names], classes, ())]


def natural_key(text):
    """Sorts numbers in names by their value: `2.png` before `10.png`."""
    return [(int(part), part) if part.isdecimal() and part.isascii() else (-1, part)
            for part in re.split(r"([0-9]+)", text)]


def _scan(directory):
    """Images directly in the folder, those of each sub-folder, and all other files; names with "/"."""
    flat, classes, others = [], collections.defaultdict(list), []
    for path in trees.files_below(directory):
        parts = Path(path).relative_to(directory).parts
        if any(part in _LEFTOVERS for part in parts):
            continue
        name = "/".join(parts)
        if Path(path).suffix.lower() not in pictures.SUFFIXES:
            others.append(name)
        elif len(parts) == 1:
            flat.append(name)
        else:
            classes[parts[0]].append(name)
    return (sorted(flat, key=natural_key),
            {name: sorted(classes[name], key=natural_key) for name in sorted(classes)}, others)


def _notes(directory, entries, classes, others):
    if others:
        yield _describe_others(others)
    if len(classes) == 1:
        yield (f"one class, {next(iter(classes))}: there is nothing to compare categories with, and "
               "tools/evaluate.py needs two")
    if len(entries) > 1 and _all_equal([directory / name for name, _ in entries]):
        yield f"all {len(entries)} files have the same content, so that there is nothing to learn"


def _all_equal(paths):
    """Whether all files have the same content; reads them only as far as the first that differs."""
    if len({path.stat().st_size for path in paths}) > 1:
        return False
    try:
        first = paths[0].read_bytes()
        return all(path.read_bytes() == first for path in paths[1:])
    except OSError:
        # What cannot be read is counted when it is decoded.
        return False


def _describe_others(others):
    if not others:
        return "it is empty"
    return f"{len(others)} files are no images by their names and are ignored: {_some(others)}"


def _some(names):
    names = list(names)
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
