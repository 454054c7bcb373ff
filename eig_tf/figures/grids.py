"""Images that a model generates for its codes, and along its continuous codes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from eig_tf.figures import tiling
from eig_tf.models.base import GenerativeModel, Latents
from eig_tf.models.sampling import generate_images
from eig_tf.random_streams import Stream, stream_seed

COLUMNS = 10


def code_grid(model: GenerativeModel, columns: int = COLUMNS) -> np.ndarray:
    """Return a picture of what every code generates, uint8 [height, width, C]; row k shows code k.

    The images are those of `code_images` with seed 0.
    """
    return _tile_rows(code_images(model, range(model.num_codes), columns))


def traversal_grid(model: GenerativeModel, index: int, columns: int = COLUMNS) -> np.ndarray:
    """Return a picture of every code along a continuous code, uint8 [height, width, C]; row k shows code k.

    The images are those of `traversal_images` with seed 0.
    """
    return _tile_rows(traversal_images(model, index, range(model.num_codes), columns))


def code_images(model: GenerativeModel, codes: Sequence[int], columns: int, seed: int = 0) -> np.ndarray:
    """Generate images of codes; an image's noise and continuous codes depend on its column alone.

    Args:
        model: the model.
        codes: R codes in [0, K).
        columns: images of each code.
        seed: seed of the noise and the continuous codes, at least 0.

    Returns:
        uint8 [R, columns, H, W, C].
    """
    latents = _column_latents(model, columns, seed)
    return _generate_rows(model, codes, latents.noise, latents.continuous)


def category_images(model: GenerativeModel, code_distribution: np.ndarray, columns: int,
                    seed: int = 0) -> np.ndarray:
    """Generate images of categories, each of a code that is drawn from its category's codes.

    An image's noise, continuous codes and quantile of the code depend on its column alone, so that a row does
    not change with the categories beside it.

    Args:
        model: the model, with K codes.
        code_distribution: float [R, K], p(code | category) of R categories; rows sum to one.
        columns: images of each category.
        seed: seed of the codes, the noise and the continuous codes, at least 0.

    Returns:
        uint8 [R, columns, H, W, C].
    """
    latents = _column_latents(model, columns, seed)
    quantiles = np.random.default_rng(seed).random(columns)
    sums = np.cumsum(code_distribution, axis=1)
    # Sums of rounded numbers may end below one; the last code with any probability takes what is left.
    sums[sums >= sums[:, -1:]] = 1.0
    codes = np.stack([np.searchsorted(row, quantiles, side="right") for row in sums])
    return _generate_rows(model, codes, latents.noise, latents.continuous)


def traversal_images(model: GenerativeModel, index: int, codes: Sequence[int], columns: int,
                     seed: int = 0) -> np.ndarray:
    """Generate images of codes along continuous code `index`, at `traversal_positions(columns)`.

    The noise is that of the first column of `code_images`, and the other continuous codes are 0.

    Args:
        model: a model with continuous codes.
        index: which of them varies.
        codes: R codes in [0, K).
        columns: images of each code.
        seed: seed of the noise, at least 0.

    Returns:
        uint8 [R, columns, H, W, C].
    """
    noise = tf.repeat(_column_latents(model, columns, seed).noise[:1], columns, axis=0)
    positions = traversal_positions(columns).astype(np.float32)
    continuous = positions[:, np.newaxis] * tf.one_hot(index, model.num_continuous)
    return _generate_rows(model, codes, noise, continuous)


def traversal_positions(columns: int) -> np.ndarray:
    """Return the middles of `columns` equal intervals of [-1, 1], float64: -0.9 to 0.9 for ten.

    The ends are left out because models need not draw continuous codes uniformly, and may rarely see them.
    """
    return (2 * np.arange(columns) + 1) / columns - 1


def _column_latents(model, columns, seed):
    # The codes are set later; giving any spares drawing them.
    return model.sample_latents(columns, stream_seed(seed, Stream.PICTURE),
                                code=tf.zeros([columns, model.num_codes]))


def _generate_rows(model, codes, noise, continuous):
    """Images [R, n, H, W, C] of codes [R], or [R, n] when they differ within a row, for n latents."""
    num_rows, columns = len(codes), len(noise)
    codes = np.broadcast_to(np.reshape(codes, [num_rows, -1]), [num_rows, columns])
    one_hot = tf.one_hot(codes.ravel(), model.num_codes)
    noise, continuous = (tf.tile(part, [num_rows, 1]) for part in (noise, continuous))
    images = generate_images(model, Latents(noise, one_hot, continuous))
    return images.reshape(num_rows, columns, *images.shape[1:])


def _tile_rows(rows):
    return tiling.tile(rows.reshape(-1, *rows.shape[2:]), rows.shape[1])
