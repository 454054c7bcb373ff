"""Augmentation of all that D sees: each change by hand, gradients, seeds, and what is off."""

import numpy as np
import pytest
import tensorflow as tf

from eig_tf.config import default_config
from eig_tf.models.diff_augment import diff_augment, make_diff_augment

IMAGES = tf.constant(np.random.default_rng(0).uniform(-1, 1, [64, 8, 8, 3]), tf.float32)
SEED = (3, 5)


def test_nothing_is_done_when_all_is_off():
    assert make_diff_augment(default_config()) is None
    np.testing.assert_array_equal(diff_augment(IMAGES, SEED), IMAGES)


@pytest.mark.parametrize("field", ["brightness", "contrast", "shift"])
def test_every_field_reaches_the_images(field):
    config = default_config()
    config.discriminator_augment[field] = 1
    augment = make_diff_augment(config)
    assert not np.allclose(augment(IMAGES, SEED), IMAGES)
    np.testing.assert_array_equal(augment(IMAGES, SEED), augment(IMAGES, SEED))
    assert not np.allclose(augment(IMAGES, SEED), augment(IMAGES, (3, 6)))


def test_brightness_adds_one_number_to_each_image():
    added = (diff_augment(IMAGES, SEED, brightness=0.3) - IMAGES).numpy().reshape(64, -1)
    np.testing.assert_allclose(added, np.repeat(added[:, :1], added.shape[1], axis=1), atol=1e-6)
    assert -0.3 <= added.min() < -0.2 and 0.2 < added.max() <= 0.3


def test_contrast_scales_each_image_about_its_mean():
    changed = diff_augment(IMAGES, SEED, contrast=0.5)
    np.testing.assert_allclose(
        tf.reduce_mean(changed, [1, 2, 3]), tf.reduce_mean(IMAGES, [1, 2, 3]), atol=1e-5)
    factors = np.std(changed, axis=(1, 2, 3)) / np.std(IMAGES, axis=(1, 2, 3))
    assert 0.5 <= factors.min() < 0.6 and 1.4 < factors.max() <= 1.5


def test_shift_moves_each_image_and_fills_with_zeros():
    shifted = diff_augment(IMAGES, SEED, shift=2).numpy()
    seen = set()
    for image, found in zip(IMAGES.numpy(), shifted):
        padded = np.pad(image, [(2, 2), (2, 2), (0, 0)])
        offsets = [(down, right) for down in range(5) for right in range(5)
                   if np.array_equal(padded[down:down + 8, right:right + 8], found)]
        assert len(offsets) == 1
        seen.update(offsets)
    assert {down for down, _ in seen} == {right for _, right in seen} == set(range(5))


def test_gradient_reaches_the_images_through_every_change():
    with tf.GradientTape() as tape:
        tape.watch(IMAGES)
        view = diff_augment(IMAGES, SEED, brightness=2.0, contrast=0.5, shift=1)
        loss = tf.reduce_sum(view)
    gradient = tape.gradient(loss, IMAGES).numpy()
    # Values beyond [-1, 1] are kept: no pixel that is still inside the frame loses its gradient.
    assert np.abs(view).max() > 1 and (gradient[:, 1:-1, 1:-1] != 0).all()
