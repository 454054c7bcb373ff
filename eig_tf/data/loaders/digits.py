"""The 1,797 scanned digits that scikit-learn carries: real data without a download."""

import numpy as np
import tensorflow as tf
from sklearn import datasets

from eig_tf.data.image_set import ImageSet

IMAGE_SIZE = 28


def load(data_dir=None):
    """Loads the digits, 28x28 like MNIST's.

    The originals are 8x8 with 17 grey levels and strokes that touch the border. One dark pixel is
    added on every side before the bicubic enlargement, so that a rotated or enlarged view keeps the
    stroke inside the image.

    Args:
        data_dir: not used; the digits are part of scikit-learn.

    Returns:
        An `ImageSet` of 1,797 grey images of ten classes.
    """
    del data_dir
    digits = datasets.load_digits()
    padded = np.pad(digits.images, [(0, 0), (1, 1), (1, 1)])[..., np.newaxis] * (255.0 / 16.0)
    enlarged = tf.image.resize(padded, [IMAGE_SIZE, IMAGE_SIZE], method="bicubic").numpy()
    images = np.clip(np.rint(enlarged), 0, 255).astype(np.uint8)
    return ImageSet(images, digits.target.astype(np.int64), tuple("0123456789"),
                    "scikit-learn's digits (UCI optical recognition of handwritten digits)")
