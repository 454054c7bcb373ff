"""Layers that several networks share."""

from __future__ import annotations

import tensorflow as tf
from tensorflow import keras

# Smallest side at which the transposed convolution is the faster one: below, kernels outweigh images.
_LEAST_TRANSPOSED = 8


def normal_initializer() -> keras.initializers.Initializer:
    """Return a fresh N(0, 0.02) initializer (DCGAN; a shared instance would repeat its draw)."""
    return keras.initializers.RandomNormal(mean=0.0, stddev=0.02)


def orthogonal_initializer() -> keras.initializers.Initializer:
    """Return a fresh orthogonal initializer with gain 1 (StackGAN-v2)."""
    return keras.initializers.Orthogonal()


def gamma_initializer() -> keras.initializers.Initializer:
    """Return a fresh N(1, 0.02) initializer for the scales of batch normalization (StackGAN-v2)."""
    return keras.initializers.RandomNormal(mean=1.0, stddev=0.02)


def leaky_relu() -> keras.layers.Layer:
    """Return a leaky ReLU with slope 0.2, the activation of all discriminators.

    It computes in float32 under every policy: the bfloat16 kernel of its gradient is five times slower on a
    CPU.
    """
    return keras.layers.LeakyReLU(alpha=0.2, dtype="float32")


def bias_free_conv(filters: int, size: int, strides: int = 1, padding: str = "same") -> keras.layers.Conv2D:
    """Return a convolution as in StackGAN-v2: square, without bias, orthogonally initialized."""
    return keras.layers.Conv2D(filters, size, strides=strides, padding=padding, use_bias=False,
                               kernel_initializer=orthogonal_initializer())


def glu(x: tf.Tensor) -> tf.Tensor:
    """Apply a gated linear unit: the first half of the channels times the sigmoid of the second half."""
    values, gates = tf.split(x, 2, axis=-1)
    return values * tf.sigmoid(gates)


class GhostBatchNormalization(keras.layers.BatchNormalization):
    """Batch normalization that can normalize several batches in one call.

    With `groups=g`, the first axis holds g batches of equal size, and each is normalized by its own
    statistics, exactly as in g successive calls (ghost batch normalization, Hoffer et al. 2017). The
    layers around it then see one large batch, which makes a joint pass over real and generated images
    cheaper than two passes.

    Under a `tf.distribute` strategy with several replicas, the statistics are those of the global batch,
    unless `global_statistics` is False. Keras's own `synchronized` needs three reductions for each batch
    instead of one for all, and loses precision where a mean is large.

    Momentum and epsilon are those of the published networks (0.9 and 1e-5 in Keras's terms).
    """

    def __init__(self, momentum: float = 0.9, epsilon: float = 1e-5, **kwargs) -> None:
        super().__init__(momentum=momentum, epsilon=epsilon, **kwargs)
        self.global_statistics = True

    def call(self, inputs, training=None, groups=1):
        """Normalize `inputs` [groups * N, ...], group by group when `training`."""
        context = tf.distribute.get_replica_context()
        if training and self.global_statistics and context and context.num_replicas_in_sync > 1:
            return self._normalize_over_replicas(context, inputs, groups)
        if groups == 1 or not training:
            return super().call(inputs, training=training)
        parts = tf.split(inputs, groups, axis=0)
        return tf.concat([super(GhostBatchNormalization, self).call(part, training=True)
                          for part in parts], axis=0)

    def _normalize_over_replicas(self, context, inputs, groups):
        shape = tf.shape(inputs)
        batches = tf.reshape(tf.cast(inputs, tf.float32), tf.concat([[groups, -1], shape[1:]], axis=0))
        axes = list(range(1, inputs.shape.rank))
        means, variances = tf.nn.moments(batches, axes, keepdims=True)
        # Squares about the moving mean, which all replicas share, since those about zero would cancel out.
        offset = means - self.moving_mean
        offset, squares = tf.unstack(context.all_reduce(
            tf.distribute.ReduceOp.MEAN, tf.stack([offset, variances + tf.square(offset)])))
        variances = tf.maximum(squares - tf.square(offset), 0.0)
        scale = tf.math.rsqrt(variances + self.epsilon) * self.gamma
        normalized = (batches - self.moving_mean - offset) * scale + self.beta
        means = offset + self.moving_mean
        if inputs.shape.rank == 4:
            # The fused kernel that a single device uses for images records the unbiased variance.
            num = tf.cast(tf.size(batches[0, ..., 0]) * context.num_replicas_in_sync, tf.float32)
            variances *= num / (num - 1.0)
        for batch in range(groups):
            for moving, values in ((self.moving_mean, means), (self.moving_variance, variances)):
                moving.assign_sub((1.0 - self.momentum) * (moving - tf.reshape(values[batch], [-1])))
        return tf.cast(tf.reshape(normalized, shape), inputs.dtype)


class UpsampledConv(keras.layers.Conv2D):
    """A bias-free 3x3 convolution of images whose sides are doubled by repeating every pixel.

    It is computed as the equal transposed convolution of stride 2, whose 4x4 kernel is the 3x3 kernel
    convolved with a 2x2 block of ones. That takes 4 multiplications for each pixel instead of 9.

    Args:
        filters: channels of the result.
    """

    def __init__(self, filters: int, **kwargs) -> None:
        super().__init__(filters, 3, padding="same", use_bias=False,
                         kernel_initializer=orthogonal_initializer(), **kwargs)

    def compute_output_shape(self, input_shape):
        """Return [N, 2 H, 2 W, filters] for [N, H, W, C], as Keras asks."""
        num, height, width, _ = input_shape
        return tf.TensorShape([num, 2 * height, 2 * width, self.filters])

    def convolution_op(self, inputs, kernel):
        """Map [N, H, W, C] to [N, 2 H, 2 W, filters], instead of Keras's own convolution."""
        height, width = inputs.shape[1:3]
        if height < _LEAST_TRANSPOSED:
            return super().convolution_op(tf.repeat(tf.repeat(inputs, 2, axis=1), 2, axis=2), kernel)
        transposed = tf.transpose(tf.reverse(kernel, [0, 1]), [0, 1, 3, 2])
        shifted = [tf.pad(transposed, [[down, 1 - down], [right, 1 - right], [0, 0], [0, 0]])
                   for down in (0, 1) for right in (0, 1)]
        shape = [tf.shape(inputs)[0], 2 * height, 2 * width, self.filters]
        return tf.nn.conv2d_transpose(inputs, tf.add_n(shifted), shape, strides=2, padding="SAME")


class GatedBlock(keras.layers.Layer):
    """A 3x3 convolution, batch normalization and GLU, optionally after nearest-neighbour upsampling.

    Args:
        filters: channels of the result.
        upsample: whether the sides double.
    """

    def __init__(self, filters: int, upsample: bool = False, **kwargs) -> None:
        super().__init__(**kwargs)
        self.conv = UpsampledConv(2 * filters) if upsample else bias_free_conv(2 * filters, 3)
        self.norm = GhostBatchNormalization(gamma_initializer=gamma_initializer())

    def call(self, x, training=None):
        """Map [N, H, W, C] to [N, H, W, filters], or twice the sides."""
        return glu(self.norm(self.conv(x), training=training))


class ResidualBlock(keras.layers.Layer):
    """A gated block and a normalized 3x3 convolution, added to the input; no activation follows.

    Args:
        filters: channels of input and result.
    """

    def __init__(self, filters: int, **kwargs) -> None:
        super().__init__(**kwargs)
        self.gated = GatedBlock(filters)
        self.conv = bias_free_conv(filters, 3)
        self.norm = GhostBatchNormalization(gamma_initializer=gamma_initializer())

    def call(self, x, training=None):
        """Map [N, H, W, filters] to the same shape."""
        return x + self.norm(self.conv(self.gated(x, training=training)), training=training)
