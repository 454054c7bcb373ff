"""Classifiers that judge generated images."""

from tensorflow import keras


def small_cnn(image_shape, num_classes):
    """2 conv + 2 FC, with ReLU and max-pool after every convolution (supplement 4.1).

    Args:
        image_shape: (height, width, channels) of images in [-1, 1].
        num_classes: how many logits.

    Returns:
        A Keras model from images [N, *image_shape] to logits [N, num_classes].
    """
    return keras.Sequential([
        keras.layers.InputLayer(image_shape),
        keras.layers.Conv2D(20, 5, activation="relu"),
        keras.layers.MaxPooling2D(),
        keras.layers.Conv2D(50, 5, activation="relu"),
        keras.layers.MaxPooling2D(),
        keras.layers.Flatten(),
        keras.layers.Dense(500, activation="relu"),
        keras.layers.Dropout(0.5),
        keras.layers.Dense(num_classes),
    ], name="classifier")
