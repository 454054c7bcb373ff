"""Layers that several networks share."""

import tensorflow as tf
from tensorflow import keras


def normal_initializer():
    """A fresh N(0, 0.02) initializer (DCGAN; a shared instance would repeat its draw)."""
    return keras.initializers.RandomNormal(mean=0.0, stddev=0.02)


def leaky_relu():
    """Leaky ReLU with the slope 0.2 that the discriminator side uses everywhere.

    In float32 whatever the policy: the bfloat16 kernel of its gradient is five times slower on a CPU.
    """
    return keras.layers.LeakyReLU(alpha=0.2, dtype="float32")


class GhostBatchNormalization(keras.layers.BatchNormalization):
    """Batch normalization that can normalize several batches in one call.

    With `groups=g`, the first axis holds g batches of equal size, and each is normalized by its
    own statistics, exactly as in g calls one after the other (ghost batch normalization, Hoffer et
    al. 2017). Layers around it then see one large batch, which is what makes a pass over real and
    generated images together cheaper than two passes.

    Momentum and epsilon are those of the published networks (0.9 and 1e-5 in Keras's terms).
    """

    def __init__(self, momentum=0.9, epsilon=1e-5, **kwargs):
        super().__init__(momentum=momentum, epsilon=epsilon, **kwargs)

    def call(self, inputs, training=None, groups=1):
        """Normalizes `inputs` [groups * N, ...], group by group when `training`."""
        if groups == 1 or not training:
            return super().call(inputs, training=training)
        parts = tf.split(inputs, groups, axis=0)
        return tf.concat([super(GhostBatchNormalization, self).call(part, training=True)
                          for part in parts], axis=0)
