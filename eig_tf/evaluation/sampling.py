"""Generating what is judged: the same number of images for every code."""

import numpy as np
import tensorflow as tf

from eig_tf.data.pipeline import to_float
from eig_tf.figures import grids


def images_of_code(model, code, num, seed):
    """Generates `num` images of one code, with random noise and continuous codes.

    The code is exactly one-hot and the generator in inference mode (section 4, metrics).

    Args:
        model: an `InfoGAN`.
        code: its index.
        num: how many.
        seed: a number; each code draws its own noise.

    Returns:
        uint8 [num, H, W, C].
    """
    codes = tf.tile(tf.one_hot([code], model.num_codes), [num, 1])
    return grids.generate(model, model.sample_latents(num, [seed, code], codes))


def encode_images(model, images, batch_size=500):
    """What Q makes of real images, in inference mode.

    Args:
        model: an `InfoGAN`.
        images: uint8 [N, H, W, C].
        batch_size: images a pass.

    Returns:
        The features [N, F] and the most probable codes [N].
    """
    features, codes = [], []
    for start in range(0, len(images), batch_size):
        feature, logits = _recognize_batch(model, images[start:start + batch_size])
        features.append(feature)
        codes.append(np.argmax(logits, axis=-1))
    return np.concatenate(features), np.concatenate(codes)


def _recognize_batch(model, images):
    feature, logits, _ = model.encode(to_float(images))
    return feature.numpy(), logits.numpy()
