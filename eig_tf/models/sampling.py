"""Generated images of each code, and the codes of real images: what metrics are computed from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import tensorflow as tf

from eig_tf.data.image_set import StoredImages
from eig_tf.data.pipeline import to_float, to_uint8
from eig_tf.models.base import Encoding, GenerativeModel, Latents

BATCH = 500
# Images generated in one pass: the activations of a thousand at 128x128 would fill a GPU.
_AT_A_TIME = 250


def generate_images(model: GenerativeModel, latents: Latents) -> np.ndarray:
    """Generate in inference mode, some images at a time; return uint8 [N, H, W, C]."""
    parts = [model.generate(Latents(*(part[start:start + _AT_A_TIME] for part in latents)))
             for start in range(0, len(latents.code), _AT_A_TIME)]
    return np.concatenate([to_uint8(images.numpy()) for images in parts])


def generate_images_of_code(model: GenerativeModel, code: int, num: int, seed: Sequence[int] | tf.Tensor
                            ) -> np.ndarray:
    """Generate images of one code, exactly one-hot, in inference mode (section 4, metrics).

    Args:
        model: the model.
        code: index of the code.
        num: number of images.
        seed: stateless seed of the noise and the continuous codes, int32 [2].

    Returns:
        uint8 [num, H, W, C].
    """
    codes = tf.tile(tf.one_hot([code], model.num_codes), [num, 1])
    return generate_images(model, model.sample_latents(num, seed, codes))


def encode_in_batches(model: GenerativeModel, images: np.ndarray | StoredImages,
                      batch_size: int = BATCH) -> Iterator[Encoding]:
    """Encode real images in inference mode, with one batch of them in memory at a time.

    Args:
        model: the model.
        images: uint8 [N, H, W, C].
        batch_size: number of images in a batch.

    Yields:
        The `Encoding` of each batch, as NumPy arrays.
    """
    for start in range(0, len(images), batch_size):
        encoding = model.encode(to_float(images[start:start + batch_size]))
        yield Encoding(*(np.asarray(part) for part in encoding))


def encode_images(model: GenerativeModel, images: np.ndarray | StoredImages,
                  batch_size: int = BATCH) -> tuple[np.ndarray, np.ndarray]:
    """Return the features [N, F] and the most probable codes, int64 [N], of real images.

    Args:
        model: the model.
        images: uint8 [N, H, W, C], N at least 1.
        batch_size: number of images in a batch.
    """
    features, codes = [], []
    for encoding in encode_in_batches(model, images, batch_size):
        features.append(encoding.features)
        codes.append(np.argmax(encoding.code_logits, axis=-1))
    return np.concatenate(features), np.concatenate(codes)
