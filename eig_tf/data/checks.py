"""What a data directory contains and lacks; of the user's own images, also how to train on them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from ml_collections import config_dict

from eig_tf.data import advice, imbalance, listing, prepared, registry, survey
from eig_tf.errors import UserError


def check_data(config: config_dict.ConfigDict, data_dir: str | os.PathLike | None = None) -> Iterator[str]:
    """Yield lines on what is found and missing, and stop where training would.

    The user's own images are read once, in reduced size, for near-duplicates and suggestions; images of
    other sets are not decoded.

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
        users = getattr(loader, "USER_IMAGES", False)
        if not users:
            listing.check_listing(found)
        # Counts of units are not known before decoding; their number is what fractions must fit.
        partly = any(entry.label < 0 for entry in found.entries)
        imbalance.split_counts(config, [] if partly else [1] * len(found.class_names))
        yield f"{len(found.entries)} files would be read, of {len(found.class_names) or 'no'} classes"
        num_images = len(found.entries) * found.images_per_file
        if users:
            seen = survey.survey_images(found)
            yield from survey.survey_lines(seen)
            if seen.entries:
                yield from advice.advice_lines(advice.advise(seen, found, config))
            listing.check_decoded(found, seen.entries, seen.unreadable)
            listing.check_share(found, seen.unreadable)
            num_images = len(seen.entries)
        _check_batch_size(config, directory, num_images)


def _check_batch_size(config: config_dict.ConfigDict, directory: str | os.PathLike, num_images: int) -> None:
    if num_images < config.training.batch_size:
        raise UserError(f"--config.training.batch_size is {config.training.batch_size}; {directory} holds "
                        f"{num_images} images; expected no more than that")
