"""The networks that one InfoGAN is made of."""

from typing import NamedTuple, Optional, Tuple

from tensorflow import keras


class Discriminator(NamedTuple):
    """D and Q of one stage: what a network family must offer; see the `call` of each in `mnist.py`.

    Attributes:
        trunk: images -> activations, shared by D and Q; takes `groups`.
        discriminator_head: activations -> logit of "real" [N].
        recognition_head: activations -> (feature, code logits, continuous means); takes `groups`.
    """

    trunk: keras.Model
    discriminator_head: keras.Model
    recognition_head: keras.Model

    def build(self, images):
        """Creates the weights, for images like these."""
        activations = self.trunk(images)
        self.discriminator_head(activations)
        self.recognition_head(activations)


class Networks(NamedTuple):
    """A generator of one or more stages, and a discriminator of the images of each.

    Attributes:
        generator: (noise, code, continuous) -> tuple of images in [-1, 1], one batch a stage.
        discriminators: one `Discriminator` a stage.
        average_generator: a generator of the same shape, for the running average of the weights.
    """

    generator: keras.Model
    discriminators: Tuple[Discriminator, ...]
    average_generator: Optional[keras.Model] = None


def assemble(make_generator, make_discriminator, latents, averaged):
    """Builds the networks of a family with their weights.

    Args:
        make_generator: name -> generator, not built.
        make_discriminator: stage, from 0 -> `Discriminator`, not built.
        latents: what the generator takes, a batch of any content.
        averaged: whether there is a generator for the running average; it starts where G starts.

    Returns:
        `Networks`.
    """
    generator = make_generator("generator")
    discriminators = []
    for stage, images in enumerate(generator(latents)):
        discriminators.append(make_discriminator(stage))
        discriminators[-1].build(images)
    average_generator = None
    if averaged:
        average_generator = make_generator("average_generator")
        average_generator(latents)
        average_generator.set_weights(generator.get_weights())
    return Networks(generator, tuple(discriminators), average_generator)
