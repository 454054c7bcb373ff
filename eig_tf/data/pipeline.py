"""The stream of training batches."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from eig_tf.data.image_set import StoredImages
from eig_tf.random_streams import BatchPart, Stream, stream_seed

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
        first_step: int = 0, make_view: Callable[..., tf.Tensor] | None = None,
        replicas: tf.distribute.InputContext | None = None) -> tf.data.Dataset:
    """Return batches of shuffled images, epoch after epoch.

    The order and the views of epoch e depend only on (seed, e), so that a resumed run continues exactly
    as if it had not been interrupted. Each batch may be cut into equal parts, one for each replica.

    Args:
        images: uint8 [M, H, W, C]; `StoredImages` are read batch by batch.
        batch_size: N; the remainder of an epoch that does not fill a batch is dropped.
        seed: root of the order and of the views.
        epochs: number of the epoch before which the stream ends.
        first_epoch: number of the epoch with which it starts.
        first_step: number of the batch of that epoch with which it starts.
        make_view: (images [n, H, W, C], stateless seed, part) -> positive views; see `augment`.
        replicas: which replicas of how many the stream is for; the stream yields their parts of each batch,
            one after another, as `distribute_datasets_from_function` expects. A single replica when None.

    Returns:
        A `tf.data.Dataset` of images [n, H, W, C] in [-1, 1], or of pairs (images, views), where n is N
        divided by the number of replicas.
    """
    replicas = replicas or tf.distribute.InputContext()
    num_parts = replicas.num_replicas_in_sync
    local = num_parts // replicas.num_input_pipelines
    first = replicas.input_pipeline_id * local
    steps, size = len(images) // batch_size, batch_size // num_parts

    def epoch_indices(epoch):
        order_seed = stream_seed(seed, Stream.SHUFFLE, epoch)
        order = tf.random.experimental.stateless_shuffle(tf.range(len(images)), order_seed)
        parts = tf.reshape(order[:steps * batch_size], [steps, num_parts, size])[:, first:first + local]
        return tf.data.Dataset.range(steps * local).map(lambda number: (
            epoch, number // local, first + number % local, parts[number // local, number % local]))

    def make_batch(epoch, step, part, indices):
        batch = to_float(gather(images, indices))
        if make_view is None:
            return batch
        return batch, make_view(
            batch, stream_seed(seed, Stream.VIEW, epoch, step), part=BatchPart(part, num_parts))

    return (tf.data.Dataset.range(first_epoch, epochs).flat_map(epoch_indices).skip(first_step * local)
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
