"""Prepared data sets: decoded images that replace the original files, see tools/prepare_data.py.

A prepared set is a directory with the files of `storage`. Its description also holds the origin: the data
set, the options that chose its images, and the seed where it drew the classes.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from ml_collections import config_dict

from eig_tf import config as config_lib
from eig_tf import files, progress
from eig_tf.data import class_sets, storage
from eig_tf.data.image_set import ImageSet
from eig_tf.errors import UserError

_CHUNK = 256
_REMEDY = "prepare the data set again with tools/prepare_data.py"
# The only option in `data` that is applied after reading.
_IMBALANCE = "imbalance"


def is_prepared(directory: str | os.PathLike) -> bool:
    """Return whether a directory holds a prepared set."""
    return Path(directory, storage.DESCRIPTION).is_file()


def check_output(directory: str | os.PathLike) -> None:
    """Check that a set can be written to `directory`: it is absent or empty.

    Raises:
        UserError: it is neither.
    """
    directory = Path(directory).expanduser()
    if directory.exists() and not directory.is_dir():
        raise UserError(f"--out is {str(directory)!r}, which is not a directory; expected a new or empty one")
    if directory.exists() and any(directory.iterdir()):
        raise UserError(f"--out is {str(directory)!r}, which is not empty; expected a new or empty directory")


def write_prepared(image_set: ImageSet, config: config_dict.ConfigDict, directory: str | os.PathLike) -> None:
    """Write a data set atomically.

    A process that is killed leaves a hidden temporary directory beside `directory`, which is harmless.

    Args:
        image_set: the whole set, before imbalance.
        config: the config that it was loaded with.
        directory: where to write it; absent or empty.

    Raises:
        UserError: the directory is neither absent nor empty.
        OSError: it cannot be written.
    """
    # A link to an empty directory stays a link.
    directory = Path(directory).expanduser().resolve()
    check_output(directory)
    images = image_set.images
    with files.replacing_directory(directory) as temporary:
        with progress.stage(f"writes {len(images):,} images"):
            storage.write_images(temporary, (np.asarray(images[start:start + _CHUNK])
                                             for start in range(0, len(images), _CHUNK)))
        storage.write_columns(temporary, image_set, _origin(config))
        # Again, since another process may have written it in the meantime.
        check_output(directory)
        if directory.exists():
            directory.rmdir()


def load_prepared(directory: str | os.PathLike, config: config_dict.ConfigDict) -> ImageSet:
    """Read a prepared set; its images stay in the file.

    Args:
        directory: directory that `write_prepared` wrote.
        config: must choose the images that were prepared; `data.imbalance` is free.

    Returns:
        The whole set, as it was before it was written.

    Raises:
        UserError: the config chooses other images, or a file is missing, damaged or of another version.
    """
    _check_origin(directory, storage.read_description(directory, _REMEDY)["origin"], config)
    return storage.read_image_set(directory, _REMEDY)


def describe_prepared(directory: str | os.PathLike) -> str:
    """Return what a prepared set contains, from its description alone.

    Raises:
        UserError: the description is missing, damaged or of another version.
    """
    info = storage.read_description(directory, _REMEDY)
    num, *shape = info["shape"]
    return (f"{directory} was prepared from {info['source']}: {num} images of {' x '.join(map(str, shape))}, "
            f"{len(info['class_names']) or 'no'} classes")


def _origin(config: config_dict.ConfigDict) -> dict[str, Any]:
    """Return what decides which images a data set has, as JSON can represent it."""
    data = {name: value for name, value in config.data.to_dict().items() if name != _IMBALANCE}
    seed = config.seed if data.get("class_set") == class_sets.RANDOM else None
    return {"dataset": config.dataset, "data": data, "seed": seed}


def _check_origin(directory: str | os.PathLike, found: Any, config: config_dict.ConfigDict) -> None:
    """Raise a `UserError` that names the flags by which a config chooses other images."""
    asked = _origin(config)
    if not isinstance(found, dict) or found.keys() != asked.keys() or not isinstance(found["data"], dict):
        raise UserError(f"{directory}: {storage.DESCRIPTION} does not say what the set was prepared from; "
                        f"{_REMEDY}")
    if found["dataset"] != asked["dataset"]:
        raise UserError(f"{directory} was prepared for --dataset={found['dataset']}, not {asked['dataset']}; "
                        "expected the same data set")
    # Fields that a later version added have the preset's value.
    old_data = {**config_lib.load_preset(config.dataset).data.to_dict(), **found["data"]}
    pairs = [(f"data.{name}", old_data.get(name), asked["data"].get(name))
             for name in sorted(old_data.keys() | asked["data"].keys()) if name != _IMBALANCE]
    # Unless both draw their classes, the class sets differ, and the seeds do not matter.
    if None not in (found["seed"], asked["seed"]):
        pairs.append(("seed", found["seed"], asked["seed"]))
    different = [f"{config_lib.flag(field)} is {old} there, {new} here"
                 for field, old, new in pairs if old != new]
    if different:
        raise UserError(f"{directory} was prepared with other options: {'; '.join(different)}; expected the "
                        "same options, or a set that was prepared with these")
