"""Classifiers that judge generated images, by name."""

from __future__ import annotations

from tensorflow import keras

# The size that MNIST's classifier is made for; smaller images are enlarged for the ResNet-50 to 64.
_DIGITS = 28
_SMALLEST_RESNET = 64
_CHANNELS = (32, 64, 96, 128)
BACKBONE = "resnet50"


def small_cnn(image_shape: tuple[int, int, int], num_classes: int) -> keras.Model:
    """Build 2 conv + 2 FC layers for 28x28 images (supplement 4.1), else four convolutional blocks.

    Args:
        image_shape: (height, width, channels) of images in [-1, 1].
        num_classes: how many logits.

    Returns:
        A Keras model from images [N, *image_shape] to logits [N, num_classes].
    """
    layers = _digit_layers() if tuple(image_shape[:2]) == (_DIGITS, _DIGITS) else _block_layers()
    return keras.Sequential(
        [keras.layers.InputLayer(image_shape), *layers, keras.layers.Dense(num_classes)], name="classifier")


def resnet50(image_shape: tuple[int, int, int], num_classes: int) -> keras.Model:
    """Build a ResNet-50 with average pooling, dropout and one dense layer on top (supplement 4.2, 4.3).

    It preprocesses images as the weights that Keras publishes expect them: channels in the order blue,
    green, red, in [0, 255], less ImageNet's means. Its last features are 1/32 of the image's size, so
    images below 64x64 are enlarged to 64x64.

    Args:
        image_shape: (height, width, channels) of images in [-1, 1].
        num_classes: how many logits.

    Returns:
        A Keras model from images [N, *image_shape] to logits [N, num_classes]; its layer `BACKBONE` is
        the ResNet-50.
    """
    inputs = keras.Input(image_shape)
    images = inputs
    if image_shape[0] < _SMALLEST_RESNET:
        images = keras.layers.Resizing(_SMALLEST_RESNET, _SMALLEST_RESNET)(images)
    if image_shape[-1] == 1:
        images = keras.layers.Concatenate()([images] * 3)
    images = keras.layers.Rescaling(127.5, offset=127.5)(images)
    images = keras.applications.resnet50.preprocess_input(images)
    features = _backbone(images.shape[1:])(images)
    features = keras.layers.Dropout(0.3)(features)
    return keras.Model(inputs, keras.layers.Dense(num_classes)(features), name="classifier")


ARCHITECTURES = {"small_cnn": small_cnn, "resnet50": resnet50}


def _digit_layers():
    return [
        keras.layers.Conv2D(20, 5, activation="relu"),
        keras.layers.MaxPooling2D(),
        keras.layers.Conv2D(50, 5, activation="relu"),
        keras.layers.MaxPooling2D(),
        keras.layers.Flatten(),
        keras.layers.Dense(500, activation="relu"),
        keras.layers.Dropout(0.5),
    ]


def _block_layers():
    layers = []
    for channels in _CHANNELS:
        layers += [keras.layers.Conv2D(channels, 3, padding="same", use_bias=False),
                   keras.layers.BatchNormalization(momentum=0.9),
                   keras.layers.ReLU(),
                   keras.layers.MaxPooling2D()]
    # No global average pooling: with it, the classifier learns to distinguish faces far more slowly.
    return [*layers, keras.layers.Flatten(), keras.layers.Dropout(0.5)]


def _backbone(image_shape):
    backbone = keras.applications.ResNet50(
        include_top=False, weights=None, input_shape=tuple(image_shape), pooling="avg")
    for layer in backbone.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            # Few images mean few steps, in which Keras's 0.99 keeps most of the initial statistics.
            layer.momentum = 0.9
    return backbone
