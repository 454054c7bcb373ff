"""The networks for 28x28 images: InfoGAN's for MNIST, "the exact architecture" (supplement 4.1)."""

from __future__ import annotations

import tensorflow as tf
from tensorflow import keras

from eig_tf.networks.blocks import GhostBatchNormalization, leaky_relu, normal_initializer
from eig_tf.networks.gan import DiscriminatorNetworks, GanNetworks, build_gan_networks

FEATURE_SIZE = 128
# Side of the smallest activations; two layers of stride 2 lie between it and the image.
_SMALLEST = 7


class Generator(keras.Model):
    """G: noise, code and continuous codes to images.

    Args:
        channels: of the images, 1 or 3.
        width: scale of every layer's size; 1 is the paper's.
    """

    def __init__(self, channels: int = 1, width: float = 1.0, **kwargs) -> None:
        super().__init__(**kwargs)
        self.project = keras.layers.Dense(_scaled(1024, width), kernel_initializer=normal_initializer())
        self.project_norm = GhostBatchNormalization()
        self.expand = keras.layers.Dense(
            _SMALLEST ** 2 * _scaled(128, width), kernel_initializer=normal_initializer())
        self.expand_norm = GhostBatchNormalization()
        self.reshape = keras.layers.Reshape((_SMALLEST, _SMALLEST, _scaled(128, width)))
        self.upsample = keras.layers.Conv2DTranspose(
            _scaled(64, width), 4, strides=2, padding="same", kernel_initializer=normal_initializer())
        self.upsample_norm = GhostBatchNormalization()
        self.to_image = keras.layers.Conv2DTranspose(
            channels, 4, strides=2, padding="same", kernel_initializer=normal_initializer())
        self.tanh = keras.layers.Activation("tanh", dtype="float32")

    def call(self, latents, training=None):
        """Map (noise [N, Z], code [N, K], continuous [N, C]) to images in [-1, 1].

        Returns:
            A tuple of one batch of images [N, 28, 28, channels]: there is one stage.
        """
        x = tf.concat(latents, axis=-1)
        x = tf.nn.relu(self.project_norm(self.project(x), training=training))
        x = tf.nn.relu(self.expand_norm(self.expand(x), training=training))
        x = self.reshape(x)
        x = tf.nn.relu(self.upsample_norm(self.upsample(x), training=training))
        return (self.tanh(self.to_image(x)),)


class Trunk(keras.Model):
    """The layers that D and Q share.

    Args:
        width: scale of every layer's size; 1 is the paper's.
    """

    def __init__(self, width: float = 1.0, **kwargs) -> None:
        super().__init__(**kwargs)
        self.conv1 = keras.layers.Conv2D(
            _scaled(64, width), 4, strides=2, padding="same", kernel_initializer=normal_initializer())
        self.conv2 = keras.layers.Conv2D(
            _scaled(128, width), 4, strides=2, padding="same", kernel_initializer=normal_initializer())
        self.conv2_norm = GhostBatchNormalization()
        self.flatten = keras.layers.Flatten()
        self.dense = keras.layers.Dense(_scaled(1024, width), kernel_initializer=normal_initializer())
        self.dense_norm = GhostBatchNormalization()
        self.activation = leaky_relu()

    def call(self, images, training=None, groups=1):
        """Map images [groups * N, 28, 28, C] in [-1, 1] to activations [groups * N, A], A = 1024 * width."""
        x = self.activation(self.conv1(images))
        x = self.activation(self.conv2_norm(self.conv2(x), training=training, groups=groups))
        x = self.dense(self.flatten(x))
        return self.activation(self.dense_norm(x, training=training, groups=groups))


class DiscriminatorHead(keras.Model):
    """D's own layer on top of the trunk."""

    def __init__(self, **kwargs) -> None:
        super().__init__(**kwargs)
        self.logit = keras.layers.Dense(1, kernel_initializer=normal_initializer())
        self.to_float32 = keras.layers.Activation("linear", dtype="float32")

    def call(self, activations):
        """Map trunk activations [N, A] to the logit of "real" [N]."""
        return tf.squeeze(self.to_float32(self.logit(activations)), axis=-1)


class EncoderHead(keras.Model):
    """Q's own layers on top of the trunk.

    Args:
        num_codes: K, the number of codes.
        num_continuous: C, the number of continuous codes whose mean Q predicts as well.
    """

    def __init__(self, num_codes: int, num_continuous: int = 0, **kwargs) -> None:
        super().__init__(**kwargs)
        self.hidden = keras.layers.Dense(FEATURE_SIZE, kernel_initializer=normal_initializer())
        self.hidden_norm = GhostBatchNormalization()
        self.activation = leaky_relu()
        self.sizes = [num_codes, num_continuous]
        self.prediction = keras.layers.Dense(sum(self.sizes), kernel_initializer=normal_initializer())
        self.to_float32 = keras.layers.Activation("linear", dtype="float32")

    def call(self, activations, training=None, groups=1):
        """Map trunk activations [groups * N, A] to Q's predictions for the images.

        Returns:
            The feature of the contrastive loss [groups * N, 128] (penultimate layer, after its leaky
            ReLU), the logits of the code [groups * N, K] and the means of the continuous codes
            [groups * N, C], all float32.
        """
        hidden = self.hidden_norm(self.hidden(activations), training=training, groups=groups)
        feature = self.activation(hidden)
        logits, means = tf.split(self.to_float32(self.prediction(feature)), self.sizes, axis=-1)
        return self.to_float32(feature), logits, means


def _scaled(size, width):
    """A layer's size at a width, at least 1."""
    return max(1, round(size * width))


def build_networks(noise_dim: int = 62, num_codes: int = 10, num_continuous: int = 0,
                   image_shape: tuple[int, int, int] = (28, 28, 1), width: float = 1.0, stages: int = 1,
                   ema: bool = False, category_heads: bool = False) -> GanNetworks:
    """Build the networks with their weights.

    Args:
        noise_dim: Z, the size of the noise (62 in the paper).
        num_codes: K, the number of codes.
        num_continuous: C, the number of continuous codes.
        image_shape: (28, 28, channels), channels 1 or 3.
        width: scale of the generator's and the trunk's layers; 1 is the paper's. Q's own layers keep their
            size, so that features are 128 long at every width.
        stages: 1.
        ema: whether there is a second generator, for the EMA of the weights.
        category_heads: whether there is a `gan.CategoryHead` for every discriminator.

    Raises:
        ValueError: the images are not 28x28, or there is more than one stage.
    """
    if tuple(image_shape[:2]) != (28, 28) or stages != 1:
        raise ValueError(f"image_shape is {image_shape} and stages {stages}; expected 28x28 images and 1 "
                         "stage")

    def make_discriminator(_):
        return DiscriminatorNetworks(
            Trunk(width, name="trunk"), DiscriminatorHead(name="discriminator_head"),
            EncoderHead(num_codes, num_continuous, name="encoder_head"))

    return build_gan_networks(
        lambda name: Generator(image_shape[-1], width, name=name), make_discriminator,
        (noise_dim, num_codes, num_continuous), ema, category_heads)
