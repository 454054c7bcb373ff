"""The categorizer: a small network from real images to categories, trained without labels."""

from __future__ import annotations

from tensorflow import keras

FEATURE_SIZE = 128
# Identity needs no finer images, and a CPU has four times the work with the next size.
_LARGEST_SIDE = 32
_CHANNELS_AND_STRIDES = ((24, 1), (48, 2), (64, 1), (96, 2), (128, 1))


def build_categorizer(image_shape: tuple[int, int, int], num_categories: int) -> keras.Model:
    """Build five convolutions with batch normalization, a dense layer of features and one of logits.

    Args:
        image_shape: (H, W, channels) of images in [-1, 1]; larger ones than 32x32 are averaged down first.
        num_categories: M.

    Returns:
        A Keras model from images [N, H, W, channels] to features [N, 128] and logits [N, M].
    """
    images = x = keras.Input(image_shape, name="images")
    while x.shape[1] > _LARGEST_SIDE:
        x = keras.layers.AveragePooling2D()(x)
    for channels, strides in _CHANNELS_AND_STRIDES:
        x = keras.layers.Conv2D(channels, 3, strides=strides, padding="same", use_bias=False)(x)
        x = _normalized(x)
    x = keras.layers.AveragePooling2D(padding="same")(x)
    x = keras.layers.Dense(FEATURE_SIZE, use_bias=False)(keras.layers.Flatten()(x))
    features = _normalized(x)
    logits = keras.layers.Dense(num_categories, name="logits")(features)
    return keras.Model(images, [features, logits], name="categorizer")


def _normalized(x):
    x = keras.layers.BatchNormalization(momentum=0.9)(x)
    return keras.layers.LeakyReLU(alpha=0.1)(x)
