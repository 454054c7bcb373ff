"""The networks of JointVAE (Dupont 2018; supplement 4.4): an encoder and a decoder, no normalization.

The original takes 32x32 and 64x64 images; a size twice as large has one more convolution at either end.
28x28 images are padded with black to 32x32 by the encoder, and cropped again by the decoder.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import tensorflow as tf
from tensorflow import keras

# Side of the smallest activations.
_SMALLEST = 4
_PADDED = {28: 32}


class VaeNetworks(NamedTuple):
    """What a variational autoencoder consists of.

    Attributes:
        encoder: images in [0, 1] -> (features, means, log variances, code logits).
        decoder: (code, continuous variables) -> logits of the pixels.
        image_shape: (H, W, channels).
        num_continuous: D, the number of continuous variables.
    """

    encoder: keras.Model
    decoder: keras.Model
    image_shape: tuple[int, int, int]
    num_continuous: int


class Encoder(keras.Model):
    """Images to the parameters of the posterior.

    Args:
        image_size: S, one of 28, 32, 64 and 128.
        num_codes: K, the number of codes.
        num_continuous: D, the number of continuous variables.
        width: scale of every layer's size; 1 is the original's.
    """

    def __init__(self, image_size: int, num_codes: int, num_continuous: int, width: float = 1.0,
                 **kwargs) -> None:
        super().__init__(**kwargs)
        border = (_PADDED.get(image_size, image_size) - image_size) // 2
        self.padding = keras.layers.ZeroPadding2D(border)
        self.convs = [keras.layers.Conv2D(channels, 4, strides=2, padding="same", activation="relu")
                      for channels in _channels(image_size, width)]
        self.flatten = keras.layers.Flatten()
        self.hidden = keras.layers.Dense(_scaled(256, width), activation="relu")
        self.sizes = [num_continuous, num_continuous, num_codes]
        self.posterior = keras.layers.Dense(sum(self.sizes))
        self.to_float32 = keras.layers.Activation("linear", dtype="float32")

    def call(self, images, training=None):
        """Map images [N, S, S, C] in [0, 1] to the posterior's parameters.

        Returns:
            Features [N, 256 * width] (the penultimate layer), means [N, D] and log variances [N, D] of the
            continuous variables, and logits of the code [N, K], all float32.
        """
        x = self.padding(images)
        for conv in self.convs:
            x = conv(x)
        features = self.hidden(self.flatten(x))
        means, log_variances, code_logits = tf.split(
            self.to_float32(self.posterior(features)), self.sizes, axis=-1)
        return self.to_float32(features), means, log_variances, code_logits


class Decoder(keras.Model):
    """Latent variables to images.

    Args:
        image_shape: (S, S, channels), S one of 28, 32, 64 and 128.
        width: scale of every layer's size; 1 is the original's.
    """

    def __init__(self, image_shape: tuple[int, int, int], width: float = 1.0, **kwargs) -> None:
        super().__init__(**kwargs)
        deepest = _channels(image_shape[0], width)[-1]
        self.hidden = keras.layers.Dense(_scaled(256, width), activation="relu")
        self.expand = keras.layers.Dense(_SMALLEST ** 2 * deepest, activation="relu")
        self.reshape = keras.layers.Reshape((_SMALLEST, _SMALLEST, deepest))
        self.convs = [keras.layers.Conv2DTranspose(channels, 4, strides=2, padding="same", activation="relu")
                      for channels in _decoder_channels(image_shape[0], width)]
        self.to_image = keras.layers.Conv2DTranspose(image_shape[-1], 4, strides=2, padding="same")
        border = (_PADDED.get(image_shape[0], image_shape[0]) - image_shape[0]) // 2
        self.cropping = keras.layers.Cropping2D(border)
        self.to_float32 = keras.layers.Activation("linear", dtype="float32")

    def call(self, latents, training=None):
        """Map (code [N, K], continuous variables [N, D]) to logits of the pixels [N, S, S, channels]."""
        x = self.reshape(self.expand(self.hidden(tf.concat(latents, axis=-1))))
        for conv in self.convs:
            x = conv(x)
        return self.to_float32(self.cropping(self.to_image(x)))


def _channels(image_size, width):
    """Channels of the encoder's convolutions, the largest activations first."""
    num = int(math.log2(_PADDED.get(image_size, image_size) // _SMALLEST))
    return [_scaled(32, width)] * (num - 2) + [_scaled(64, width)] * 2


def _decoder_channels(image_size, width):
    """Channels of the decoder's transposed convolutions but the last, the smallest activations first."""
    num = len(_channels(image_size, width)) - 1
    return [_scaled(64, width)] * (num > 2) + [_scaled(32, width)] * (num - (num > 2))


def _scaled(size, width):
    return max(1, round(size * width))


def build_networks(num_codes: int = 10, num_continuous: int = 10,
                   image_shape: tuple[int, int, int] = (32, 32, 1), width: float = 1.0) -> VaeNetworks:
    """Build the networks with their weights.

    Args:
        num_codes: K, the number of codes.
        num_continuous: D, the number of continuous variables.
        image_shape: (S, S, channels), S one of 28, 32, 64 and 128.
        width: scale of every layer's size; 1 is the original's.
    """
    encoder = Encoder(image_shape[0], num_codes, num_continuous, width, name="encoder")
    decoder = Decoder(image_shape, width, name="decoder")
    encoder(tf.zeros([1, *image_shape]))
    decoder((tf.zeros([1, num_codes]), tf.zeros([1, num_continuous])))
    return VaeNetworks(encoder, decoder, image_shape, num_continuous)
