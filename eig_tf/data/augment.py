"""delta: the identity-preserving transformation that makes the positive view (section 4)."""

import tensorflow as tf

from eig_tf.data import addons
from eig_tf.methods import METHODS


def view_maker(config):
    """The delta of a config as (images, stateless seed) -> views; None when its method needs no views."""
    if METHODS[config.method].contrastive_term is None:
        return None
    rotation, zoom = config.augment.rotation, config.augment.zoom
    return lambda images, seed: positive_view(images, seed, rotation, zoom)


def positive_view(images, seed, rotation=10.0, zoom=0.1):
    """Rotates and zooms every image by amounts of its own.

    Args:
        images: float [N, H, W, C].
        seed: a stateless seed, int32 [2]; the same seed gives the same view.
        rotation: largest rotation either way, degrees.
        zoom: largest change of size either way, as a share of the size, below 1.

    Returns:
        [N, H, W, C], within the range of `images`.
    """
    num = tf.shape(images)[0]
    rotation_seed, zoom_seed = tf.unstack(tf.random.experimental.stateless_split(seed, 2))
    degrees = tf.random.stateless_uniform([num], rotation_seed, minval=-rotation, maxval=rotation)
    scales = tf.random.stateless_uniform([num], zoom_seed, minval=1.0 - zoom, maxval=1.0 + zoom)
    return addons.rotate_and_zoom(images, degrees, scales)
