"""The stream of training batches."""

import numpy as np
import tensorflow as tf

from eig_tf.random_streams import Stream, stream_seed

# Batches that wait. A buffer that tf.data tunes itself grows to hundreds of MB when batches are awaited.
_PREFETCHED = 8


def to_float(images):
    """uint8 images in [0, 255] to float32 in [-1, 1], the range of every network."""
    return tf.cast(images, tf.float32) / 127.5 - 1.0


def training_batches(images, batch_size, seed, epochs, first_epoch=0, make_view=None):
    """Batches of shuffled images, epoch after epoch.

    Epoch e is the same whether it is the first of this stream or not: its order and its views depend
    on (seed, e) alone, which is what lets a resumed run go on exactly.

    Args:
        images: uint8 [M, H, W, C], an array or `StoredImages`, which are read batch by batch.
        batch_size: N; what does not fill a batch is left out of its epoch.
        seed: root of the order and of the views.
        epochs: the epoch before which the stream ends.
        first_epoch: the epoch that it starts with.
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


def gather(images, indices):
    """Reads images inside a `tf.data` pipeline.

    Args:
        images: uint8 [M, H, W, C], an array or `StoredImages`.
        indices: an integer tensor [N].

    Returns:
        uint8 [N, H, W, C].
    """
    # A constant in the graph would hold all of them in memory, once more.
    batch = tf.numpy_function(lambda wanted: np.asarray(images[wanted]), [indices], tf.uint8, stateful=False)
    return tf.ensure_shape(batch, [indices.shape[0], *images.shape[1:]])
