"""ShapeNet renders: `<category>/<instance>/**.png`, one folder an object with its views (section 4)."""

import os
import re
from typing import Dict, NamedTuple, Tuple

from eig_tf.data import pictures, trees
from eig_tf.data.listing import Entry, Listing
from eig_tf.data.loaders import synsets
from eig_tf.errors import UserError

# What stanford-shapenet-renderer writes beside a picture: <model>_r_010_depth0001.png. Only the end of the
# name decides, since the models themselves are called model_normalized.
_SIDE_FILE = re.compile(r"_((depth|normal|albedo)(_?\d+)?|id\d{4})\.png$", re.IGNORECASE)
_NAMED = 3


class Category(NamedTuple):
    """What the folder of one category holds.

    Attributes:
        folder: its name.
        views: `{instance: paths of its views below the data directory}`, all in the order of their names.
        num_ignored: the renderer's files of depth, normals, albedo and ids.
        stray: names of PNG files beside the instances' folders.
    """

    folder: str
    views: Dict[str, Tuple[str, ...]]
    num_ignored: int
    stray: Tuple[str, ...]


def list_files(directory, config):
    """Lists the first `data.views` views of every object of the chosen categories.

    Objects with fewer views are used with those they have.

    Args:
        directory: `Path` of the directory of the categories' folders.
        config: see `eig_tf.config`; its `data` counts.

    Returns:
        A `Listing` with one class a category and one group an object.

    Raises:
        UserError: a category is missing, goes with two folders or has no views.
    """
    folders = _folders(directory)
    chosen, missing = synsets.resolve(config.data.categories, folders)
    if missing:
        raise UserError(f"{directory} lacks the categories {', '.join(missing)}; it holds the folders "
                        f"{', '.join(map(synsets.title, folders)) or 'none'}; expected those of "
                        f"{synsets.FLAG}, where NAME=FOLDER names a folder")
    categories = [scan(directory, folder) for folder in chosen.values()]
    for category in categories:
        if not any(category.views.values()):
            raise UserError(f"{directory / category.folder} holds no views; expected PNG files in folders "
                            f"{category.folder}/<instance>")
    instances = [(label, views) for label, category in enumerate(categories)
                 for views in category.views.values() if views]
    size, channels = config.data.image_size, config.data.channels
    return Listing(
        dataset=config.dataset, directory=directory,
        entries=tuple(Entry(name, label, group) for group, (label, views) in enumerate(instances)
                      for name in views[:config.data.views]),
        class_names=tuple(chosen), source=f"ShapeNet renders, {directory}",
        decode=lambda path, entry: decode(path, size, channels),
        options={"image_size": size, "channels": channels}, loader=__name__,
        max_unreadable=config.data.max_unreadable,
        notes=tuple(note for category in categories for note in _notes(category, config.data.views)))


def check(directory, config):
    """What a directory holds and lacks of the chosen categories.

    Args:
        directory: `Path` of an existing directory.
        config: see `list_files`.

    Returns:
        Lines for people.
    """
    folders = _folders(directory)
    try:
        chosen, missing = synsets.resolve(config.data.categories, folders)
    except UserError as error:
        return [str(error)]
    lines = []
    for name, folder in chosen.items():
        category = scan(directory, folder)
        numbers = [len(views) for views in category.views.values() if views]
        lines.append(
            f"{name}: folder {synsets.title(folder)}, {len(numbers)} instances, {sum(numbers)} views")
        lines.extend(_notes(category, config.data.views))
        if category.num_ignored:
            lines.append(
                f"{folder}: {category.num_ignored} files of depth, normals, albedo or ids are not read")
    if missing:
        lines.append(f"missing categories: {', '.join(missing)}")
    others = [synsets.title(folder) for folder in folders if folder not in chosen.values()]
    if others:
        lines.append(f"folders that are not used: {', '.join(others)}")
    return lines


def decode(path, size, channels):
    """Reads one view, transparency over white; the whole of it where it is not square.

    Returns:
        uint8 [1, size, size, channels].

    Raises:
        pictures.Unreadable: the file is damaged.
    """
    return pictures.fit(pictures.read(path, channels), size, pictures.PAD)[None]


def scan(directory, folder):
    """Finds the views of one category.

    Args:
        directory: `Path` of the data directory.
        folder: name of the category's folder in it.

    Returns:
        A `Category`.
    """
    views, num_ignored, stray = {}, 0, []
    for path in sorted((directory / folder).iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_dir():
            files = [file for file in trees.files_below(path) if file.lower().endswith(".png")]
            kept = [file for file in files if not _SIDE_FILE.search(file)]
            num_ignored += len(files) - len(kept)
            views[path.name] = tuple(sorted(_below(directory, file) for file in kept))
        elif path.suffix.lower() == ".png":
            stray.append(path.name)
    return Category(folder, views, num_ignored, tuple(stray))


def _folders(directory):
    return sorted(path.name for path in directory.iterdir()
                  if path.is_dir() and not path.name.startswith("."))


def _below(directory, file):
    return os.path.relpath(file, directory).replace(os.sep, "/")


def _notes(category, num_views):
    """Sentences on objects that have fewer views than asked for, or none, and on stray files."""
    few = [f"{name} has {len(views)}" for name, views in category.views.items() if 0 < len(views) < num_views]
    none = [name for name, views in category.views.items() if not views]
    notes = []
    for texts, what in ((few, f"instances with fewer than {num_views} views"),
                        (none, "instances without views, left out"),
                        (category.stray, "PNG files beside the instances' folders, left out")):
        if texts:
            more = f" and {len(texts) - _NAMED} more" if len(texts) > _NAMED else ""
            notes.append(f"{category.folder}: {len(texts)} {what}: {', '.join(texts[:_NAMED])}{more}")
    return notes
