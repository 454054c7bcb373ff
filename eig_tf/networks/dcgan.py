"""InfoGAN's networks (paper, supplement 4.1: "the exact architecture" of InfoGAN), for 28, 32 and 64 pixels.

At 28x28 they are the paper's for MNIST. At 32x32 the smallest activations are 8x8 instead of 7x7; at
64x64 there is one more layer of stride 2 at either end as well: small networks for a machine without a GPU,
not those of the paper.
"""

import tensorflow as tf
from tensorflow import keras

from eig_tf.networks.blocks import GhostBatchNormalization, leaky_relu, normal_initializer
from eig_tf.networks.bundle import Networks

# Side of the smallest activations, and how many times it is doubled to the images' side.
_STAGES = {28: (7, 2), 32: (8, 2), 64: (8, 3)}
FEATURE_SIZE = 128


class Generator(keras.Model):
    """G: noise, code and continuous codes to images.

    Args:
        image_shape: (S, S, channels), S one of 28, 32 and 64.
        width: scale of every layer's size; 1 is the paper's.
    """

    def __init__(self, image_shape=(28, 28, 1), width=1.0, **kwargs):
        super().__init__(**kwargs)
        side, stages = _STAGES[image_shape[0]]
        self.project = keras.layers.Dense(scaled(1024, width), kernel_initializer=normal_initializer())
        self.project_norm = GhostBatchNormalization()
        self.expand = keras.layers.Dense(
            side * side * scaled(128, width), kernel_initializer=normal_initializer())
        self.expand_norm = GhostBatchNormalization()
        self.reshape = keras.layers.Reshape((side, side, scaled(128, width)))
        self.upsamples = [keras.layers.Conv2DTranspose(
            scaled(64, width), 4, strides=2, padding="same", kernel_initializer=normal_initializer())
            for _ in range(stages - 1)]
        self.upsample_norms = [GhostBatchNormalization() for _ in self.upsamples]
        self.to_image = keras.layers.Conv2DTranspose(
            image_shape[-1], 4, strides=2, padding="same", kernel_initializer=normal_initializer())
        self.tanh = keras.layers.Activation("tanh", dtype="float32")

    def call(self, latents, training=None):
        """Maps (noise [N, Z], code [N, K], continuous [N, C]) to images [N, S, S, channels] in [-1, 1]."""
        x = tf.concat(latents, axis=-1)
        x = tf.nn.relu(self.project_norm(self.project(x), training=training))
        x = tf.nn.relu(self.expand_norm(self.expand(x), training=training))
        x = self.reshape(x)
        for upsample, norm in zip(self.upsamples, self.upsample_norms):
            x = tf.nn.relu(norm(upsample(x), training=training))
        return self.tanh(self.to_image(x))


class Trunk(keras.Model):
    """The layers that D and Q share.

    Args:
        image_size: S, one of 28, 32 and 64.
        width: scale of every layer's size; 1 is the paper's.
    """

    def __init__(self, image_size=28, width=1.0, **kwargs):
        super().__init__(**kwargs)
        _, stages = _STAGES[image_size]
        self.conv1 = keras.layers.Conv2D(
            scaled(64, width), 4, strides=2, padding="same", kernel_initializer=normal_initializer())
        self.convs = [keras.layers.Conv2D(
            scaled(128, width), 4, strides=2, padding="same", kernel_initializer=normal_initializer())
            for _ in range(stages - 1)]
        self.conv_norms = [GhostBatchNormalization() for _ in self.convs]
        self.flatten = keras.layers.Flatten()
        self.dense = keras.layers.Dense(scaled(1024, width), kernel_initializer=normal_initializer())
        self.dense_norm = GhostBatchNormalization()
        self.activation = leaky_relu()

    def call(self, images, training=None, groups=1):
        """Maps images [groups * N, S, S, C] in [-1, 1] to activations [groups * N, A], A = 1024 * width."""
        x = self.activation(self.conv1(images))
        for conv, norm in zip(self.convs, self.conv_norms):
            x = self.activation(norm(conv(x), training=training, groups=groups))
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


def build(noise_dim=62, num_codes=10, num_continuous=0, image_shape=(28, 28, 1), width=1.0):
    """Builds the four networks with their weights.

    Args:
        noise_dim: Z, the size of the noise (62 in the paper).
        num_codes: K, the number of categories.
        num_continuous: C, the number of continuous codes.
        image_shape: (S, S, channels), S one of 28, 32 and 64.
        width: scale of the generator's and the trunk's layers; 1 is the paper's. Q's own layers keep
            their size, so that features are 128 long everywhere.

    Returns:
        `Networks` whose weights exist.
    """
    networks = Networks(
        generator=Generator(image_shape, width, name="generator"),
        trunk=Trunk(image_shape[0], width, name="trunk"),
        discriminator_head=DiscriminatorHead(name="discriminator_head"),
        recognition_head=RecognitionHead(num_codes, num_continuous, name="recognition_head"),
    )
    latents = [tf.zeros([1, size]) for size in (noise_dim, num_codes, num_continuous)]
    activations = networks.trunk(networks.generator(latents))
    networks.discriminator_head(activations)
    networks.recognition_head(activations)
    return networks
