"""The positive view: what it does to pixels, and what decides it."""

import numpy as np
import pytest
import tensorflow as tf

from eig_tf import config as config_lib
from eig_tf.data import addons, augment, digits
from eig_tf.methods import METHODS

SEED = (11, 4)


@pytest.fixture(scope="module")
def images():
    """Sixteen digits in [-1, 1]."""
    return tf.constant(digits.load().images[:16] / 127.5 - 1.0, tf.float32)


def dot(row, column, size=29):
    """A dark image [1, size, size, 1] with one smooth bright dot."""
    rows, columns = np.indices((size, size))
    image = np.exp(-((rows - row)**2 + (columns - column)**2) / (2 * 1.2**2))
    return tf.constant(image[np.newaxis, ..., np.newaxis], tf.float32)


def centre(image):
    """Centre of mass of an image [1, H, W, 1]: row, column."""
    weights = np.asarray(image)[0, :, :, 0]
    rows, columns = np.indices(weights.shape)
    return (rows * weights).sum() / weights.sum(), (columns * weights).sum() / weights.sum()


def transform(image, degrees=0.0, scale=1.0):
    return addons.rotate_and_zoom(image, tf.constant([degrees]), tf.constant([scale]))


@pytest.mark.parametrize(("degrees", "expected"), [
    (90.0, (6, 14)), (-90.0, (22, 14)), (180.0, (14, 6)),
    (30.0, (14 - 8 * 0.5, 14 + 8 * np.sqrt(0.75)))])
def test_rotation_is_counter_clockwise_about_the_centre(degrees, expected):
    right_of_centre = dot(14, 22)
    np.testing.assert_allclose(centre(transform(right_of_centre, degrees)), expected, atol=0.1)


@pytest.mark.parametrize("scale", [0.5, 1.25, 1.5])
def test_zoom_moves_things_away_from_the_centre_and_enlarges_them(scale):
    image = dot(14, 19)
    zoomed = transform(image, scale=scale)
    np.testing.assert_allclose(centre(zoomed), (14, 14 + 5 * scale), atol=0.1)
    np.testing.assert_allclose(np.sum(zoomed), np.sum(image) * scale**2, rtol=0.1)


def test_rotation_and_zoom_together():
    both = transform(dot(14, 18), degrees=90.0, scale=2.0)
    np.testing.assert_allclose(centre(both), (6, 14), atol=0.1)


def test_images_that_are_not_square_turn_about_their_centre():
    image = np.zeros((1, 21, 31, 1), np.float32)
    image[0, 9:12, 19:22] = 1.0
    np.testing.assert_allclose(centre(transform(tf.constant(image), 90.0)), (5, 15), atol=0.1)


def test_what_comes_in_from_outside_repeats_the_border():
    bright_frame = tf.ones([1, 29, 29, 1]) * 0.5
    np.testing.assert_allclose(transform(bright_frame, 45.0, 0.5), 0.5, atol=1e-6)


def test_channels_move_together():
    colours = tf.concat([dot(14, 22), 2 * dot(14, 22), -dot(14, 22)], axis=-1)
    turned = transform(colours, 37.0, 1.1)
    np.testing.assert_allclose(turned[..., 1], 2 * turned[..., 0], atol=1e-6)
    np.testing.assert_allclose(turned[..., 2], -turned[..., 0], atol=1e-6)


def test_range_and_shape_are_kept(images):
    views = augment.positive_view(images, SEED, rotation=90.0, zoom=0.5)
    assert views.shape == images.shape
    assert views.dtype == tf.float32
    assert tf.reduce_min(views) >= -1.0
    assert tf.reduce_max(views) <= 1.0


def test_no_rotation_and_no_zoom_is_the_identity(images):
    np.testing.assert_allclose(augment.positive_view(images, SEED, 0.0, 0.0), images, atol=1e-5)


def test_default_view_is_another_image_of_the_same_thing(images):
    views = augment.positive_view(images, SEED)
    per_image = np.mean(np.abs(views - images), axis=(1, 2, 3))
    assert (per_image > 1e-3).all()
    between = np.abs(views[:, tf.newaxis] - images[tf.newaxis]).mean(axis=(2, 3, 4))
    np.testing.assert_array_equal(between.argmin(axis=1), np.arange(16))


def test_seed_decides_the_view(images):
    first = augment.positive_view(images, SEED)
    np.testing.assert_array_equal(first, augment.positive_view(images, SEED))
    assert not np.allclose(first, augment.positive_view(images, (11, 5)), atol=1e-3)


def test_equal_images_in_a_batch_get_draws_of_their_own():
    views = augment.positive_view(tf.tile(dot(14, 22), [64, 1, 1, 1]), SEED).numpy()
    assert len({view.tobytes() for view in views}) == 64


def test_draws_stay_within_their_limits_and_fill_them():
    """The dot's centre tells angle and scale of each draw."""
    views = augment.positive_view(tf.tile(dot(50, 80, size=101), [400, 1, 1, 1]), SEED, 10.0, 0.1)
    centres = np.array([centre(view[tf.newaxis]) for view in views]) - 50
    degrees = np.degrees(np.arctan2(-centres[:, 0], centres[:, 1]))
    scales = np.hypot(*centres.T) / 30
    assert degrees.min() == pytest.approx(-10, abs=0.3) and degrees.max() == pytest.approx(10, abs=0.3)
    assert scales.min() == pytest.approx(0.9, abs=0.01) and scales.max() == pytest.approx(1.1, abs=0.01)
    assert abs(degrees.mean()) < 1 and abs(scales.mean() - 1) < 0.01
    assert abs(np.corrcoef(degrees, scales)[0, 1]) < 0.15


def test_what_an_image_shows_does_not_enter_its_draw(images):
    """Neither content nor label does: the draw belongs to the place in the batch and the seed."""
    mirrored = images[:, :, ::-1]
    mixed = tf.concat([images[:8], mirrored[8:]], axis=0)
    np.testing.assert_array_equal(
        augment.positive_view(mixed, SEED)[:8], augment.positive_view(images, SEED)[:8])
    swapped = tf.concat([mirrored[:8], images[8:]], axis=0)
    np.testing.assert_array_equal(
        augment.positive_view(swapped, SEED)[8:], augment.positive_view(images, SEED)[8:])


def test_works_inside_a_graph_with_an_unknown_batch_size(images):
    @tf.function(input_signature=[tf.TensorSpec([None, 28, 28, 1])])
    def view(batch):
        return augment.positive_view(batch, SEED)
    np.testing.assert_allclose(view(images), augment.positive_view(images, SEED), atol=1e-4)


@pytest.mark.parametrize("method", METHODS)
def test_views_are_made_for_the_methods_that_use_them(images, method):
    config = config_lib.default_config()
    config.method = method
    config.augment.rotation, config.augment.zoom = 45.0, 0.3
    make_view = augment.view_maker(config)
    if METHODS[method].contrastive_term is None:
        assert make_view is None
    else:
        np.testing.assert_array_equal(
            make_view(images, SEED), augment.positive_view(images, SEED, rotation=45.0, zoom=0.3))
