"""What the codes generate: grids of figures 4 to 7, and traversals of the continuous codes."""

import numpy as np
import tensorflow as tf

from eig_tf.figures import grids, image_grid
from eig_tf.models.base import Latents


def draw_codes(model, codes, labels, title, columns, seed, as_columns=False):
    """Draws images of every code, each with the same noise; continuous codes are 0.

    Args:
        model: an `InfoGAN`.
        codes: int [R], the codes to show, in that order.
        labels: R texts, see `code_labels.label`.
        title: a sentence above the figure.
        columns: images of each code.
        seed: of the noise.
        as_columns: draw a column a code.

    Returns:
        A `Figure`.
    """
    noise = tf.random.stateless_normal([columns, model.noise_dim], [seed, 0])
    continuous = tf.zeros([columns, model.num_continuous])
    rows = images_of_codes(model, codes, noise, continuous)
    return image_grid.draw(rows, labels, title, as_columns=as_columns)


def draw_traversal(model, index, codes, labels, title, columns, seed, as_columns=False):
    """Draws every code while continuous code `index` runs from -1 to 1, all else fixed.

    Args:
        index: of the continuous code; the others are 0, and the noise is the first of `draw_codes`.
        columns: steps of the traversal.

    The other arguments and the figure are those of `draw_codes`.
    """
    noise = tf.repeat(tf.random.stateless_normal([1, model.noise_dim], [seed, 0]), columns, axis=0)
    steps = np.linspace(-1, 1, columns, dtype=np.float32)
    continuous = steps[:, np.newaxis] * tf.one_hot(index, model.num_continuous)
    rows = images_of_codes(model, codes, noise, continuous)
    # Adding 0 makes a rounded -0 a 0.
    places = [f"{step + 0.0:.2g}" for step in np.round(steps.astype(float), 2)]
    return image_grid.draw(rows, labels, title, places, as_columns)


def images_of_codes(model, codes, noise, continuous):
    """Generates each code with each of n noise vectors, as exact one-hot codes in inference mode.

    Args:
        model: an `InfoGAN`.
        codes: int [R].
        noise: float32 [n, Z].
        continuous: float32 [n, C].

    Returns:
        uint8 [R, n, H, W, C].
    """
    one_hot = tf.one_hot(codes, model.num_codes)
    return np.stack([grids.generate(model, Latents(noise, tf.repeat(code[tf.newaxis], len(noise), axis=0),
                                                   continuous)) for code in one_hot])
