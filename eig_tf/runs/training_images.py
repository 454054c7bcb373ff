"""The images that a run was trained on, and how they are told from others."""

from __future__ import annotations

import hashlib
import os
from typing import Any

import numpy as np
from ml_collections import config_dict

from eig_tf.data import registry
from eig_tf.data.image_set import ImageSet
from eig_tf.errors import UserError
from eig_tf.runs.run_directory import RunDirectory


def fingerprint_images(image_set: ImageSet) -> dict[str, Any]:
    """Return what tells a training set from others, wherever its files lie.

    Returns:
        `num_images`, and `digest`, of a hundred of the images.
    """
    num = len(image_set.images)
    some = np.unique(np.linspace(0, num - 1, 100).astype(np.int64))
    return {"num_images": num, "digest": hashlib.sha256(image_set.images[some].tobytes()).hexdigest()[:16]}


def load_training_images(directory: RunDirectory, config: config_dict.ConfigDict,
                         data_dir: str | os.PathLike | None = None,
                         cache_dir: str | os.PathLike | None = None) -> tuple[ImageSet, ImageSet]:
    """Load the images that a run was trained on.

    Args:
        directory: the run.
        config: its config.
        data_dir: directory of the data set; that of the training when None.
        cache_dir: directory of decoded sets; the user's cache directory when None.

    Returns:
        The whole set and the training images, with a note if these are not bit for bit those of the
        training; another decoder can be the cause too.

    Raises:
        UserError: there are more or fewer images than in the training, or see `registry.load_split`.
    """
    environment = directory.load_environment()
    whole, image_set = registry.load_split(config, data_dir or environment.data_dir, cache_dir)
    trained, found = environment.data, fingerprint_images(image_set)
    if trained is None or trained == found:
        return whole, image_set
    if trained["num_images"] != found["num_images"]:
        raise UserError(f"{directory.path} was trained on {trained['num_images']:,} images, and there are "
                        f"{found['num_images']:,} of {image_set.source}; expected the files of the training, "
                        "in another --data_dir if they have moved")
    note = f"the images of {image_set.source} differ from those of the training, which were as many"
    return whole, image_set._replace(notes=(*image_set.notes, note))
