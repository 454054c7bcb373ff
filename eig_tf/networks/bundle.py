"""The four networks that one InfoGAN is made of."""

from typing import NamedTuple

from tensorflow import keras


class Networks(NamedTuple):
    """What a network family must offer; see the `call` of each in `networks/dcgan.py`.

    Attributes:
        generator: (noise, code, continuous) -> images in [-1, 1].
        trunk: images -> activations, shared by D and Q; takes `groups`.
        discriminator_head: activations -> logit of "real" [N].
        recognition_head: activations -> (feature, code logits, continuous means); takes `groups`.
    """

    generator: keras.Model
    trunk: keras.Model
    discriminator_head: keras.Model
    recognition_head: keras.Model
