"""What a data directory contains and lacks, without decoding images."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from ml_collections import config_dict

from eig_tf.data import imbalance, listing, prepared, registry
from eig_tf.errors import UserError


def check_data(config: config_dict.ConfigDict, data_dir: str | os.PathLike | None = None) -> Iterator[str]:
    """Yield lines on what is found and missing, and stop where training would.

    Args:
        config: see `eig_tf.config`.
        data_dir: see `registry.load`.

    Raises:
        UserError: training cannot start from this directory; raised after the lines that explain why.
        OSError: a directory or file cannot be read.
    """
    imbalance.check_split(config)
    loader = registry.find_loader(config.dataset)
    if data_dir is not None and prepared.is_prepared(data_dir):
        yield prepared.describe_prepared(data_dir)
        image_set = prepared.load_prepared(data_dir, config)
        imbalance.split_counts(config, imbalance.available_units(image_set))
        _check_batch_size(config, data_dir, len(image_set.images))
    elif hasattr(loader, "load_images"):
        yield from loader.check_directory(None if data_dir is None else Path(data_dir), config)
    else:
        directory = registry.find_directory(config.dataset, data_dir)
        yield from loader.check_directory(directory, config)
        found = loader.list_files(directory, config)
        listing.check_listing(found)
        # Counts of units are not known before decoding; their number is what fractions must fit.
        imbalance.split_counts(config, [1] * len(found.class_names))
        yield f"{len(found.entries)} files would be read, of {len(found.class_names) or 'no'} classes"
        _check_batch_size(config, directory, len(found.entries) * found.images_per_file)


def _check_batch_size(config: config_dict.ConfigDict, directory: str | os.PathLike, num_images: int) -> None:
    if num_images < config.training.batch_size:
        raise UserError(f"--config.training.batch_size is {config.training.batch_size}; {directory} holds "
                        f"{num_images} images; expected no more than that")
