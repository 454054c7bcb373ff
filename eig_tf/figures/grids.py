"""Grids of generated images: one row a code, or one row a noise vector along a continuous code."""

import numpy as np
import tensorflow as tf

from eig_tf.figures import tiling
from eig_tf.models.base import Latents
from eig_tf.random_streams import Stream, stream_seed

COLUMNS = 10
# Images generated in one pass: of a thousand at 128x128, the activations alone would fill a GPU.
_AT_A_TIME = 250


def code_grid(model, columns=COLUMNS):
    """Generates `columns` images of every code, with the same noise in every row.

    Args:
        model: an `InfoGAN`.
        columns: images a code.

    Returns:
        uint8 picture [height, width, C], row k for code k.
    """
    num_codes = model.num_codes
    noise = tf.tile(_noise(model, columns), [num_codes, 1])
    codes = tf.repeat(tf.eye(num_codes), columns, axis=0)
    continuous = tf.zeros([num_codes * columns, model.num_continuous])
    return tiling.tile(generate(model, Latents(noise, codes, continuous)), columns)


def traversal_grid(model, index, columns=COLUMNS):
    """Generates every code while continuous code `index` runs from -1 to 1, the rest fixed.

    Args:
        model: an `InfoGAN` with continuous codes.
        index: which of them.
        columns: steps of the traversal.

    Returns:
        uint8 picture [height, width, C], row k for code k.
    """
    num_codes = model.num_codes
    noise = tf.repeat(_noise(model, 1), num_codes * columns, axis=0)
    codes = tf.repeat(tf.eye(num_codes), columns, axis=0)
    steps = tf.tile(tf.linspace(-1.0, 1.0, columns), [num_codes])
    continuous = steps[:, tf.newaxis] * tf.one_hot(index, model.num_continuous)
    return tiling.tile(generate(model, Latents(noise, codes, continuous)), columns)


def generate(model, latents):
    """Generates in inference mode, as uint8 images [N, H, W, C], some at a time."""
    num = len(latents.noise)
    parts = [model.generate(Latents(*(part[start:start + _AT_A_TIME] for part in latents)))
             for start in range(0, num, _AT_A_TIME)]
    return np.concatenate([to_uint8(images.numpy()) for images in parts])


def to_uint8(images):
    """Images in [-1, 1] as uint8 in [0, 255]."""
    return np.clip(np.rint((images + 1.0) * 127.5), 0, 255).astype(np.uint8)


def _noise(model, num):
    return tf.random.stateless_normal([num, model.noise_dim], stream_seed(0, Stream.PICTURE))
