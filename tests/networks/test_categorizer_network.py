import numpy as np
import pytest
from tensorflow import keras

from eig_tf.networks.categorizer import FEATURE_SIZE, build_categorizer, build_projection


@pytest.mark.parametrize("side", [28, 32, 64, 128])
@pytest.mark.parametrize("channels", [1, 3])
def test_images_of_every_size_and_colour(side, channels, count):
    network = build_categorizer((side, side, channels), 7)
    features, logits = network(np.zeros([2, side, side, channels], np.float32))
    assert features.shape == (2, FEATURE_SIZE) and logits.shape == (2, 7)
    # Kernels of 3x3 and two numbers a channel of normalization; the last maps are of 4x4.
    layers = (channels, 24, 48, 64, 96, 128)
    convolutions = sum(9 * before * after + 2 * after for before, after in zip(layers, layers[1:]))
    assert count(network) == convolutions + 16 * 128 * 128 + 2 * 128 + 128 * 7 + 7


def test_larger_images_are_averaged_down_to_32x32():
    """A chessboard of 64x64 looks like the grey image that is its mean."""
    network = build_categorizer((64, 64, 1), 3)
    board = (np.indices([64, 64]).sum(axis=0) % 2 * 2.0 - 1)[np.newaxis, ..., np.newaxis].astype(np.float32)
    for found, expected in zip(network(board), network(np.zeros_like(board))):
        np.testing.assert_allclose(found, expected, atol=1e-6)
    convolutions = [layer for layer in network.layers if isinstance(layer, keras.layers.Conv2D)]
    assert convolutions[0].input_shape == (None, 32, 32, 1)


def test_the_projection_has_one_hidden_layer(count):
    projection = build_projection()
    assert projection(np.zeros([2, FEATURE_SIZE], np.float32)).shape == (2, 64)
    assert count(projection) == 128 * 128 + 128 + 128 * 64 + 64
