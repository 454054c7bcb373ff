"""The networks for 32x32, 64x64 and 128x128 images: StackGAN-v2's, as supplement 4.2 and 4.3 have them.

The paper's are those for 64x64. A size twice as large has one more block at either end.
"""

from __future__ import annotations

import math

import tensorflow as tf
from tensorflow import keras

from eig_tf.networks.blocks import (
    GatedBlock,
    GhostBatchNormalization,
    ResidualBlock,
    gamma_initializer,
    glu,
    leaky_relu,
    orthogonal_initializer,
)
from eig_tf.networks.blocks import bias_free_conv as conv
from eig_tf.networks.gan import DiscriminatorNetworks, GanNetworks, build_gan_networks

FEATURE_SIZE = 128
# Channels of the generator's last and the trunk's first layer at width 1; no layer of the trunk has more
# than eight times as many.
_BASE, _MOST = 64, 8
# Side of the smallest activations.
_SMALLEST = 4


class ToImage(keras.layers.Layer):
    """Features to images: a 3x3 convolution and tanh.

    Args:
        channels: of the images, 1 or 3.
    """

    def __init__(self, channels: int, **kwargs) -> None:
        super().__init__(**kwargs)
        self.conv = conv(channels, 3)
        self.tanh = keras.layers.Activation("tanh", dtype="float32")

    def call(self, x):
        """Map [N, H, W, F] to images [N, H, W, channels] in [-1, 1], float32."""
        return self.tanh(self.conv(x))


class Generator(keras.Model):
    """G: noise, code and continuous codes to images, in one stage or more.

    A later stage takes the features of the one before it and the code, tiled over the picture, and makes
    another image of the same size from them (supplement 4.3).

    Args:
        image_shape: (S, S, channels), S one of 32, 64 and 128.
        width: scale of the channels; 1 is the paper's.
        stages: 1 or more (1 in the paper, 2 for its faces).
    """

    def __init__(self, image_shape=(64, 64, 3), width=1.0, stages=1, **kwargs):
        super().__init__(**kwargs)
        filters = _channels(image_shape[0], width)[::-1]
        first = 2 * filters[0]
        self.expand = keras.layers.Dense(
            2 * first * _SMALLEST ** 2, use_bias=False, kernel_initializer=orthogonal_initializer())
        self.expand_norm = GhostBatchNormalization(gamma_initializer=gamma_initializer())
        self.reshape = keras.layers.Reshape((_SMALLEST, _SMALLEST, first))
        self.upsamples = [GatedBlock(channels, upsample=True) for channels in filters]
        base = filters[-1]
        self.refinements = [
            [GatedBlock(base), ResidualBlock(base), ResidualBlock(base),
             GatedBlock(base // 2 if stage == stages - 1 else base)]
            for stage in range(1, stages)]
        self.to_images = [ToImage(image_shape[-1]) for _ in range(stages)]

    def call(self, latents, training=None):
        """Map (noise [N, Z], code [N, K], continuous [N, C]) to images in [-1, 1].

        Returns:
            A tuple of images [N, S, S, channels], one batch a stage.
        """
        noise, code, continuous = latents
        x = self.expand(tf.concat([code, noise, continuous], axis=-1))
        x = self.reshape(glu(self.expand_norm(x, training=training)))
        for block in self.upsamples:
            x = block(x, training=training)
        images = [self.to_images[0](x)]
        for blocks, to_image in zip(self.refinements, self.to_images[1:]):
            x = tf.concat([x, _tile(tf.cast(code, x.dtype), x)], axis=-1)
            for block in blocks:
                x = block(x, training=training)
            images.append(to_image(x))
        return tuple(images)


class Trunk(keras.Model):
    """The layers that D and Q share: convolutions of stride 2 down to 4x4, the first without normalization.

    Args:
        image_size: S, one of 32, 64 and 128.
        width: scale of the channels; 1 is the paper's.
    """

    def __init__(self, image_size: int = 64, width: float = 1.0, **kwargs) -> None:
        super().__init__(**kwargs)
        self.convs = [conv(channels, 4, strides=2) for channels in _channels(image_size, width)]
        self.norms = [GhostBatchNormalization(gamma_initializer=gamma_initializer())
                      for _ in self.convs[1:]]
        self.activation = leaky_relu()

    def call(self, images, training=None, groups=1):
        """Map images [groups * N, S, S, C] in [-1, 1] to activations [groups * N, 4, 4, A]."""
        x = self.activation(self.convs[0](images))
        for layer, norm in zip(self.convs[1:], self.norms):
            x = self.activation(norm(layer(x), training=training, groups=groups))
        return x


class DiscriminatorHead(keras.Model):
    """D's own layer on top of the trunk: one convolution over all of the activations."""

    def __init__(self, **kwargs) -> None:
        super().__init__(**kwargs)
        self.logit = keras.layers.Conv2D(1, _SMALLEST, kernel_initializer=orthogonal_initializer())
        self.to_float32 = keras.layers.Activation("linear", dtype="float32")

    def call(self, activations):
        """Map trunk activations [N, 4, 4, A] to the logit of "real" [N]."""
        return tf.reshape(self.to_float32(self.logit(activations)), [-1])


class EncoderHead(keras.Model):
    """Q's own layers on top of the trunk: a pair of convolutions, then the prediction.

    The second convolution covers all of the activations and makes the feature of the contrastive loss,
    128 long as for MNIST; the paper does not say where its 64x64 networks take theirs.

    Args:
        num_codes: K, the number of codes.
        num_continuous: C, the number of continuous codes whose mean Q predicts as well.
        channels: A, those of the activations.
    """

    def __init__(self, num_codes: int, num_continuous: int, channels: int, **kwargs) -> None:
        super().__init__(**kwargs)
        self.joint = conv(channels, 3)
        self.joint_norm = GhostBatchNormalization(gamma_initializer=gamma_initializer())
        self.hidden = conv(FEATURE_SIZE, _SMALLEST, padding="valid")
        self.hidden_norm = GhostBatchNormalization(gamma_initializer=gamma_initializer())
        self.flatten = keras.layers.Flatten()
        self.activation = leaky_relu()
        self.sizes = [num_codes, num_continuous]
        self.prediction = keras.layers.Dense(sum(self.sizes), kernel_initializer=orthogonal_initializer())
        self.to_float32 = keras.layers.Activation("linear", dtype="float32")

    def call(self, activations, training=None, groups=1):
        """Map trunk activations [groups * N, 4, 4, A] to Q's predictions for the images.

        Returns:
            The feature [groups * N, 128] (penultimate layer, after its leaky ReLU), the logits of the
            code [groups * N, K] and the means of the continuous codes [groups * N, C], all float32.
        """
        x = self.activation(self.joint_norm(self.joint(activations), training=training, groups=groups))
        x = self.hidden_norm(self.hidden(x), training=training, groups=groups)
        feature = self.activation(self.flatten(x))
        logits, means = tf.split(self.to_float32(self.prediction(feature)), self.sizes, axis=-1)
        return self.to_float32(feature), logits, means


def _channels(image_size, width):
    """Channels of the trunk's layers, largest activations first; the generator's are these backwards."""
    blocks = int(math.log2(image_size // _SMALLEST))
    # An even number: the last block of a later stage has half of them.
    base = max(2, 2 * round(_BASE * width / 2))
    return [base * min(2 ** block, _MOST) for block in range(blocks)]


def _tile(code, features):
    """The code [N, K] at every place of features [N, H, W, F]: [N, H, W, K]."""
    return tf.tile(code[:, tf.newaxis, tf.newaxis], [1, *features.shape[1:3], 1])


def build_networks(noise_dim: int = 100, num_codes: int = 10, num_continuous: int = 0,
                   image_shape: tuple[int, int, int] = (64, 64, 3), width: float = 1.0, stages: int = 1,
                   ema: bool = False, category_heads: bool = False) -> GanNetworks:
    """Build the networks with their weights.

    Args:
        noise_dim: Z, the size of the noise (100 in the paper).
        num_codes: K, the number of codes.
        num_continuous: C, the number of continuous codes.
        image_shape: (S, S, channels), S one of 32, 64 and 128.
        width: scale of the generator's and the trunk's channels; 1 is the paper's. Features are 128 long at
            every width.
        stages: stages of the generator, each with its own discriminator.
        ema: whether there is a second generator, for the EMA of the weights.
        category_heads: whether there is a `gan.CategoryHead` for every discriminator.
    """
    def make_discriminator(stage):
        suffix = f"_{stage + 1}" if stages > 1 else ""
        return DiscriminatorNetworks(
            Trunk(image_shape[0], width, name=f"trunk{suffix}"),
            DiscriminatorHead(name=f"discriminator_head{suffix}"),
            EncoderHead(num_codes, num_continuous, _channels(image_shape[0], width)[-1],
                        name=f"encoder_head{suffix}"))

    return build_gan_networks(
        lambda name: Generator(image_shape, width, stages, name=name), make_discriminator,
        (noise_dim, num_codes, num_continuous), ema, category_heads)
