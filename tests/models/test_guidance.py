import numpy as np
import pytest
import tensorflow as tf

from eig_tf.models.guidance import CategoryGuidance
from eig_tf.networks.categorizer import build_categorizer
from eig_tf.random_streams import WHOLE_BATCH

DELTA = {"saturation": 0.4, "hue": 0.05, "rotation": 10.0, "gamma_min": 0.5, "gamma_max": 2.0}
SEED = tf.constant([1, 2])


def test_categories_and_losses_are_those_of_the_categorizer_and_the_table():
    categorizer = build_categorizer((28, 28, 1), 3)
    kernel, _ = categorizer.get_layer("logits").get_weights()
    categorizer.get_layer("logits").set_weights([np.zeros_like(kernel), np.log([0.1, 0.7, 0.2])])
    guidance = CategoryGuidance(categorizer, np.array([2, 0, 1, 2]), DELTA)
    images = tf.random.stateless_uniform([2, 28, 28, 1], SEED, -1.0, 1.0)
    codes = tf.constant([[0.2, 0.5, 0.2, 0.1], [0.0, 0.0, 0.4, 0.6]])
    assert guidance.categories_of_images(images).numpy().tolist() == [1, 1]
    categories = guidance.categories_of_codes(codes)
    assert categories.numpy().tolist() == [0, 2]
    np.testing.assert_allclose(guidance.losses(categories, images, SEED, WHOLE_BATCH),
                               -np.log([0.1, 0.2]), rtol=1e-5)


@pytest.mark.parametrize(("dtype", "channels"), [(tf.float32, 1), (tf.bfloat16, 1), (tf.float32, 3)])
def test_black_images_have_a_gradient_and_it_is_finite(dtype, channels):
    """A power below 1 has an infinite slope at black, and a change of saturation none at all."""
    guidance = CategoryGuidance(build_categorizer((28, 28, channels), 3), np.arange(3), DELTA)
    images = -tf.ones([2, 28, 28, channels], dtype)
    with tf.GradientTape() as tape:
        tape.watch(images)
        losses = guidance.losses(tf.constant([0, 1]), images, SEED, WHOLE_BATCH)
    gradient = tf.cast(tape.gradient(losses, images), tf.float32).numpy()
    assert losses.dtype == tf.float32
    assert np.isfinite(gradient).all()
    assert np.abs(gradient).max() > 0
