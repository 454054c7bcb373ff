"""ShapeNet: `<category>/<object>/**.png`, one folder for each object with its renders (section 4)."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from ml_collections import config_dict

from eig_tf.data import pictures, synsets
from eig_tf.data.listing import Entry, Listing
from eig_tf.data.names import files_below, first_few
from eig_tf.errors import UserError

DECODER_VERSION = 1
# Other files of stanford-shapenet-renderer: <model>_r_010_depth0001.png. Only the end of the name decides,
# since the models themselves are called model_normalized.
_NOT_A_RENDER = re.compile(r"_((depth|normal|albedo)(_?\d+)?|id\d{4})\.png$", re.IGNORECASE)


class Category(NamedTuple):
    """What the folder of one category contains.

    Attributes:
        folder: its name.
        renders: `{object: paths of its renders below the data directory}`, sorted by name.
        num_ignored: number of the renderer's files of depth, normals, albedo and ids.
        stray: names of PNG files beside the folders of the objects.
    """

    folder: str
    renders: dict[str, tuple[str, ...]]
    num_ignored: int
    stray: tuple[str, ...]


def list_files(directory: Path, config: config_dict.ConfigDict) -> Listing:
    """List the first `data.views` renders of every object of the chosen categories.

    Objects with fewer renders are used with those they have.

    Args:
        directory: directory of the categories' folders.
        config: its `data` is used.

    Returns:
        One class for each category and one group for each object.

    Raises:
        UserError: a category is missing, matches two folders or has no renders.
    """
    folders = _list_folders(directory)
    chosen, missing = synsets.resolve(config.data.categories, folders)
    if missing:
        raise UserError(f"{directory} lacks the categories {', '.join(missing)}; it holds the folders "
                        f"{', '.join(map(synsets.title, folders)) or 'none'}; expected those of "
                        f"{synsets.FLAG}, where NAME=FOLDER names a folder")
    categories = [scan_category(directory, folder) for folder in chosen.values()]
    for category in categories:
        if not any(category.renders.values()):
            raise UserError(f"{directory / category.folder} holds no renders; expected PNG files in folders "
                            f"{category.folder}/<object>")
    objects = [(label, renders) for label, category in enumerate(categories)
               for renders in category.renders.values() if renders]
    size, channels = config.data.image_size, config.data.channels
    return Listing(
        dataset=config.dataset, directory=directory,
        entries=tuple(Entry(name, label, group) for group, (label, renders) in enumerate(objects)
                      for name in renders[:config.data.views]),
        class_names=tuple(chosen), source=f"ShapeNet renders, {directory}",
        decode=lambda path, entry: decode_render(path, size, channels),
        options={"image_size": size, "channels": channels}, version=DECODER_VERSION,
        max_unreadable=config.data.max_unreadable,
        notes=tuple(note for category in categories for note in _category_notes(category, config.data.views)))


def check_directory(directory: Path, config: config_dict.ConfigDict) -> list[str]:
    """Return what a directory contains and lacks; see `eig_tf.data.loaders`."""
    folders = _list_folders(directory)
    try:
        chosen, missing = synsets.resolve(config.data.categories, folders)
    except UserError as error:
        return [str(error)]
    lines = []
    for name, folder in chosen.items():
        category = scan_category(directory, folder)
        numbers = [len(renders) for renders in category.renders.values() if renders]
        lines.append(
            f"{name}: folder {synsets.title(folder)}, {len(numbers)} objects, {sum(numbers)} renders")
        lines += _category_notes(category, config.data.views)
        if category.num_ignored:
            lines.append(
                f"{folder}: {category.num_ignored} files of depth, normals, albedo or ids are not read")
    if missing:
        lines.append(f"missing categories: {', '.join(missing)}")
    others = [synsets.title(folder) for folder in folders if folder not in chosen.values()]
    if others:
        lines.append(f"folders that are not used: {', '.join(others)}")
    return lines


def decode_render(path: Path, size: int, channels: int) -> np.ndarray:
    """Read one render, transparency over white; a render that is not square is padded.

    Returns:
        uint8 [1, size, size, channels].

    Raises:
        Unreadable: the file is damaged.
    """
    return pictures.fit(pictures.read(path, channels), size, pictures.PAD)[np.newaxis]


def scan_category(directory: Path, folder: str) -> Category:
    """Find the renders of one category.

    Args:
        directory: the data directory.
        folder: name of the category's folder in it.
    """
    renders, num_ignored, stray = {}, 0, []
    for path in sorted((directory / folder).iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_dir():
            found = [file for file in files_below(path) if file.lower().endswith(".png")]
            kept = [file for file in found if not _NOT_A_RENDER.search(file)]
            num_ignored += len(found) - len(kept)
            renders[path.name] = tuple(sorted(
                os.path.relpath(file, directory).replace(os.sep, "/") for file in kept))
        elif path.suffix.lower() == ".png":
            stray.append(path.name)
    return Category(folder, renders, num_ignored, tuple(stray))


def _list_folders(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir()
                  if path.is_dir() and not path.name.startswith("."))


def _category_notes(category: Category, num_renders: int) -> list[str]:
    """Return sentences on objects with fewer renders than asked for, or none, and on stray files."""
    few = [f"{name} has {len(renders)}" for name, renders in category.renders.items()
           if 0 < len(renders) < num_renders]
    without = [name for name, renders in category.renders.items() if not renders]
    kinds: tuple[tuple[Sequence[str], str], ...] = (
        (few, f"objects with fewer than {num_renders} renders"),
        (without, "objects without renders, left out"),
        (category.stray, "PNG files beside the folders of the objects, left out"))
    return [f"{category.folder}: {len(texts)} {what}: {first_few(texts)}" for texts, what in kinds if texts]
