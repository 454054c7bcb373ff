import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from eig_tf.networks import classifiers


@pytest.mark.parametrize("image_shape", [(28, 28, 1), (32, 32, 3), (64, 64, 3), (128, 128, 1)])
def test_small_cnn_sees_images_of_every_size(image_shape):
    model = classifiers.small_cnn(image_shape, 7)
    assert model(np.zeros([2, *image_shape], np.float32)).shape == (2, 7)


def test_digits_keep_the_papers_two_convolutions_and_two_layers():
    model = classifiers.small_cnn((28, 28, 1), 10)
    # 5x5x20 + 20, 5x5x20x50 + 50, 4x4x50x500 + 500, 500x10 + 10
    assert model.count_params() == 520 + 25_050 + 400_500 + 5_010


def test_small_cnn_of_four_blocks_by_hand():
    model = classifiers.small_cnn((64, 64, 3), 10)
    # 3x3 kernels and four numbers a channel of batch normalization; four poolings leave 4x4 of 64x64.
    convolutions = 9 * (3 * 32 + 32 * 64 + 64 * 96 + 96 * 128)
    assert model.count_params() == convolutions + 4 * (32 + 64 + 96 + 128) + 4 * 4 * 128 * 10 + 10


@pytest.fixture(scope="module")
def resnet():
    return classifiers.resnet50((64, 64, 3), 5)


def test_resnet50_is_that_of_keras_with_a_layer_on_top(resnet):
    backbone = resnet.get_layer(classifiers.BACKBONE)
    # 23,587,712 are those of keras.applications without its top.
    assert backbone.count_params() == 23_587_712
    assert resnet.count_params() == 23_587_712 + 2048 * 5 + 5
    assert resnet(np.zeros([2, 64, 64, 3], np.float32)).shape == (2, 5)


def _given_to_the_backbone(model):
    return keras.Model(model.input, model.get_layer(classifiers.BACKBONE).get_input_at(-1))


def test_resnet50_is_given_what_published_weights_expect(resnet):
    given = _given_to_the_backbone(resnet)(tf.tile([[[[-1.0, 0.0, 1.0]]]], [1, 64, 64, 1]))
    # Blue 255, green 127.5, red 0, less the means of ImageNet.
    np.testing.assert_allclose(given[0, 5, 5], [255 - 103.939, 127.5 - 116.779, -123.68], atol=1e-3)


def test_small_grey_images_are_enlarged_and_given_three_channels():
    model = classifiers.resnet50((32, 32, 1), 3)
    given = _given_to_the_backbone(model)(np.ones([1, 32, 32, 1], np.float32))
    assert given.shape == (1, 64, 64, 3)
    np.testing.assert_allclose(given[0, 0, 0] + [103.939, 116.779, 123.68], [255.0] * 3, atol=1e-3)
