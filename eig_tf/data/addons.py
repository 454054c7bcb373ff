"""Geometric transformations of batches; the only module that uses tensorflow-addons.

A transformation is a float [N, 8] in the format of `tfa.image.transform`. For each point of the result, it
gives the point of the image that is shown there, as (column, row) with the centre of the first pixel at
(0, 0).
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence

import tensorflow as tf

with warnings.catch_warnings():
    # Addons announces its end of life at every import; setup.py pins the last release.
    warnings.simplefilter("ignore")
    import tensorflow_addons as tfa


def transform(images: tf.Tensor, transformations: Sequence[tf.Tensor]) -> tf.Tensor:
    """Apply transformations, the first one first, in a single bilinear interpolation.

    Args:
        images: float [N, H, W, C].
        transformations: at least one result of `rotation`, `zoom`, `mirroring` and `window`.

    Returns:
        [N, H, W, C], in the range of `images`; points outside the image repeat its border pixels.
    """
    composed = tfa.image.compose_transforms(transformations)
    return tfa.image.transform(images, composed, interpolation="bilinear", fill_mode="nearest")


def rotation(images: tf.Tensor, degrees: tf.Tensor) -> tf.Tensor:
    """Return the rotation of each image about its centre.

    Args:
        images: [N, H, W, C]; only the size is used.
        degrees: float [N], counter-clockwise.
    """
    height, width = _size(images)
    return tfa.image.angles_to_projective_transforms(degrees * (math.pi / 180), height, width)


def zoom(images: tf.Tensor, scales: tf.Tensor) -> tf.Tensor:
    """Return the scaling of each image about its centre.

    Args:
        images: [N, H, W, C]; only the size is used.
        scales: float [N], above 0; an image shrinks below 1.
    """
    # The points of the result are mapped to those of the image, hence the inverse.
    inverse = 1.0 / scales
    x_shift, y_shift = ((1.0 - inverse) * (length - 1) / 2 for length in reversed(_size(images)))
    return _scale_and_shift(inverse, x_shift, inverse, y_shift)


def mirroring(images: tf.Tensor, mirrored: tf.Tensor) -> tf.Tensor:
    """Return the transformation that swaps left and right of some images.

    Args:
        images: [N, H, W, C]; only the size is used.
        mirrored: bool [N], whether to mirror each image.
    """
    _, width = _size(images)
    one = tf.ones(tf.shape(mirrored))
    return _scale_and_shift(tf.where(mirrored, -1.0, 1.0), tf.where(mirrored, width - 1, 0.0), one, 0.0 * one)


def window(images: tf.Tensor, share: float, x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    """Return the transformation that cuts out a window of each image and resizes it to the image's size.

    Args:
        images: [N, H, W, C]; only the size is used.
        share: sides of the window as a share of the image's, above 0 and at most 1.
        x: float [N], horizontal place of the window: 0 at the left border, 1 at the right one.
        y: float [N], vertical place of the window: 0 at the upper border, 1 at the lower one.
    """
    height, width = _size(images)
    scale = share * tf.ones_like(x)

    def shift(place, length):
        # Sizes are measured between the outer edges of the pixels, half a pixel from their centres.
        return place * (1.0 - share) * length + (share - 1.0) / 2
    return _scale_and_shift(scale, shift(x, width), scale, shift(y, height))


def _scale_and_shift(
        x_scale: tf.Tensor, x_shift: tf.Tensor, y_scale: tf.Tensor, y_shift: tf.Tensor) -> tf.Tensor:
    zero = tf.zeros_like(x_scale)
    return tf.stack([x_scale, zero, x_shift, zero, y_scale, y_shift, zero, zero], axis=-1)


def _size(images: tf.Tensor) -> list[tf.Tensor]:
    return tf.unstack(tf.cast(tf.shape(images)[1:3], tf.float32))
