"""Geometric transformations of batches: positions of a dot, and hand-computed pixels."""

import numpy as np
import pytest
import tensorflow as tf
from dots import centre, dot

from eig_tf.data import addons


def transform(image, degrees=0.0, scale=1.0):
    return addons.transform(image, [addons.rotation(image, tf.constant([degrees])),
                                    addons.zoom(image, tf.constant([scale]))])


@pytest.mark.parametrize(("column", "degrees", "scale", "expected"), [
    (22, 90.0, 1.0, (6, 14)), (22, -90.0, 1.0, (22, 14)), (22, 180.0, 1.0, (14, 6)),
    (22, 30.0, 1.0, (14 - 8 * 0.5, 14 + 8 * np.sqrt(0.75))), (18, 90.0, 2.0, (6, 14)),
    (19, 0.0, 0.5, (14, 16.5)), (19, 0.0, 1.25, (14, 20.25)), (19, 0.0, 1.5, (14, 21.5))])
def test_rotation_is_counter_clockwise_and_zoom_enlarges_about_the_centre(column, degrees, scale, expected):
    image = dot(14, column)
    moved = transform(image, degrees, scale)
    np.testing.assert_allclose(centre(moved), expected, atol=0.1)
    np.testing.assert_allclose(np.sum(moved), np.sum(image) * scale**2, rtol=0.1)


def test_images_that_are_not_square_turn_about_their_centre():
    image = np.zeros((1, 21, 31, 1), np.float32)
    image[0, 9:12, 19:22] = 1.0
    np.testing.assert_allclose(centre(transform(tf.constant(image), 90.0)), (5, 15), atol=0.1)


def test_outside_the_image_the_border_is_repeated():
    bright_frame = tf.ones([1, 29, 29, 1]) * 0.5
    np.testing.assert_allclose(transform(bright_frame, 45.0, 0.5), 0.5, atol=1e-6)


def test_mirroring_swaps_left_and_right_of_the_chosen_images():
    images = tf.reshape(tf.range(2.0 * 3 * 4 * 2), [2, 3, 4, 2])
    mirrored = addons.transform(images, [addons.mirroring(images, tf.constant([True, False]))])
    np.testing.assert_array_equal(mirrored, tf.concat([images[:1, :, ::-1], images[1:]], axis=0))


@pytest.mark.parametrize(("place", "expected"), [
    (0.0, [0, 0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3.25]),  # -0.25 + j / 2, the border repeated
    (0.5, [1.75, 2.25, 2.75, 3.25, 3.75, 4.25, 4.75, 5.25]),
    (1.0, [3.75, 4.25, 4.75, 5.25, 5.75, 6.25, 6.75, 7])])
def test_window_of_half_the_size_against_hand_computed_values(place, expected):
    columns = tf.tile(tf.range(8.0)[tf.newaxis, tf.newaxis, :, tf.newaxis], [1, 6, 1, 1])
    at = tf.constant([place])
    other = tf.constant([0.3])
    across = addons.transform(columns, [addons.window(columns, 0.5, at, other)])
    np.testing.assert_allclose(across[0, :, :, 0], np.tile(expected, [6, 1]), atol=1e-5)
    rows = tf.transpose(columns, [0, 2, 1, 3])
    down = addons.transform(rows, [addons.window(rows, 0.5, other, at)])
    np.testing.assert_allclose(down[0, :, :, 0], np.tile(expected, [6, 1]).T, atol=1e-5)


def test_transformations_are_applied_in_order():
    image = dot(14, 22)
    turn = addons.rotation(image, tf.constant([30.0]))
    mirror = addons.mirroring(image, tf.constant([True]))
    assert centre(addons.transform(image, [turn, mirror])) == pytest.approx((10, 14 - 6.93), abs=0.1)
    assert centre(addons.transform(image, [mirror, turn])) == pytest.approx((18, 14 - 6.93), abs=0.1)
