"""3D Chairs: `rendered_chairs/<id>/renders/*.png`, 62 renders of each chair (section 4)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from ml_collections import config_dict
from PIL import Image, ImageOps

from eig_tf.data import class_sets, pictures
from eig_tf.data.listing import Entry, Listing
from eig_tf.data.names import first_few
from eig_tf.errors import UserError

DECODER_VERSION = 1
ROOT = "rendered_chairs"
NUM_RENDERS = 62
# Number of folders in the published archive; the paper says 1,396.
NUM_ORIGINAL = 1393
# 400 of the 600 pixels of the originals, as is usual for this data set.
CROP_SHARE = 2 / 3


def list_files(directory: Path, config: config_dict.ConfigDict) -> Listing:
    """List the renders of the chairs of a class set.

    Args:
        directory: `rendered_chairs` or the directory that contains it.
        config: its `data` is used, and its `seed` for random class sets.

    Returns:
        One class for each chair, whose name is the id, such as `0965`; see `chair_folders`.

    Raises:
        UserError: there are no chairs, the class set has ids that were not found, or a chosen chair has no
            renders.
    """
    folders = chair_folders(directory)
    if not folders:
        raise UserError(f"{directory} holds no folders <id>/renders; expected those of 3D Chairs, see "
                        "docs/datasets.md")
    chosen = class_sets.choose_classes(config.data.class_set, folders, config.dataset, config.seed)
    renders = {chair: _list_renders(directory, folders[chair]) for chair in chosen}
    for chair, names in renders.items():
        if not names:
            raise UserError(f"{directory / folders[chair]}, chair {chair}, holds no PNG files; expected its "
                            f"{NUM_RENDERS} renders, or a class set without it")
    size, channels = config.data.image_size, config.data.channels
    return Listing(
        dataset=config.dataset, directory=directory,
        entries=tuple(Entry(name, label, None) for label, names in enumerate(renders.values())
                      for name in names),
        class_names=tuple(chosen), source=f"3D Chairs, {directory}",
        decode=lambda path, entry: decode_render(path, size, channels),
        options={"image_size": size, "channels": channels}, version=DECODER_VERSION,
        max_unreadable=config.data.max_unreadable,
        notes=(*_incomplete_lines(renders), *_paper_note(folders, config.data.class_set)))


def check_directory(directory: Path, config: config_dict.ConfigDict) -> list[str]:
    """Return what a directory contains and lacks; see `eig_tf.data.loaders`."""
    folders = chair_folders(directory)
    root = directory / _find_root(directory)
    renders = {chair: _list_renders(directory, folder) for chair, folder in folders.items()}
    lines = [f"{len(folders)} folders <id>/renders below {root}", *_incomplete_lines(renders)]
    counted = {Path(folder).parent.name for folder in folders.values()}
    others = sorted(path.name for path in root.iterdir() if path.is_dir() and path.name not in counted)
    if others:
        lines.append(f"{len(others)} folders lack a folder renders and are not counted: {first_few(others)}")
    lines += class_sets.check_paper_class_sets(folders, config.dataset)
    if len(folders) < NUM_ORIGINAL:
        lines.append("the paper's ids are positions among the folders of the original set, "
                     f"{NUM_ORIGINAL:,} or more; here are {len(folders)}, so that an id means another chair")
    return lines


def chair_folders(directory: Path) -> dict[str, str]:
    """Return the chairs by id: positions in the sorted order of the folders' names, counted from 1.

    The paper prints numbers such as `0965`, from 45 to 1372, and does not say what they count; the
    folders' own names are hashes. Positions in sorted order are the simplest reading, and its ids of cars
    start at 1 too. Only folders with a folder `renders` are counted, in the order of the code points of
    their names, without hidden ones. Every use of an id goes through this function.

    Args:
        directory: `rendered_chairs` or the directory that contains it.

    Returns:
        `{"0001": "<id>/renders", ...}` in order; paths below `directory` with "/".
    """
    root = _find_root(directory)
    names = sorted(path.name for path in (directory / root).iterdir()
                   if not path.name.startswith(".") and (path / "renders").is_dir())
    return {f"{position:04d}": (root / name / "renders").as_posix()
            for position, name in enumerate(names, start=1)}


def decode_render(path: Path, size: int, channels: int) -> np.ndarray:
    """Read one render; see `pictures.read` and `crop_to_chair`.

    Returns:
        uint8 [1, size, size, channels].

    Raises:
        Unreadable: the file is damaged.
    """
    cropped = crop_to_chair(pictures.read(path, channels))
    return pictures.to_array(cropped.resize((size, size), Image.Resampling.LANCZOS))[np.newaxis]


def crop_to_chair(picture: Image.Image) -> Image.Image:
    """Cut out the middle of a render: a square of 2/3 of the side, the same for all renders.

    A box fitted to each render would make all chairs equally large and hide by how much a chair is
    turned. Only where the chair, which is everything that is not white, reaches beyond the square does
    the square grow about its centre until nothing is cut off; a picture without a white border is kept
    entirely.

    Args:
        picture: a PIL image of mode `L` or `RGB`.

    Returns:
        A square PIL image.
    """
    width, height = picture.size
    left, top, right, bottom = ImageOps.invert(picture).getbbox() or (width / 2, height / 2) * 2
    reach = max(width / 2 - left, right - width / 2, height / 2 - top, bottom - height / 2)
    side = max(round(CROP_SHARE * min(width, height)), 2 * math.ceil(reach))
    return pictures.crop(picture, width / 2, height / 2, side, side)


def _find_root(directory: Path) -> Path:
    """Return the path of the chairs' folders below the directory."""
    return Path(ROOT) if (directory / ROOT).is_dir() else Path()


def _list_renders(directory: Path, folder: str) -> list[str]:
    return sorted(f"{folder}/{path.name}" for path in (directory / folder).iterdir()
                  if path.suffix.lower() == ".png" and not path.name.startswith("."))


def _incomplete_lines(renders: Mapping[str, list[str]]) -> tuple[str, ...]:
    """Return a line on the chairs with fewer than 62 renders; none when all are complete."""
    few = [f"{chair} has {len(names)}" for chair, names in renders.items() if len(names) < NUM_RENDERS]
    return (f"chairs with fewer than {NUM_RENDERS} renders: {len(few)}; {first_few(few)}",) if few else ()


def _paper_note(folders: Mapping[str, str], class_set: str) -> tuple[str, ...]:
    if not class_set.isdigit() or len(folders) >= NUM_ORIGINAL:
        return ()
    return (f"--class_set={class_set} counts the folders of the original set, {NUM_ORIGINAL:,} or more; with "
            f"{len(folders)} folders these are other chairs than the paper's",)
