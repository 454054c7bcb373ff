"""The categorizer: a small network from real images to categories, trained without labels."""

from __future__ import annotations

from tensorflow import keras

from eig_tf.networks.precision import policy

FEATURE_SIZE = 128
_PROJECTION_SIZE = 64
# Larger images do not help to recognize identity, and the next size takes four times as long on a CPU.
LARGEST_SIDE = 32
_CHANNELS_AND_STRIDES = ((24, 1), (48, 2), (64, 1), (96, 2), (128, 1))


def build_encoder(image_shape: tuple[int, int, int]) -> keras.Model:
    """Build five convolutions with batch normalization and a dense layer of features.

    Args:
        image_shape: (H, W, channels) of images in [-1, 1]; larger ones than 32x32 are averaged down first.

    Returns:
        A Keras model from images [N, H, W, channels] to features [N, 128].
    """
    images = x = keras.Input(image_shape, name="images")
    while x.shape[1] > LARGEST_SIDE:
        x = keras.layers.AveragePooling2D()(x)
    for channels, strides in _CHANNELS_AND_STRIDES:
        x = keras.layers.Conv2D(channels, 3, strides=strides, padding="same", use_bias=False)(x)
        x = _normalized(x)
    x = keras.layers.AveragePooling2D(padding="same")(x)
    x = keras.layers.Dense(FEATURE_SIZE, use_bias=False)(keras.layers.Flatten()(x))
    return keras.Model(images, _normalized(x), name="categorizer_encoder")


def build_categorizer(image_shape: tuple[int, int, int], num_categories: int) -> keras.Model:
    """Build an encoder and a dense layer of logits.

    Args:
        image_shape: see `build_encoder`.
        num_categories: M.

    Returns:
        A Keras model from images [N, H, W, channels] to features [N, 128] and logits [N, M].
    """
    encoder = build_encoder(image_shape)
    logits = keras.layers.Dense(num_categories, name="logits")(encoder.output)
    return keras.Model(encoder.input, [encoder.output, logits], name="categorizer")


def resized_categorizer(categorizer: keras.Model, image_shape: tuple[int, int, int]) -> keras.Model:
    """Return a float32 categorizer of the same weights for larger images, which it averages down.

    Args:
        categorizer: see `build_categorizer`.
        image_shape: see `build_encoder`.
    """
    with policy("float32"):
        resized = build_categorizer(image_shape, categorizer.output_shape[1][-1])
    resized.set_weights(categorizer.get_weights())
    return resized


def build_projection() -> keras.Model:
    """Build the perceptron from features [N, 128] to [N, 64] that NT-Xent compares (Chen et al. 2020)."""
    return keras.Sequential([
        keras.Input([FEATURE_SIZE]), keras.layers.Dense(FEATURE_SIZE, activation="relu"),
        keras.layers.Dense(_PROJECTION_SIZE)], name="projection")


def _normalized(x):
    x = keras.layers.BatchNormalization(momentum=0.9)(x)
    return keras.layers.LeakyReLU(alpha=0.1)(x)
