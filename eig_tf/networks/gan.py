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


class CategoryHead(keras.Model):
    """The term of D's logit that depends on the category: a projection (Miyato and Koyama 2018).

    The weights start at 0, so that D changes little when it is told the categories for the first time.

    Args:
        num_codes: K, the largest number of categories.
    """

    def __init__(self, num_codes: int, **kwargs) -> None:
        super().__init__(**kwargs)
        self.flatten = keras.layers.Flatten()
        self.logits = keras.layers.Dense(num_codes, kernel_initializer="zeros")
        self.to_float32 = keras.layers.Activation("linear", dtype="float32")

    def call(self, activations, categories):
        """Map trunk activations [N, ...] and their categories, int [N] below K, to a term of D's logit [N].

        It is 0 when `categories` is None, which means that they are not known yet.
        """
        logits = self.to_float32(self.logits(self.flatten(activations)))
        chosen = tf.zeros_like(logits) if categories is None else tf.one_hot(categories, logits.shape[1])
        return tf.reduce_sum(chosen * logits, axis=1)


class GanNetworks(NamedTuple):
    """A generator of one or more stages, and a discriminator for the images of each stage.

    Attributes:
        generator: (noise, code, continuous) -> tuple of images in [-1, 1], one batch for each stage.
        discriminators: one `DiscriminatorNetworks` for each stage.
        image_shape: (H, W, channels).
        noise_dim: Z.
        num_continuous: C.
        ema_generator: a generator of the same architecture for the EMA of the weights, or None.
        category_heads: one `CategoryHead` for each discriminator, or none at all.
    """

    generator: keras.Model
    discriminators: tuple[DiscriminatorNetworks, ...]
    image_shape: tuple[int, int, int]
    noise_dim: int
    num_continuous: int
    ema_generator: keras.Model | None = None
    category_heads: tuple[CategoryHead, ...] = ()


def build_gan_networks(make_generator: Callable[[str], keras.Model],
                       make_discriminator: Callable[[int], DiscriminatorNetworks],
                       latent_sizes: Sequence[int], ema: bool, category_heads: bool) -> GanNetworks:
    """Build the networks of a family with their weights.

    Args:
        make_generator: name -> generator, not built.
        make_discriminator: stage, from 0 -> `DiscriminatorNetworks`, not built.
        latent_sizes: Z, K and C.
        ema: whether there is a generator for the EMA; it starts with the generator's weights.
        category_heads: whether there is a `CategoryHead` for every discriminator.
    """
    latents = [tf.zeros([1, size]) for size in latent_sizes]
    generator = make_generator("generator")
    discriminators, heads = [], []
    for stage, images in enumerate(generator(latents)):
        discriminators.append(make_discriminator(stage))
        discriminators[-1].build(images)
        if category_heads:
            heads.append(CategoryHead(latent_sizes[1], name=f"category_head_{stage + 1}"))
            heads[-1](discriminators[-1].trunk(images), None)
    ema_generator = None
    if ema:
        ema_generator = make_generator("ema_generator")
        ema_generator(latents)
        ema_generator.set_weights(generator.get_weights())
    return GanNetworks(generator, tuple(discriminators), tuple(images.shape[1:]), latent_sizes[0],
                       latent_sizes[2], ema_generator, tuple(heads))
