"""The files of a decoded image set: raw pixels, columns and a description.

| file | content |
|---|---|
| `images.uint8` | uint8 [N, H, W, C] in C order, without a header |
| `labels.npy`, `groups.npy` | int64 [N], see `ImageSet`; absent when the set has none |
| `names.npy` | str [N], likewise |
| `dataset_info.json` | version, shape, columns, class names, source, notes and origin |
"""

from __future__ import annotations

import contextlib
import io
import json
import math
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from eig_tf import files
from eig_tf.data.image_set import ImageSet, StoredImages
from eig_tf.errors import UserError

DESCRIPTION = "dataset_info.json"
# Raise it when the files change; docs/datasets.md, The cache, says more.
FORMAT_VERSION = 2
_IMAGES = "images.uint8"
_COLUMNS = {"labels": "i", "groups": "i", "names": "U"}
_FIELDS: dict[str, type | tuple[type, ...]] = {
    "shape": list, "columns": list, "class_names": list, "source": str, "notes": list,
    "origin": (dict, type(None))}


def write_images(directory: Path, batches: Iterable[np.ndarray]) -> StoredImages:
    """Write images to a directory, without holding them all in memory.

    Args:
        directory: an existing directory; see `files.replacing_directory`.
        batches: at least one array, uint8 [n, H, W, C], all of the same H, W and C.

    Returns:
        The images, memory-mapped.

    Raises:
        OSError: the file cannot be written.
    """
    path = directory / _IMAGES
    num, image_shape = 0, None
    with _naming_errors(path), path.open("wb") as file:
        for batch in batches:
            image_shape = image_shape or batch.shape[1:]
            if batch.dtype != np.uint8 or batch.shape[1:] != image_shape:
                raise ValueError(f"{batch.dtype} images of {batch.shape[1:]}; expected uint8 images of "
                                 f"{image_shape}")
            file.write(np.ascontiguousarray(batch).data)
            num += len(batch)
    return StoredImages(path, (num, *(image_shape or ())))


def write_columns(directory: Path, image_set: ImageSet, origin: dict[str, Any] | None = None) -> None:
    """Write everything except the images, which `write_images` has written.

    Args:
        directory: an existing directory.
        image_set: the set; only the shape of its images is used.
        origin: what the set was made from; see `prepared`.

    Raises:
        OSError: a file cannot be written.
    """
    columns = {name: getattr(image_set, name) for name in _COLUMNS if getattr(image_set, name) is not None}
    for name, column in columns.items():
        if len(column) != len(image_set.images):
            raise ValueError(f"{len(column)} {name} for {len(image_set.images)} images")
        content = io.BytesIO()
        np.save(content, np.asarray(column))
        # Given a path, np.save does not notice when the disk is full.
        path = directory / f"{name}.npy"
        with _naming_errors(path):
            path.write_bytes(content.getbuffer())
    info = {"format_version": FORMAT_VERSION, "shape": list(image_set.images.shape), "columns": list(columns),
            "class_names": list(image_set.class_names), "source": image_set.source,
            "notes": list(image_set.notes), "origin": origin}
    with _naming_errors(directory / DESCRIPTION):
        files.write_json(info, directory / DESCRIPTION)


def read_description(directory: str | os.PathLike, remedy: str) -> dict[str, Any]:
    """Read `dataset_info.json`.

    Args:
        directory: directory of the set.
        remedy: what users should do when it is damaged, for the error.

    Raises:
        UserError: the file is missing, damaged or of another version.
    """
    with _reporting_damage(directory, remedy):
        info = json.loads(Path(directory, DESCRIPTION).read_text(encoding="utf-8"))
        _check_description(info)
    return info


def read_image_set(directory: str | os.PathLike, remedy: str) -> ImageSet:
    """Read a set; its images stay in the file.

    Args:
        directory: directory of the set.
        remedy: what users should do when it is damaged, for the error.

    Raises:
        UserError: a file is missing, truncated or of another version, or the files do not fit together.
    """
    directory = Path(directory)
    info = read_description(directory, remedy)
    with _reporting_damage(directory, remedy):
        shape = tuple(info["shape"])
        size = (directory / _IMAGES).stat().st_size
        if size != math.prod(shape):
            raise ValueError(f"{_IMAGES} holds {size} bytes, expected {math.prod(shape)}")
        columns = {name: _read_column(directory / f"{name}.npy", shape[0]) for name in info["columns"]}
        labels = columns.get("labels")
        if labels is not None and not (labels.min() >= -1 and labels.max() < len(info["class_names"])):
            raise ValueError(f"labels.npy holds {labels.min()} to {labels.max()}, expected indices of "
                             f"{len(info['class_names'])} classes")
        return ImageSet(StoredImages(directory / _IMAGES, shape), class_names=tuple(info["class_names"]),
                        source=info["source"], notes=tuple(info["notes"]), **{"labels": None, **columns})


def _read_column(path: Path, num: int) -> np.ndarray:
    # File names take more memory than the other columns, and are rarely used.
    column = np.lib.format.open_memmap(path, mode="r")
    if column.shape != (num,) or column.dtype.kind != _COLUMNS[path.stem]:
        raise ValueError(f"{path.name} holds {column.dtype} {list(column.shape)}, expected one value for "
                         f"each of {num} images")
    return column if path.stem == "names" else np.array(column)


def _check_description(info: Any) -> None:
    if not isinstance(info, dict):
        raise ValueError(f"{DESCRIPTION} is not a JSON object")
    if info.get("format_version") != FORMAT_VERSION:
        raise ValueError(f"{DESCRIPTION} has the format_version {info.get('format_version')}, expected "
                         f"{FORMAT_VERSION}")
    for field, kind in _FIELDS.items():
        if field not in info or not isinstance(info[field], kind):
            raise ValueError(f"{DESCRIPTION} has {field} {info.get(field)!r}")
    shape = info["shape"]
    if len(shape) != 4 or not all(isinstance(length, int) and length > 0 for length in shape):
        raise ValueError(f"{DESCRIPTION} has shape {shape}, expected [N, H, W, C]")
    if not set(info["columns"]) <= set(_COLUMNS):
        raise ValueError(f"{DESCRIPTION} has columns {info['columns']}, expected some of {list(_COLUMNS)}")


@contextlib.contextmanager
def _reporting_damage(directory: str | os.PathLike, remedy: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, TypeError) as error:
        raise UserError(
            f"{directory} holds a decoded data set that cannot be read: {error}; {remedy}") from None


@contextlib.contextmanager
def _naming_errors(path: Path) -> Iterator[None]:
    """Add the path to errors of writing, such as that of a full disk, which lack it."""
    try:
        yield
    except OSError as error:
        if error.filename or error.errno is None:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from None
