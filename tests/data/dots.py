"""A bright dot, whose position shows the effect of a transformation."""

import numpy as np
import tensorflow as tf


def dot(row, column, size=29):
    """Return a dark image [1, size, size, 1] with one smooth bright dot."""
    rows, columns = np.indices((size, size))
    image = np.exp(-((rows - row)**2 + (columns - column)**2) / (2 * 1.2**2))
    return tf.constant(image[np.newaxis, ..., np.newaxis], tf.float32)


def centre(image):
    """Return the centre of mass of an image [1, H, W, 1]: row, column."""
    weights = np.asarray(image)[0, :, :, 0]
    rows, columns = np.indices(weights.shape)
    return (rows * weights).sum() / weights.sum(), (columns * weights).sum() / weights.sum()
