"""The InfoGAN networks for 28x28 images (paper, supplement 4.1: "the exact architecture" of InfoGAN)."""

import tensorflow as tf
from tensorflow import keras

from eig_tf.networks.blocks import GhostBatchNormalization, leaky_relu, normal_initializer
from eig_tf.networks.bundle import Networks

IMAGE_SIZE = 28
FEATURE_SIZE = 128


class Generator(keras.Model):
    """G: noise, code and continuous codes to images.

    Args:
        channels: colour channels of the images.
        width: scale of every layer's size; 1 is the paper's.
    """

    def __init__(self, channels=1, width=1.0, **kwargs):
        super().__init__(**kwargs)
        self.project = keras.layers.Dense(scaled(1024, width), kernel_initializer=normal_initializer())
        self.project_norm = GhostBatchNormalization()
        self.expand = keras.layers.Dense(7 * 7 * scaled(128, width), kernel_initializer=normal_initializer())
        self.expand_norm = GhostBatchNormalization()
        self.reshape = keras.layers.Reshape((7, 7, scaled(128, width)))
        self.upsample = keras.layers.Conv2DTranspose(
            scaled(64, width), 4, strides=2, padding="same", kernel_initializer=normal_initializer())
        self.upsample_norm = GhostBatchNormalization()
        self.to_image = keras.layers.Conv2DTranspose(
            channels, 4, strides=2, padding="same", kernel_initializer=normal_initializer())
        self.tanh = keras.layers.Activation("tanh", dtype="float32")

    def call(self, latents, training=None):
        """Maps (noise [N, Z], code [N, K], continuous [N, C]) to images [N, 28, 28, channels] in [-1, 1]."""
        x = tf.concat(latents, axis=-1)
        x = tf.nn.relu(self.project_norm(self.project(x), training=training))
        x = tf.nn.relu(self.expand_norm(self.expand(x), training=training))
        x = tf.nn.relu(self.upsample_norm(self.upsample(self.reshape(x)), training=training))
        return self.tanh(self.to_image(x))


class Trunk(keras.Model):
    """The layers that D and Q share.

    Args:
        width: scale of every layer's size; 1 is the paper's.
    """

    def __init__(self, width=1.0, **kwargs):
        super().__init__(**kwargs)
        self.conv1 = keras.layers.Conv2D(
            scaled(64, width), 4, strides=2, padding="same", kernel_initializer=normal_initializer())
        self.conv2 = keras.layers.Conv2D(
            scaled(128, width), 4, strides=2, padding="same", kernel_initializer=normal_initializer())
        self.conv2_norm = GhostBatchNormalization()
        self.flatten = keras.layers.Flatten()
        self.dense = keras.layers.Dense(scaled(1024, width), kernel_initializer=normal_initializer())
        self.dense_norm = GhostBatchNormalization()
        self.activation = leaky_relu()

    def call(self, images, training=None, groups=1):
        """Maps images [groups * N, 28, 28, C] in [-1, 1] to activations [groups * N, A], A = 1024 * width."""
        x = self.activation(self.conv1(images))
        x = self.activation(self.conv2_norm(self.conv2(x), training=training, groups=groups))
        x = self.dense(self.flatten(x))
        return self.activation(self.dense_norm(x, training=training, groups=groups))


class DiscriminatorHead(keras.Model):
    """D's own layer on top of the trunk."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.logit = keras.layers.Dense(1, kernel_initializer=normal_initializer())
        self.to_float32 = keras.layers.Activation("linear", dtype="float32")

    def call(self, activations):
        """Maps trunk activations [N, A] to the logit of "real" [N]."""
        return tf.squeeze(self.to_float32(self.logit(activations)), axis=-1)


class RecognitionHead(keras.Model):
    """Q's own layers on top of the trunk.

    Args:
        num_codes: K, the number of categories.
        num_continuous: C, the number of continuous codes whose mean Q predicts as well.
    """

    def __init__(self, num_codes, num_continuous=0, **kwargs):
        super().__init__(**kwargs)
        self.hidden = keras.layers.Dense(FEATURE_SIZE, kernel_initializer=normal_initializer())
        self.hidden_norm = GhostBatchNormalization()
        self.activation = leaky_relu()
        self.sizes = [num_codes, num_continuous]
        self.prediction = keras.layers.Dense(sum(self.sizes), kernel_initializer=normal_initializer())
        self.to_float32 = keras.layers.Activation("linear", dtype="float32")

    def call(self, activations, training=None, groups=1):
        """Maps trunk activations [groups * N, A] to what Q says of the images.

        Returns:
            The feature of the contrastive loss [groups * N, 128] (penultimate layer, after its leaky
            ReLU), the logits of the code [groups * N, K] and the means of the continuous codes
            [groups * N, C], all float32.
        """
        hidden = self.hidden_norm(self.hidden(activations), training=training, groups=groups)
        feature = self.activation(hidden)
        logits, means = tf.split(self.to_float32(self.prediction(feature)), self.sizes, axis=-1)
        return self.to_float32(feature), logits, means


def scaled(size, width):
    """A layer's size at a width, at least 1."""
    return max(1, round(size * width))


def build(noise_dim=62, num_codes=10, num_continuous=0, channels=1, width=1.0):
    """Builds the four networks with their weights.

    Args:
        noise_dim: Z, the size of the noise (62 in the paper).
        num_codes: K, the number of categories.
        num_continuous: C, the number of continuous codes.
        channels: colour channels of the images.
        width: scale of the generator's and the trunk's layers; 1 is the paper's. Q's own layers keep
            their size, so that features are 128 long everywhere.

    Returns:
        `Networks` whose weights exist.
    """
    networks = Networks(
        generator=Generator(channels, width, name="generator"),
        trunk=Trunk(width, name="trunk"),
        discriminator_head=DiscriminatorHead(name="discriminator_head"),
        recognition_head=RecognitionHead(num_codes, num_continuous, name="recognition_head"),
    )
    latents = [tf.zeros([1, size]) for size in (noise_dim, num_codes, num_continuous)]
    activations = networks.trunk(networks.generator(latents))
    networks.discriminator_head(activations)
    networks.recognition_head(activations)
    return networks
