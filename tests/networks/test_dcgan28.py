"""The MNIST networks: sizes against the published ones, shapes, dtypes."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from eig_tf.networks import dcgan28

IMAGES = tf.constant(np.random.default_rng(0).uniform(-1, 1, (6, 28, 28, 1)), tf.float32)


def latents(num, noise_dim=62, num_codes=10, num_continuous=0):
    return [tf.random.stateless_normal([num, noise_dim], (0, 1)), tf.eye(num_codes)[:num],
            tf.zeros([num, num_continuous])]


def parts(networks):
    """Generator, trunk, D's head and Q's head of networks of one stage."""
    (discriminator,) = networks.discriminators
    return (networks.generator, *discriminator)


@pytest.fixture(scope="module")
def networks():
    """Generator, trunk, D's head and Q's head of the published size."""
    keras.utils.set_random_seed(0)
    return parts(dcgan28.build_networks())


def test_parameter_counts_are_the_published_ones(networks, count):
    assert [count(network) for network in networks] == [6_650_433, 6_558_144, 1_025, 132_746]


def test_parameter_counts_by_hand_for_other_sizes(count):
    generator, trunk, _, q = parts(dcgan28.build_networks(
        noise_dim=30, num_codes=4, num_continuous=2, image_shape=(28, 28, 3)))
    inputs = 30 + 4 + 2
    assert count(generator) == 6_650_433 + (inputs - 72) * 1024 + 2 * (16 * 64 + 1)
    assert count(trunk) == 6_558_144 + 2 * 16 * 64
    assert count(q) == 132_746 + (6 - 10) * 129


def test_width_scales_generator_and_trunk_and_leaves_q_its_feature(count):
    generator, trunk, _, q = parts(dcgan28.build_networks(width=0.5))
    norm_and_bias = 3
    assert count(generator) == (
        (72 + norm_and_bias) * 512 + (512 + norm_and_bias) * 7 * 7 * 64
        + (16 * 64 + norm_and_bias) * 32 + 16 * 32 + 1)
    activations = trunk(IMAGES)
    assert activations.shape == (6, 512)
    feature, logits, _ = q(activations)
    assert feature.shape == (6, 128) and logits.shape == (6, 10)


def test_weights_start_as_published(networks):
    kernels = [variable for network in networks for variable in network.trainable_variables
               if "kernel" in variable.name]
    assert len(kernels) == 4 + 3 + 1 + 2
    for kernel in kernels:
        assert np.std(kernel) == pytest.approx(0.02, rel=0.15)
    biases = [variable for network in networks for variable in network.trainable_variables
              if "bias" in variable.name]
    assert len(biases) == len(kernels)
    assert not any(np.any(bias) for bias in biases)
    norms = [layer for network in networks for layer in network.submodules
             if isinstance(layer, keras.layers.BatchNormalization)]
    assert len(norms) == 3 + 2 + 1
    assert {(norm.momentum, norm.epsilon) for norm in norms} == {(0.9, 1e-5)}


def test_shapes_and_ranges(networks):
    generator, trunk, d_head, q = networks
    (images,) = generator(latents(5))
    assert images.shape == (5, 28, 28, 1)
    assert np.abs(images).max() <= 1.0
    activations = trunk(images)
    assert activations.shape == (5, 1024)
    assert d_head(activations).shape == (5,)
    feature, logits, means = q(activations)
    assert (feature.shape, logits.shape, means.shape) == ((5, 128), (5, 10), (5, 0))


def test_code_noise_and_continuous_codes_all_reach_the_image():
    generator, trunk, _, q = parts(dcgan28.build_networks(num_continuous=2, width=0.25))
    noise, code, continuous = latents(3, num_continuous=2)
    (base,) = generator([noise, code, continuous])
    for changed in ([noise + 1, code, continuous], [noise, tf.roll(code, 1, axis=0), continuous],
                    [noise, code, continuous + 1]):
        assert not np.allclose(generator(changed)[0], base, atol=1e-6)
    _, logits, means = q(trunk(base))
    assert (logits.shape, means.shape) == ((3, 10), (3, 2))


def test_feature_is_what_the_logits_are_computed_from(networks):
    _, trunk, _, q = networks
    feature, logits, _ = q(trunk(IMAGES))
    prediction = q.prediction
    np.testing.assert_allclose(feature @ prediction.kernel + prediction.bias, logits, atol=1e-5)
    negative, positive = np.min(feature), np.max(feature)
    assert negative < 0 < positive and abs(negative) < positive  # after the leaky ReLU


def test_outputs_are_float32_under_bfloat16(bfloat16):
    networks = parts(dcgan28.build_networks(num_continuous=1, width=0.25))
    generator, trunk, d_head, q = networks
    (images,) = generator(latents(4, num_continuous=1), training=True)
    activations = trunk(images, training=True)
    outputs = [images, d_head(activations), *q(activations, training=True)]
    assert [output.dtype for output in outputs] == [tf.float32] * 5
    assert {variable.dtype for network in networks for variable in network.variables} == {tf.float32}
    assert trunk.dense.compute_dtype == "bfloat16"


def test_trunk_over_two_groups_equals_two_passes(check_groups):
    check_groups(dcgan28.Trunk(width=0.25), dcgan28.Trunk(width=0.25), IMAGES[:3], 0.2 * IMAGES[3:])
