"""The data sets by name."""

import importlib
from pathlib import Path

from eig_tf import files
from eig_tf.data import imbalance, listing, shards
from eig_tf.errors import UserError

# Small sets that are read whole; the others are listed, decoded once and read from the cache.
IN_MEMORY = ("digits", "mnist")
DATASETS = (*IN_MEMORY, "cars", "chairs", "shapenet", "ytf", "folder")


def load(config, data_dir=None, cache_dir=None):
    """Loads all that a config may draw its training images from, as `ImageSet`.

    Args:
        config: see `eig_tf.config`; its dataset, `data` and, for random class sets, its seed count.
        data_dir: where the set's files lie, or the shards that `tools/prepare_data.py` made of them;
            only `digits` and `mnist` do without.
        cache_dir: where decoded sets are kept; the user's cache directory when None.

    Raises:
        UserError: there is no such set, or its loader finds its files missing or damaged.
    """
    loader = find_loader(config.dataset)
    cache_dir = cache_dir or files.default_cache_dir()
    if data_dir is not None and shards.is_prepared(data_dir):
        return shards.load(data_dir, config, cache_dir)
    if config.dataset in IN_MEMORY:
        return loader.load(data_dir)
    return listing.load(loader.list_files(find_directory(config.dataset, data_dir), config), cache_dir)


def load_split(config, data_dir=None, cache_dir=None):
    """Loads a data set and draws the class-imbalanced subset that a config trains on.

    Returns:
        The whole `ImageSet` and the `ImageSet` of the subset.
    """
    imbalance.check_split(config)  # before a download that would be in vain
    whole = load(config, data_dir, cache_dir)
    if config.data.imbalance == imbalance.NONE:
        return whole, whole
    counts = imbalance.split_counts(config, imbalance.available_units(whole))
    subset = whole.subset(imbalance.draw(whole, counts, config.seed))
    return whole, subset._replace(notes=(*subset.notes, *imbalance.notes(config)))


def find_loader(dataset):
    """The module that reads a data set; a `UserError` when there is none."""
    if dataset not in DATASETS:
        raise UserError(f"--dataset is {dataset!r}; expected one of {', '.join(DATASETS)}")
    return importlib.import_module(f"eig_tf.data.loaders.{dataset}")


def find_directory(dataset, data_dir):
    """The directory of a set's files as `Path`; a `UserError` when it is not given or none."""
    if data_dir is None:
        raise UserError(f"--data_dir is missing; --dataset={dataset} needs the directory of its files, see "
                        "docs/datasets.md")
    if not Path(data_dir).is_dir():
        raise UserError(f"--data_dir is {str(data_dir)!r}, which is no directory; expected that of "
                        f"--dataset={dataset}, see docs/datasets.md")
    # As runs record it: the cache knows a set by its path, and a relative one would be decoded again.
    return Path(data_dir).absolute()
