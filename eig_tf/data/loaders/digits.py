"""The 1,797 scanned digits of scikit-learn: real data without a download."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import tensorflow as tf
from ml_collections import config_dict
from sklearn import datasets

from eig_tf.data.image_set import ImageSet
from eig_tf.errors import UserError

IMAGE_SIZE = 28


def load_images(directory: str | os.PathLike | None = None) -> ImageSet:
    """Load the digits as 28x28 images like those of MNIST.

    The originals are 8x8 with 17 grey levels, and their strokes touch the border. One dark pixel is
    added on every side before the bicubic enlargement, so that the stroke stays inside a rotated or
    enlarged view.

    Args:
        directory: None; the images are part of scikit-learn.

    Returns:
        1,797 grey images of ten classes.

    Raises:
        UserError: a directory is given.
    """
    if directory is not None:
        raise UserError(f"--data_dir is {str(directory)!r}, which holds no prepared set; digits have no "
                        "files; expected a set that tools/prepare_data.py wrote, or no --data_dir")
    digits = datasets.load_digits()
    padded = np.pad(digits.images, [(0, 0), (1, 1), (1, 1)])[..., np.newaxis] * (255.0 / 16.0)
    enlarged = tf.image.resize(padded, [IMAGE_SIZE, IMAGE_SIZE], method="bicubic").numpy()
    images = np.clip(np.rint(enlarged), 0, 255).astype(np.uint8)
    return ImageSet(images, digits.target.astype(np.int64), tuple("0123456789"),
                    "scikit-learn's digits (UCI optical recognition of handwritten digits)")


def check_directory(directory: Path | None, config: config_dict.ConfigDict) -> list[str]:
    """Return the line that there are no files; see `eig_tf.data.loaders`."""
    del directory, config
    return ["digits are part of scikit-learn; there are no files to check"]
