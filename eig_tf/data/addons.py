"""The only module that touches tensorflow-addons: geometric transformations of batches."""

import math
import warnings

import tensorflow as tf

with warnings.catch_warnings():
    # Addons announces the end of its development at every import; setup.py pins the last release.
    warnings.simplefilter("ignore")
    import tensorflow_addons as tfa


def rotate_and_zoom(images, degrees, scales):
    """Rotates and scales each image about its centre, bilinearly; borders repeat the edge pixel.

    Args:
        images: float [N, H, W, C].
        degrees: counter-clockwise rotation of each image [N].
        scales: enlargement of each image, above 0 [N].

    Returns:
        [N, H, W, C], within the range of `images`.
    """
    height, width = tf.unstack(tf.cast(tf.shape(images)[1:3], tf.float32))
    rotations = tfa.image.angles_to_projective_transforms(degrees * (math.pi / 180), height, width)
    shrink = 1.0 / scales
    zero = tf.zeros_like(scales)
    # Transforms map output coordinates to input coordinates, hence the inverse scale.
    zooms = tf.stack([shrink, zero, (1.0 - shrink) * (width - 1) / 2,
                      zero, shrink, (1.0 - shrink) * (height - 1) / 2, zero, zero], axis=-1)
    transforms = tfa.image.compose_transforms([rotations, zooms])
    return tfa.image.transform(images, transforms, interpolation="bilinear", fill_mode="nearest")
