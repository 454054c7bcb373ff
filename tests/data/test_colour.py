"""Brightness and colour of batches, against tf.image on single images and hand-computed values."""

import numpy as np
import pytest
import tensorflow as tf

from eig_tf.data import colour


@pytest.fixture(scope="module")
def images():
    """Five images [5, 6, 7, 3] in [0, 1]: noise, with a black, a white, a grey and a red pixel."""
    values = np.random.default_rng(1).uniform(0.0, 1.0, [5, 6, 7, 3]).astype(np.float32)
    values[:, 0, :4] = [[0, 0, 0], [1, 1, 1], [0.5, 0.5, 0.5], [1, 0, 0]]
    return tf.constant(values)


def one_by_one(function, images, amounts):
    return tf.clip_by_value(tf.stack([function(*pair) for pair in zip(images, amounts)]), 0.0, 1.0)


@pytest.mark.parametrize(("function", "reference", "amounts"), [
    (colour.brightness, tf.image.adjust_brightness, [-1.0, -0.3, 0.0, 0.25, 1.0]),
    (colour.contrast, tf.image.adjust_contrast, [0.0, 0.4, 1.0, 1.6, 2.0]),
    (lambda images, factors: colour.saturation_and_hue(images, factors, None), tf.image.adjust_saturation,
     [0.0, 0.4, 1.0, 1.6, 2.0]),
    (lambda images, turns: colour.saturation_and_hue(images, None, turns), tf.image.adjust_hue,
     [-0.5, -0.1, 0.0, 0.2, 0.5])], ids=["brightness", "contrast", "saturation", "hue"])
def test_each_image_is_changed_as_tf_image_does(images, function, reference, amounts):
    np.testing.assert_allclose(
        function(images, tf.constant(amounts)), one_by_one(reference, images, amounts), atol=2e-5)


def test_saturation_and_hue_at_once_equal_one_after_the_other(images):
    factors, turns = tf.constant([0.5, 1.0, 1.5, 0.0, 2.0]), tf.constant([0.1, -0.2, 0.3, 0.4, 0.0])
    after = colour.saturation_and_hue(colour.saturation_and_hue(images, factors, None), None, turns)
    np.testing.assert_allclose(colour.saturation_and_hue(images, factors, turns), after, atol=2e-5)


def test_gamma_against_powers(images):
    powers = np.array([0.3, 0.5, 1.0, 2.0, 4.0], np.float32)
    result = colour.gamma(images, tf.constant(powers)).numpy()
    np.testing.assert_allclose(result, images.numpy() ** powers[:, None, None, None], atol=1e-6)
    np.testing.assert_array_equal(result[:, 0, 0], 0.0)
    np.testing.assert_array_equal(result[:, 0, 1], 1.0)


def test_greyscale_of_the_chosen_images(images):
    chosen = np.array([True, False, True, False, True])
    result = colour.greyscale(images, tf.constant(chosen)).numpy()
    np.testing.assert_allclose(
        result[chosen], np.repeat(tf.image.rgb_to_grayscale(images).numpy()[chosen], 3, axis=-1), atol=1e-6)
    np.testing.assert_array_equal(result[~chosen], images.numpy()[~chosen])


def test_blur_spreads_a_pixel_as_a_gaussian_of_its_own_width():
    image = np.zeros([3, 21, 31, 2], np.float32)
    image[:, 10, 15] = [1.0, 0.5]
    sigmas = [0.0, 0.5, 2.0]
    result = colour.blur(tf.constant(image), tf.constant(sigmas)).numpy()
    np.testing.assert_allclose(result[0], image[0], atol=1e-7)
    for one, sigma in zip(result[1:], sigmas[1:]):
        rows, columns = (np.exp(-np.arange(-half, half + 1)**2 / (2 * sigma**2)) for half in (10, 15))
        expected = np.outer(rows / rows.sum(), columns / columns.sum())
        np.testing.assert_allclose(one[..., 0], expected, atol=1e-5)
        np.testing.assert_allclose(one[..., 1], expected / 2, atol=1e-5)


def test_blur_leaves_flat_images_flat_to_the_border_and_a_wide_one_is_the_mean(images):
    flat = tf.fill([2, 9, 5, 3], 0.7)
    np.testing.assert_allclose(colour.blur(flat, tf.constant([1.0, 30.0])), flat, atol=1e-6)
    blurred = colour.blur(images, tf.fill([5], 1e4))
    np.testing.assert_allclose(
        blurred, np.broadcast_to(np.mean(images, axis=(1, 2), keepdims=True), images.shape), atol=1e-5)
