"""The stream of training batches."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from eig_tf.data.image_set import StoredImages
from eig_tf.random_streams import Stream, stream_seed

# Prefetched batches. A buffer that tf.data tunes itself grows to hundreds of MB when training waits for it.
_PREFETCHED = 8


def to_float(images: np.ndarray | tf.Tensor) -> tf.Tensor:
    """Convert uint8 images in [0, 255] to float32 in [-1, 1], the range of all networks."""
    return tf.cast(images, tf.float32) / 127.5 - 1.0


def to_uint8(images: np.ndarray) -> np.ndarray:
    """Return images in [-1, 1] as uint8 in [0, 255]."""
    return np.clip(np.rint((images + 1.0) * 127.5), 0, 255).astype(np.uint8)


def training_batches(
        images: np.ndarray | StoredImages, batch_size: int, seed: int, epochs: int, first_epoch: int = 0,
        make_view: Callable[[tf.Tensor, tf.Tensor], tf.Tensor] | None = None) -> tf.data.Dataset:
    """Return batches of shuffled images, epoch after epoch.

    The order and the views of epoch e depend only on (seed, e), so that a resumed run continues exactly
    as if it had not been interrupted.

    Args:
        images: uint8 [M, H, W, C]; `StoredImages` are read batch by batch.
        batch_size: N; the remainder of an epoch that does not fill a batch is dropped.
        seed: root of the order and of the views.
        epochs: number of the epoch before which the stream ends.
        first_epoch: number of the epoch with which it starts.
        make_view: (images [N, H, W, C], stateless seed) -> positive views; see `augment`.

    Returns:
        A `tf.data.Dataset` of images [N, H, W, C] in [-1, 1], or of pairs (images, views).
    """
    num = len(images)

    def epoch_indices(epoch):
        order_seed = stream_seed(seed, Stream.SHUFFLE, epoch)
        order = tf.random.experimental.stateless_shuffle(tf.range(num), order_seed)
        batches = tf.data.Dataset.from_tensor_slices(order).batch(batch_size, drop_remainder=True)
        return batches.enumerate().map(lambda step, indices: (epoch, step, indices))

    def make_batch(epoch, step, indices):
        batch = to_float(gather(images, indices))
        if make_view is None:
            return batch
        return batch, make_view(batch, stream_seed(seed, Stream.VIEW, epoch, step))

    return (tf.data.Dataset.range(first_epoch, epochs).flat_map(epoch_indices)
            .map(make_batch, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
            .prefetch(_PREFETCHED))


def gather(images: np.ndarray | StoredImages, indices: tf.Tensor) -> tf.Tensor:
    """Read images inside a `tf.data` pipeline.

    Args:
        images: uint8 [M, H, W, C].
        indices: an integer tensor [N].

    Returns:
        uint8 [N, H, W, C].
    """
    # A constant in the graph would hold a second copy of all images in memory.
    batch = tf.numpy_function(lambda wanted: np.asarray(images[wanted]), [indices], tf.uint8, stateful=False)
    return tf.ensure_shape(batch, [indices.shape[0], *images.shape[1:]])
