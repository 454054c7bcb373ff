"""Differentiable augmentation of all that a discriminator sees (Zhao et al. 2020; not in the paper)."""

from __future__ import annotations

import functools
from typing import Callable

import tensorflow as tf
from ml_collections import config_dict

from eig_tf.random_streams import WHOLE_BATCH, BatchPart


def make_diff_augment(config: config_dict.ConfigDict) -> Callable[..., tf.Tensor] | None:
    """Return a config's augmentation as (images, stateless seed, part) -> images; None when it is off."""
    options = config.discriminator_augment
    if not (options.brightness or options.contrast or options.shift):
        return None
    return functools.partial(
        diff_augment, brightness=options.brightness, contrast=options.contrast, shift=options.shift)


def diff_augment(images: tf.Tensor, seed: tf.Tensor, brightness: float = 0.0, contrast: float = 0.0,
                 shift: int = 0, part: BatchPart = WHOLE_BATCH) -> tf.Tensor:
    """Change brightness, contrast and position of each image by random amounts.

    Args:
        images: float [N, H, W, C] in [-1, 1].
        seed: a stateless seed, int32 [2].
        brightness: largest shift of the brightness either way, in units of [-1, 1].
        contrast: largest change of the factor about the image's mean either way.
        shift: largest shift of rows and of columns either way, in pixels; the border is filled with zeros.
        part: the place of the images in a global batch, for which the amounts are drawn.

    Returns:
        [N, H, W, C]. Values may leave [-1, 1]: clipping them would cut the gradient.
    """
    num = tf.shape(images)[0] * part.parts
    seeds = tf.unstack(tf.random.experimental.stateless_split(seed, 3))
    if brightness:
        images += part.rows(tf.random.stateless_uniform([num, 1, 1, 1], seeds[0], -brightness, brightness))
    if contrast:
        mean = tf.reduce_mean(images, axis=[1, 2, 3], keepdims=True)
        factor = part.rows(
            tf.random.stateless_uniform([num, 1, 1, 1], seeds[1], 1 - contrast, 1 + contrast))
        images = (images - mean) * factor + mean
    if shift:
        offsets = tf.random.stateless_uniform([num, 2], seeds[2], 0, 2 * shift + 1, dtype=tf.int32)
        images = _shift(images, part.rows(offsets), shift)
    return images


def _shift(images, offsets, shift):
    height, width = images.shape[1:3]
    padded = tf.pad(images, [[0, 0], [shift, shift], [shift, shift], [0, 0]])
    rows = offsets[:, :1] + tf.range(height)
    columns = offsets[:, 1:] + tf.range(width)
    return tf.gather(tf.gather(padded, rows, axis=1, batch_dims=1), columns, axis=2, batch_dims=1)
