"""The data sets by name."""

from __future__ import annotations

import importlib
import os
import pkgutil
from pathlib import Path
from types import ModuleType

import numpy as np
from ml_collections import config_dict

from eig_tf import files
from eig_tf.data import imbalance, listing, loaders, prepared
from eig_tf.data.image_set import ImageSet
from eig_tf.errors import UserError


def dataset_names() -> list[str]:
    """Return the names of the data sets, which are the modules of `loaders`, sorted."""
    return sorted(module.name for module in pkgutil.iter_modules(loaders.__path__))


def load(config: config_dict.ConfigDict, data_dir: str | os.PathLike | None = None,
         cache_dir: str | os.PathLike | None = None) -> ImageSet:
    """Load all images from which a config may draw its training images.

    Args:
        config: its `dataset`, its `data` and, for random class sets, its `seed` are used.
        data_dir: directory of the files of the data set, or of a set that `tools/prepare_data.py` wrote;
            `digits` and `mnist` can do without. For `folder`, a list of files or an archive too.
        cache_dir: directory of decoded sets; the user's cache directory when None.

    Raises:
        UserError: there is no such data set, or its files are missing or damaged.
        OSError: a file cannot be read, or the cache cannot be written.
    """
    loader = find_loader(config.dataset)
    if data_dir is not None and prepared.is_prepared(data_dir):
        return prepared.load_prepared(data_dir, config)
    if hasattr(loader, "load_images"):
        return loader.load_images(data_dir)
    found = loader.list_files(find_directory(config.dataset, data_dir), config)
    return listing.load_listing(found, cache_dir or files.default_cache_dir())


def load_split(config: config_dict.ConfigDict, data_dir: str | os.PathLike | None = None,
               cache_dir: str | os.PathLike | None = None) -> tuple[ImageSet, ImageSet]:
    """Load a data set and draw the class-imbalanced subset that a config trains on.

    Args:
        config: see `eig_tf.config`.
        data_dir: see `load`.
        cache_dir: see `load`.

    Returns:
        The whole set and the subset.

    Raises:
        UserError: the data set has no such split, or see `load`.
    """
    imbalance.check_split(config)  # Before a download or decoding that would be wasted.
    whole = load(config, data_dir, cache_dir)
    if config.data.imbalance == imbalance.NONE:
        return whole, whole
    subset = whole.subset(training_indices(config, whole))
    return whole, subset._replace(notes=(*subset.notes, *imbalance.split_notes(config)))


def left_out_images(config: config_dict.ConfigDict, whole: ImageSet) -> ImageSet | None:
    """Return the images of a data set that the class-imbalanced subset of a config leaves out.

    Args:
        config: see `load_split`.
        whole: the whole set, see `load_split`.

    Returns:
        The images in the order of the whole set, with labels; None when the subset is the whole set.

    Raises:
        UserError: the data set has no such split.
    """
    rest = np.setdiff1d(np.arange(len(whole.images)), training_indices(config, whole))
    return whole.subset(rest) if len(rest) else None


def find_loader(dataset: str) -> ModuleType:
    """Return the module that reads a data set, see `loaders`.

    Raises:
        UserError: there is no such data set.
    """
    if dataset not in dataset_names():
        raise UserError(f"--dataset is {dataset!r}; expected one of {', '.join(dataset_names())}")
    return importlib.import_module(f"{loaders.__name__}.{dataset}")


def find_directory(dataset: str, data_dir: str | os.PathLike | None) -> Path:
    """Return the absolute path of the directory of a data set's files; of the user's images, or of a file.

    Raises:
        UserError: it is not given, or is not a directory.
    """
    if data_dir is None:
        raise UserError(f"--data_dir is missing; --dataset={dataset} needs the directory of its files, see "
                        "docs/datasets.md")
    if getattr(find_loader(dataset), "USER_IMAGES", False):
        if not (Path(data_dir).is_dir() or Path(data_dir).is_file()):
            raise UserError(f"--data_dir is {str(data_dir)!r}, which is neither a directory nor a file; "
                            "expected a folder, a list or an archive of images, see docs/datasets.md")
    elif not Path(data_dir).is_dir():
        raise UserError(f"--data_dir is {str(data_dir)!r}, which is not a directory; expected that of "
                        f"--dataset={dataset}, see docs/datasets.md")
    # The cache's key includes the path, and runs record it: a relative path would be decoded again.
    return Path(data_dir).absolute()


def training_indices(config: config_dict.ConfigDict, whole: ImageSet) -> np.ndarray:
    """Return the sorted indices, in a whole set, of the images that a config trains on.

    Raises:
        UserError: the data set has no such split.
    """
    if config.data.imbalance == imbalance.NONE:
        return np.arange(len(whole.images))
    counts = imbalance.split_counts(config, imbalance.available_units(whole))
    return imbalance.draw_subset(whole, counts, config.seed)
