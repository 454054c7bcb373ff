"""The only module that touches tensorflow-addons: geometric transformations of batches.

A transformation is a float [N, 8] as `tfa.image.transform` takes it. It says for each point of the result,
(column, row) with the middle of the first pixel at (0, 0), which point of the image it shows.
"""

import math
import warnings

import tensorflow as tf

with warnings.catch_warnings():
    # Addons announces the end of its development at every import; setup.py pins the last release.
    warnings.simplefilter("ignore")
    import tensorflow_addons as tfa


def transform(images, transformations):
    """Applies transformations, the first one first, in a single bilinear interpolation.

    Args:
        images: float [N, H, W, C].
        transformations: what `rotation`, `zoom`, `mirroring` and `window` return, one or more.

    Returns:
        [N, H, W, C], within the range of `images`; what comes in from outside repeats the edge pixel.
    """
    composed = tfa.image.compose_transforms(transformations)
    return tfa.image.transform(images, composed, interpolation="bilinear", fill_mode="nearest")


def rotation(images, degrees):
    """Turns each image about its centre.

    Args:
        images: [N, H, W, C], of which only the size is looked at.
        degrees: float [N], counter-clockwise.
    """
    height, width = _size(images)
    return tfa.image.angles_to_projective_transforms(degrees * (math.pi / 180), height, width)


def zoom(images, scales):
    """Enlarges each image about its centre.

    Args:
        images: [N, H, W, C], of which only the size is looked at.
        scales: float [N], above 0; below 1 the image shrinks.
    """
    # The result's points are mapped to the image's, hence the inverse.
    shrink = 1.0 / scales
    x_shift, y_shift = ((1.0 - shrink) * (length - 1) / 2 for length in reversed(_size(images)))
    return _scale_and_shift(shrink, x_shift, shrink, y_shift)


def mirroring(images, mirrored):
    """Swaps left and right.

    Args:
        images: [N, H, W, C], of which only the size is looked at.
        mirrored: bool [N], which images are.
    """
    _, width = _size(images)
    one = tf.ones(tf.shape(mirrored))
    return _scale_and_shift(tf.where(mirrored, -1.0, 1.0), tf.where(mirrored, width - 1, 0.0), one, 0.0 * one)


def window(images, share, x, y):
    """Cuts a window out of each image and resizes it to the image's size.

    Args:
        images: [N, H, W, C], of which only the size is looked at.
        share: the window's sides as a share of the image's, above 0 and at most 1.
        x, y: float [N], where it lies: 0 at the left or upper border, 1 at the right or lower one.
    """
    height, width = _size(images)
    scale = share * tf.ones_like(x)

    def shift(place, length):
        # Sizes are measured between the outer edges of the pixels, half a pixel from their middles.
        return place * (1.0 - share) * length + (share - 1.0) / 2
    return _scale_and_shift(scale, shift(x, width), scale, shift(y, height))


def _scale_and_shift(x_scale, x_shift, y_scale, y_shift):
    zero = tf.zeros_like(x_scale)
    return tf.stack([x_scale, zero, x_shift, zero, y_scale, y_shift, zero, zero], axis=-1)


def _size(images):
    return tf.unstack(tf.cast(tf.shape(images)[1:3], tf.float32))
