"""The categories of a run directory: found once for each checkpoint, and read back."""

from __future__ import annotations

import numpy as np
from ml_collections import config_dict

from eig_tf import config as config_lib
from eig_tf import files
from eig_tf.categories.categorizer import load_categorizer, save_categorizer
from eig_tf.categories.discovery import Discovery, discover_categories
from eig_tf.categories.grouping import load_grouping, save_grouping
from eig_tf.data.image_set import StoredImages
from eig_tf.errors import UserError
from eig_tf.models.base import GenerativeModel
from eig_tf.runs.run_directory import RunDirectory

GROUPING, CATEGORIZER = "categories.json", "categorizer.keras"


def check_num_categories(num_categories: int, num_codes: int, num_images: int) -> None:
    """Raise a `UserError` unless so many categories can be found in so many images with so many codes."""
    flag = config_lib.flag("categories.num_categories")
    if not 2 <= num_categories <= num_codes:
        raise UserError(f"{flag} is {num_categories}; expected 2 to {num_codes}, the number of codes")
    # Neighbours and eigenvectors need a few images more than there are groups.
    if num_images < num_categories + 3:
        raise UserError(f"{flag} is {num_categories}; the training set holds {num_images} images; expected "
                        f"at least {num_categories + 3} images")


def find_run_categories(directory: RunDirectory, config: config_dict.ConfigDict, model: GenerativeModel,
                        epochs: int, images: np.ndarray | StoredImages, num_categories: int) -> None:
    """Find the categories of a run's last checkpoint; write both files at once, in place of earlier ones.

    Args:
        directory: the run directory.
        config: its config.
        model: its model, with the weights of the last checkpoint.
        epochs: the number of epochs of that checkpoint.
        images: the training images, uint8 [N, H, W, C].
        num_categories: M.

    Raises:
        UserError: there are too few codes or images, see `check_num_categories`.
        OSError: the files cannot be written.
    """
    check_num_categories(num_categories, model.num_codes, len(images))
    print(f"finds {num_categories} categories of real images", flush=True)
    discovery = discover_categories(model, images, num_categories, dict(config.augment), config.seed, epochs)
    with files.replacing_directory(directory.categories, replace=True) as content:
        save_categorizer(discovery.categorizer, content / CATEGORIZER)
        save_grouping(discovery.grouping, content / GROUPING)


def load_categories(directory: RunDirectory, epochs: int) -> Discovery | None:
    """Return the categories of a run; None when it has none, or has those of another checkpoint.

    Args:
        directory: the run directory.
        epochs: the number of epochs of its checkpoint.

    Raises:
        UserError: a file is damaged.
    """
    grouping = load_grouping(directory.categories / GROUPING)
    if grouping is None or grouping.epochs != epochs:
        return None
    return Discovery(grouping, load_categorizer(directory.categories / CATEGORIZER))
