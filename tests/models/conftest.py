"""Small InfoGANs of the real architecture, and random images for them."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from eig_tf.models.infogan import InfoGAN
from eig_tf.models.prior import CodePrior
from eig_tf.networks import dcgan28


@pytest.fixture(scope="session")
def images():
    """Eight random images [8, 28, 28, 1] in [-1, 1]."""
    return tf.constant(np.random.default_rng(0).uniform(-1, 1, (8, 28, 28, 1)), tf.float32)


@pytest.fixture(scope="session")
def views():
    """Eight more, in the place of transformed views."""
    return tf.constant(np.random.default_rng(1).uniform(-1, 1, (8, 28, 28, 1)), tf.float32)


@pytest.fixture(scope="session")
def make_model():
    """Builds an InfoGAN; equal arguments give equal weights."""
    def make(prior=None, num_continuous=0, width=0.125, **options):
        keras.utils.set_random_seed(0)
        networks = dcgan28.build_networks(num_continuous=num_continuous, width=width,
                                          category_heads="guidance_weight" in options)
        return InfoGAN(networks, prior or CodePrior(10), **options)
    return make
