"""What a trained InfoGAN does: generate images from latents, recognize images."""

from typing import NamedTuple

import tensorflow as tf
from tensorflow import keras


class Latents(NamedTuple):
    """What a generator takes: noise [N, Z], code [N, K] and continuous codes [N, C]."""

    noise: tf.Tensor
    code: tf.Tensor
    continuous: tf.Tensor


class InferenceModel(keras.Model):
    """The networks and the prior of an InfoGAN outside training; `InfoGAN` adds how they are trained.

    Args:
        networks: `eig_tf.networks.Networks`, built.
        prior: a `CodePrior`.
        noise_dim: Z.
        num_continuous: C, the number of continuous codes r ~ U(-1, 1).
        averaged: whether the running average of G's weights generates, `networks.average_generator`.
    """

    def __init__(self, networks, prior, noise_dim, num_continuous, averaged, name):
        super().__init__(name=name)
        self.generator = networks.generator
        self.discriminators = list(networks.discriminators)
        self.average_generator = networks.average_generator if averaged else None
        self.prior = prior
        self.noise_dim = noise_dim
        self.num_continuous = num_continuous

    def call(self, latents, training=None):
        """Generates the last stage's images from `Latents`, by the averaged weights where there are any.

        `training` is Keras's and changes nothing: the generator is in inference mode.
        """
        return self.inference_generator(latents, training=False)[-1]

    @property
    def inference_generator(self):
        """The generator outside training: that of the averaged weights where there is one, else G."""
        return self.average_generator or self.generator

    def recognize(self, images):
        """What the last stage's Q says of images [N, H, W, C] in [-1, 1], in inference mode.

        Returns:
            The features [N, F], the code logits [N, K] and the means of the continuous codes [N, C].
        """
        discriminator = self.discriminators[-1]
        return discriminator.recognition_head(discriminator.trunk(images, training=False), training=False)

    def sample_latents(self, num, seed, code=None):
        """Draws `Latents` as in training: noise ~ N(0, I), code ~ prior, continuous ~ U(-1, 1).

        Args:
            num: how many.
            seed: a stateless seed, int32 [2].
            code: codes to use instead of drawing them, float32 [num, K].
        """
        noise_seed, code_seed, continuous_seed = tf.unstack(
            tf.random.experimental.stateless_split(seed, 3))
        return Latents(
            noise=tf.random.stateless_normal([num, self.noise_dim], noise_seed),
            code=self.prior.sample(num, code_seed) if code is None else code,
            continuous=tf.random.stateless_uniform(
                [num, self.num_continuous], continuous_seed, minval=-1.0, maxval=1.0))
