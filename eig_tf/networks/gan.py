"""What a family of GAN networks consists of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Callable, NamedTuple

import tensorflow as tf
from tensorflow import keras


class DiscriminatorNetworks(NamedTuple):
    """D and Q of one stage, which share most of their layers (supplement 4.1 and 4.2).

    Attributes:
        trunk: images [groups * N, H, W, channels] -> activations; takes `groups`.
        discriminator_head: activations -> logit of "real" [N].
        encoder_head: activations -> (features, code logits, continuous means); takes `groups`.
    """

    trunk: keras.Model
    discriminator_head: keras.Model
    encoder_head: keras.Model

    def build(self, images: tf.Tensor) -> None:
        """Create the weights, for images like these."""
        activations = self.trunk(images)
        self.discriminator_head(activations)
        self.encoder_head(activations)


class GanNetworks(NamedTuple):
    """A generator of one or more stages, and a discriminator for the images of each stage.

    Attributes:
        generator: (noise, code, continuous) -> tuple of images in [-1, 1], one batch for each stage.
        discriminators: one `DiscriminatorNetworks` for each stage.
        image_shape: (H, W, channels).
        noise_dim: Z.
        num_continuous: C.
        ema_generator: a generator of the same architecture for the EMA of the weights, or None.
    """

    generator: keras.Model
    discriminators: tuple[DiscriminatorNetworks, ...]
    image_shape: tuple[int, int, int]
    noise_dim: int
    num_continuous: int
    ema_generator: keras.Model | None = None


def build_gan_networks(make_generator: Callable[[str], keras.Model],
                       make_discriminator: Callable[[int], DiscriminatorNetworks],
                       latent_sizes: Sequence[int], ema: bool) -> GanNetworks:
    """Build the networks of a family with their weights.

    Args:
        make_generator: name -> generator, not built.
        make_discriminator: stage, from 0 -> `DiscriminatorNetworks`, not built.
        latent_sizes: Z, K and C.
        ema: whether there is a generator for the EMA; it starts with the generator's weights.
    """
    latents = [tf.zeros([1, size]) for size in latent_sizes]
    generator = make_generator("generator")
    discriminators = []
    for stage, images in enumerate(generator(latents)):
        discriminators.append(make_discriminator(stage))
        discriminators[-1].build(images)
    ema_generator = None
    if ema:
        ema_generator = make_generator("ema_generator")
        ema_generator(latents)
        ema_generator.set_weights(generator.get_weights())
    return GanNetworks(generator, tuple(discriminators), tuple(images.shape[1:]), latent_sizes[0],
                       latent_sizes[2], ema_generator)
